using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>What became of the server since the daemon wrote on it last.</summary>
public sealed class RecordedServerTests
{
    private static readonly ServerIdentity Then = new("71", "00000001");
    private static readonly ServerIdentity Promoted = new("71", "00000002");

    /// <summary>100 batches of the daemon a1, the last one at the time 5000, a minute ago, and all of them known.</summary>
    private static readonly RecordedServer Recorded = new(Then, "a1", 100, 100, 5000, HasWaited: true, Now: 5060);
    private static readonly SeenBatch Known = new("71", "00000001", "a1", 100, 5000);

    [Fact]
    public void Server_that_stayed_is_the_same()
    {
        Assert.Equal(ServerHistory.Same, Recorded.Judge(Then, Known, allowsAsync: false));
        Assert.Equal(ServerHistory.Same, Recorded.Judge(Then, known: null, allowsAsync: false));
        Assert.Equal(ServerHistory.Same, Recorded.Judge(Then, Known with { System = "70", Total = 999 }, allowsAsync: false));
        Assert.Equal(ServerHistory.Same, (Recorded with { Now = 999999 }).Judge(Then, Known with { Total = 3, Last = 3 }, allowsAsync: false));
    }

    [Fact]
    public void Promoted_synchronous_standby_has_everything()
    {
        Assert.Equal(ServerHistory.Promoted, Recorded.Judge(Promoted, Known, allowsAsync: false));
        // Others have written since this daemon looked.
        Assert.Equal(ServerHistory.Promoted, Recorded.Judge(Promoted, Known with { Total = 80, Last = 4996 }, allowsAsync: true));
    }

    [Fact]
    public void Whatever_is_not_certain_is_lost()
    {
        foreach (var (recorded, now, known) in ((RecordedServer, ServerIdentity, SeenBatch?)[])[
            (Recorded, Promoted with { System = "72" }, Known),
            (Recorded, Promoted, null),
            (Recorded, Promoted, Known with { System = "70" }),
            // It did not wait for a standby, so this is one that nobody waited for, or a restore.
            (Recorded with { HasWaited = false }, Promoted, Known),
            // Another daemon has led since the last look of this one, or has written for longer without it.
            (Recorded, Promoted, Known with { Leader = "b1" }),
            (Recorded, Promoted, Known with { Last = 4994 }),
            // Nobody promotes a server hours later.
            (Recorded with { Now = 5000 + 3601 }, Promoted, Known),
            // A snapshot of the disk has the same identifier and timeline.
            (Recorded, Then, Known with { Total = 101 }),
            (Recorded, Promoted, Known with { Total = 101 }),
            // There were fewer when the server left the timeline that the daemon knows.
            (Recorded with { Kept = 99 }, Then, Known)])
            Assert.Equal(ServerHistory.Lost, recorded.Judge(now, known, allowsAsync: false));
    }

    [Fact]
    public void Loss_of_the_last_moments_is_what_the_operator_accepts()
    {
        var unwaited = Recorded with { HasWaited = false };
        Assert.Equal(ServerHistory.Shortened, unwaited.Judge(Promoted, Known, allowsAsync: true));
        Assert.Equal(ServerHistory.Shortened, unwaited.Judge(Promoted, Known with { Total = 140, Last = 5059 }, allowsAsync: true));
        Assert.Equal(ServerHistory.Shortened, (unwaited with { Kept = 99 }).Judge(Then, Known, allowsAsync: true));
        // Much of it, or another database, or nobody can tell.
        Assert.Equal(ServerHistory.Lost, unwaited.Judge(Promoted, Known with { Total = 140, Last = 5061 }, allowsAsync: true));
        Assert.Equal(ServerHistory.Lost, unwaited.Judge(Promoted, Known with { Last = 4939 }, allowsAsync: true));
        Assert.Equal(ServerHistory.Lost, unwaited.Judge(Promoted, known: null, allowsAsync: true));
        Assert.Equal(ServerHistory.Lost, (unwaited with { Now = 5000 + 3601 }).Judge(Promoted, Known, allowsAsync: true));
        Assert.Equal(ServerHistory.Lost, unwaited.Judge(Promoted with { System = "72" }, Known, allowsAsync: true));
    }

    [Fact]
    public void Seen_batch_is_read_as_it_is_written()
    {
        Assert.Equal(Known, SeenBatch.Read($"{Known}"));
        foreach (var text in (string[])["", "71 00000001 a1 100", "71 00000001 a1 100 x", "71 00000001 a1 -1 5", "71 00000001 a1 100 5000 more", "\0\0\0"])
            Assert.Null(SeenBatch.Read(text));
    }

    [Fact]
    public void Seen_batch_is_overwritten_by_the_next()
    {
        using var folder = new TemporaryFolder();
        using (var file = new LastSeen(folder.Path, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance))
        {
            Assert.Null(file.Read());
            file.Keep(Known with { Total = 100000 });
            file.Keep(Known);
            Assert.Equal(Known, file.Read());
        }
        Assert.Equal($"{Known}", File.ReadAllText(Path.Combine(folder.Path, LastSeen.FileName)).Trim());
    }
}
