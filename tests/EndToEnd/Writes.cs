using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// What a program that is started around it makes durable: files that are flushed, and names that files get or lose, however many threads do
/// it. The program dies at the one that a test names, before the kernel has done it; and what was not flushed then can be lost, too.
/// </summary>
internal sealed partial class Writes
{
    private const int Room = 256;

    private static readonly Lazy<string> library = new(Compile);

    private readonly string file;

    /// <param name="folder">Where its files are.</param>
    public Writes(string folder)
    {
        file = Path.Combine(folder, "writes");
        File.WriteAllBytes(file, new byte[sizeof(long) + (2 * Room)]);
    }

    /// <summary>The words to start a program with.</summary>
    public string[] Around => ["env", $"LD_PRELOAD={library.Value}", $"WRITES={file}"];

    /// <summary>Has the program die, and forgets what was written before.</summary>
    /// <param name="write">At which write, as <see cref="Made"/> names it.</param>
    /// <param name="count">At which of them, from 1.</param>
    /// <param name="after">The write after which they count; all do, without.</param>
    public void DieAt(Write write, int count = 1, Write? after = null)
    {
        File.WriteAllText($"{file}.log", "");
        Order(0, "", "");
        Order(count, after?.Pattern ?? "", write.Pattern);
    }

    /// <summary>Lets the program live, and forgets what was written before.</summary>
    public void Rest()
    {
        Order(0, "", "");
        File.WriteAllText($"{file}.log", "");
    }

    /// <summary>What was written, oldest first. A temporary file counts when it gets its name; what a folder holds, when the program says it.</summary>
    public List<Write> Made => [.. Lines.Select(Write.Of).OfType<Write>()];

    /// <summary>
    /// Leaves what a power cut may leave of a program that was killed: of the database's log what was flushed, and files that were not flushed
    /// are empty.
    /// </summary>
    public void CutPower(string database)
    {
        File.Delete($"{database}-shm");
        if (File.Exists($"{file}.wal"))
            File.Copy($"{file}.wal", $"{database}-wal", overwrite: true);
        else
            File.Delete($"{database}-wal");
        var flushed = new HashSet<string>();
        foreach (var line in Lines)
            switch (line)
            {
                case ["flush", var path, ..]:
                    flushed.Add(path);
                    break;
                case ["rename", var from, var to] when Temporary().IsMatch(from) && !flushed.Contains(from) && File.Exists(to):
                    File.WriteAllText(to, "");
                    break;
            }
    }

    private string[][] Lines => [.. File.ReadAllLines($"{file}.log").Select(line => line.Split('\t'))];

    private void Order(long count, string after, string needle)
    {
        var bytes = new byte[2 * Room];
        Encoding.UTF8.GetBytes(after, bytes.AsSpan(0, Room - 1));
        Encoding.UTF8.GetBytes(needle, bytes.AsSpan(Room, Room - 1));
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(handle, bytes, sizeof(long));
        // Last, so that it applies as a whole.
        RandomAccess.Write(handle, BitConverter.GetBytes(count), 0);
    }

    private static string Compile()
    {
        var made = Path.Combine(AppContext.BaseDirectory, "writes.so");
        using var compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O1", "-o", made, Path.Combine(World.Repository, "tests/EndToEnd/writes.c")]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        return made;
    }

    [GeneratedRegex(@"\.unfinished-[a-z0-9]{8}\.[a-z0-9]{3}$")]
    internal static partial Regex Temporary();
}

/// <summary>A write that lasts.</summary>
/// <param name="What"><c>flush</c> of the database's log, <c>rename</c>, <c>link</c> or <c>unlink</c>.</param>
/// <param name="File">The file; for a new name, that name. A folder, where each file has another name.</param>
internal sealed record Write(string What, string File)
{
    // Their files are named by what they hold, or by how many entries.
    private static readonly string[] numbered = ["/by-hash/", "/audit/tile/"];

    /// <summary>What its line has and no other.</summary>
    public string Pattern => this switch
    {
        { What: "rename", File: [.., not '/'] } => $"\t{File}\n",
        { File: [.., '/'] } => $"{What}\t{File}",
        _ => $"{What}\t{File}\t",
    };

    public override string ToString() => $"{What} {Path.GetFileName(File.TrimEnd('/'))}";

    /// <summary>Returns what a line says; null for what changes nothing by itself, such as the flush of a file without a name.</summary>
    public static Write? Of(string[] line) => line switch
    {
        ["flush", var path, ..] => path.EndsWith("-wal", StringComparison.Ordinal) ? new Write("flush", path) : null,
        ["rename" or "link", _, var to] => Writes.Temporary().IsMatch(to) ? null : new Write(line[0], Folder(to)),
        ["unlink", var path, ..] => Writes.Temporary().IsMatch(path) ? null : new Write("unlink", Folder(path)),
        _ => null,
    };

    private static string Folder(string path) =>
        numbered.Select(part => path.IndexOf(part, StringComparison.Ordinal) is >= 0 and var at ? path[..(at + part.Length)] : null).OfType<string>().FirstOrDefault(path);
}
