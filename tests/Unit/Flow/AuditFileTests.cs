using System.Text;
using CertAuthority.Flow;
using CertAuthority.Linux;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Flow;

/// <summary>The file of the audit: whatever ended the daemon, and whoever renamed it, each line is in it once and whole.</summary>
public sealed class AuditFileTests : IDisposable
{
    private static readonly StoredEntry[] Entries = [.. Enumerable.Range(1, 9).Select(n => new StoredEntry(n, Encoding.UTF8.GetBytes($$"""{"time":"2026-03-01T12:00:00Z","event":"e{{n}}","reason":"ä\n"}""")))];

    private readonly TemporaryFolder folder = new();

    private string File => folder.File("audit.jsonl");

    [Fact]
    public async Task Line_cut_anywhere_is_completed_once()
    {
        await Written(new SinkMark(0), 5);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var four = whole.AsSpan()[..^1].LastIndexOf((byte)'\n') + 1;
        for (var length = four; length <= whole.Length; length++)
        {
            await System.IO.File.WriteAllBytesAsync(File, whole[..length]);
            // What is recorded may be older than what is in the file, or newer, after a power cut.
            foreach (var recorded in (long[])[1, 4, 7])
            {
                await System.IO.File.WriteAllBytesAsync(File, whole[..length]);
                var mark = await Written(new SinkMark(recorded, Identity()), 9);
                Assert.Equal(9, mark.Position);
                Assert.Equal(Lines(1, 9), await System.IO.File.ReadAllTextAsync(File));
            }
        }
    }

    [Fact]
    public async Task Renamed_file_gets_the_rest_of_its_last_line()
    {
        var mark = await Written(new SinkMark(0), 5);
        await System.IO.File.WriteAllBytesAsync(File, (await System.IO.File.ReadAllBytesAsync(File))[..^20]);
        System.IO.File.Move(File, folder.File("audit.jsonl.1"));

        await Written(mark with { Position = 2 }, 9);

        Assert.Equal(Lines(1, 5), await System.IO.File.ReadAllTextAsync(folder.File("audit.jsonl.1")));
        Assert.Equal(Lines(6, 9), await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task File_renamed_while_open_is_followed_by_a_new_one()
    {
        using var sink = new Opened(File);
        var mark = await sink.Send(new SinkMark(0), 3);
        System.IO.File.Move(File, folder.File("old"));
        mark = await sink.Send(mark, 6);
        System.IO.File.Delete(File);
        await sink.Send(mark, 9);
        Assert.Equal(Lines(1, 3), await System.IO.File.ReadAllTextAsync(folder.File("old")));
        Assert.Equal(Lines(7, 9), await System.IO.File.ReadAllTextAsync(File));
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else\n")]
    [InlineData("{\"seq\":7,\"event\":\"of another daemon\"}\n")]
    public async Task Unknown_file_is_appended_to_from_the_recorded_position(string content)
    {
        await System.IO.File.WriteAllTextAsync(File, content);
        Assert.Equal(5, (await Written(new SinkMark(3, "0:0:0"), 5)).Position);
        Assert.Equal(content + Lines(4, 5), await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task Line_of_an_unknown_file_is_ended_first()
    {
        await System.IO.File.WriteAllTextAsync(File, "{\"seq\":3,\"tim");
        await Written(new SinkMark(3), 5);
        Assert.Equal("{\"seq\":3,\"tim\n" + Lines(4, 5), await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task Torn_bytes_that_are_no_entry_end_on_their_own_line()
    {
        await System.IO.File.WriteAllTextAsync(File, Lines(1, 2) + "\0\0\0\0");
        Assert.Equal(4, (await Written(new SinkMark(0, Identity()), 4)).Position);
        Assert.Equal(Lines(1, 2) + "\0\0\0\0\n" + Lines(3, 4), await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task New_file_is_readable_by_its_group_only()
    {
        await Written(new SinkMark(0), 1);
        Assert.Equal(AuditFile.Mode, System.IO.File.GetUnixFileMode(File));
    }

    [Theory]
    [InlineData("a link", "is a symbolic link")]
    [InlineData("others can write", "so that others can write")]
    [InlineData("a second name", "has 2 names")]
    [InlineData("a folder", "is not a regular file")]
    public void File_that_others_could_change_is_refused(string how, string fault)
    {
        var target = folder.File("target");
        System.IO.File.WriteAllText(target, "");
        switch (how)
        {
            case "a link": System.IO.File.CreateSymbolicLink(File, target); break;
            case "a folder": Directory.CreateDirectory(File); break;
            case "a second name":
                System.IO.File.WriteAllText(File, "");
                System.Diagnostics.Process.Start("ln", [File, folder.File("second")]).WaitForExit();
                break;
            default:
                System.IO.File.WriteAllText(File, "");
                System.IO.File.SetUnixFileMode(File, AtomicFile.ReadableByAll | UnixFileMode.OtherWrite);
                break;
        }
        using var sink = new Opened(File);
        Assert.Contains(fault, Assert.Throws<ExposedException>(() => sink.Begin(new SinkMark(0))).Message, StringComparison.Ordinal);
        Assert.Equal("", System.IO.File.ReadAllText(target));
    }

    [Theory]
    [InlineData("{\"time\":\"x\"}", "{\"seq\":7,\"time\":\"x\"}")]
    [InlineData("{}", "{\"seq\":7,\"unreadable\":\"e30=\"}")]
    [InlineData("{\"a\":1}\n{\"b\":2}", "{\"seq\":7,\"unreadable\":\"eyJhIjoxfQp7ImIiOjJ9\"}")]
    [InlineData("{\"a\":1} {\"b\":2}", "{\"seq\":7,\"unreadable\":\"eyJhIjoxfSB7ImIiOjJ9\"}")]
    [InlineData("{\"a", "{\"seq\":7,\"unreadable\":\"eyJh\"}")]
    [InlineData("", "{\"seq\":7,\"unreadable\":\"\"}")]
    public void Spoilt_entry_is_one_line_of_JSON_too(string stored, string line) => Assert.Equal(line, Encoding.UTF8.GetString(new StoredEntry(7, Encoding.UTF8.GetBytes(stored)).Line()));

    public void Dispose() => folder.Dispose();

    /// <summary>As a run of the daemon that ends when the file has the entries up to a number.</summary>
    private async Task<SinkMark> Written(SinkMark mark, int last)
    {
        using var sink = new Opened(File);
        return await sink.Send(mark, last);
    }

    private string Identity() => FileStatus.Read(File)!.Value is var status ? $"{status.Device.Major}:{status.Device.Minor}:{status.Inode}" : "";

    private static string Lines(int first, int last) => string.Concat(Entries[(first - 1)..last].Select(entry => Encoding.UTF8.GetString(entry.Line()) + "\n"));

    private sealed class Opened(string path) : IDisposable
    {
        private readonly AuditFile sink = new(path, seq => Array.Find(Entries, entry => entry.Seq == seq));

        public SinkMark Begin(SinkMark mark) => sink.Begin(mark);

        public async Task<SinkMark> Send(SinkMark mark, int last)
        {
            mark = sink.Begin(mark);
            var rest = Entries[(int)mark.Position..last];
            Assert.Equal(rest.Length, await sink.Send(rest, CancellationToken.None));
            return mark with { Position = last };
        }

        public void Dispose() => sink.Abandon();
    }
}
