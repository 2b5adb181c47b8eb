using CertAuthority.Access.Users;
using CertAuthority.Auditing;
using CertAuthority.Operations;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Auditing;

/// <summary>Which entries of a real database may go, and which never.</summary>
public sealed class AuditArchivingTests : IAsyncLifetime
{
    private static readonly TimeSpan Keep = TimeSpan.FromDays(30);
    private static readonly DateTimeOffset Old = World.Now - TimeSpan.FromDays(31);
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    private HostWorld world = null!;
    private Authority ca = null!;

    private Checkpoints Checkpoints => ca.Checkpoints;

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        ca = world.Authority with { AuditKeep = Keep };
        var file = new CheckpointFile(world.File("audit_checkpoint"), Checkpoints.Key);
        file.Keep(file.Begun());
        await Checkpoints.StartAsync(CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await Checkpoints.StopAsync(CancellationToken.None);
        await ca.AuditRemoval.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    [Fact]
    public async Task Whole_tiles_of_old_entries_go_and_the_tree_stays()
    {
        await Audit(600, Old);
        await Audit(10, World.Now);
        var signed = await Signed(610);
        await ca.AuditRemoval.StartAsync(CancellationToken.None);

        var archived = await Archive();

        Assert.Equal(new AuditArchived(512, 512, World.Now - Keep), archived);
        await Eventually(() => Read(snapshot => snapshot.AuditArchive().Removed) == 512);
        Assert.Equal(513, Read(snapshot => snapshot.StoredAudit(0, 1)).Single().Seq);
        Assert.Equal(98 + 1, Read(snapshot => snapshot.StoredAudit(0, 1000)).Count);
        Assert.Equal(0, Rows("SELECT count(*) FROM audit_requests WHERE id <= 512"));
        Assert.Equal(98, Rows("SELECT count(*) FROM audit_requests"));
        await Signed(611);
        var tree = Read(snapshot => (new Tree(611, snapshot.Tile).RootOf(610), snapshot.PlaceOf(snapshot.StoredTree()!, 513), snapshot.NumberAt(snapshot.StoredTree()!, 600)));
        Assert.Equal(signed.Checkpoint.Root, tree.Item1);
        Assert.Equal((512, 601), (tree.Item2, tree.Item3));
        var entry = Read(snapshot => snapshot.NumberedAudit(new AuditWish { OldestFirst = true }))[^1].Entry;
        Assert.Equal(("audit.archived", 512), (entry.Event, entry.Count));
        Assert.Equal([new AuditChange("archived", "0", "512"), new AuditChange("checkpoint", New: signed.Checkpoint.Text.Replace('\n', ' ').Trim())], entry.Changes!);
        // Nothing more is old enough.
        Assert.Equal(0, (await Archive()).Entries);
        // The next run knows.
        Assert.Null(FaultOfNextRun());
    }

    [Fact]
    public async Task Question_without_a_checkpoint_changes_nothing()
    {
        await Audit(600, Old);
        await Signed(600);
        Assert.Equal(512, (await AuditArchiving.Archive(ca, Root, new ArchiveAudit())).Entries);
        Assert.Equal(0, Read(snapshot => snapshot.AuditArchive().Through));
    }

    // Numbers may go back in time, if the clock was wrong for a while.
    [Theory]
    [InlineData(300, 256)]
    [InlineData(255, 0)]
    public async Task Young_entry_keeps_everything_after_it(int before, long through)
    {
        await Audit(before, Old);
        await Audit(1, World.Now - Keep);
        await Audit(600, Old);
        await Signed(before + 601);
        Assert.Equal((through, through), await Archive() is var archived ? (archived.Entries, archived.Through) : default);
    }

    [Fact]
    public async Task Sink_that_is_behind_keeps_what_it_does_not_have()
    {
        await Audit(600, Old);
        await world.Store.Database.Commit(transaction =>
        {
            transaction.SetAuditSinks(["file", "webhook/siem"]);
            transaction.RecordAuditSink("webhook/siem", new SinkMark(511));
            return true;
        });
        await Signed(600);
        Assert.Equal((256, "webhook/siem has the audit up to entry 511 only"), await Archive() is var archived ? (archived.Through, archived.HeldBack) : default);
    }

    [Fact]
    public async Task Checkpoint_of_the_archive_bounds_what_goes()
    {
        await Audit(300, Old);
        var early = await Signed(300);
        await Audit(600, Old);
        await Signed(900);
        Assert.Equal(256, (await Archive(early.Note)).Through);
        Assert.Equal(768, (await Archive()).Through);
    }

    [Theory]
    [InlineData("somebody", "only root archives the audit")]
    [InlineData("no keep", "the configuration does not say how long the audit is kept, so nothing of it is archived")]
    [InlineData("another key", "checkpoint takes a checkpoint that this daemon signed")]
    [InlineData("another log", "the archive is of the log certauthority/89abcdef89abcdef, and the daemon has ORIGIN")]
    [InlineData("another root", "the audit does not begin with the 600 entries of the archive")]
    [InlineData("a larger size", "the audit does not begin with the 601 entries of the archive")]
    [InlineData("a clock ahead", "the clock of the authority's host shows")]
    public async Task Anything_doubtful_is_refused(string what, string refusal)
    {
        await Audit(600, Old);
        var (checkpoint, key) = (await Signed(600) is var signed ? signed.Checkpoint : null!, Checkpoints.Key);
        using var other = AuditKey.LoadOrCreate(world.File("other_key"));
        var (by, authority, note) = (Root, ca, signed.Note);
        switch (what)
        {
            case "somebody":
                by = new Administrator(new Caller(new UnixIdentity(5001, "carol"), IsRoot: false));
                break;
            case "no keep":
                authority = world.Authority;
                break;
            case "another key":
                note = other.Sign(checkpoint).Note;
                break;
            case "another log":
                note = key.Sign(checkpoint with { Origin = "certauthority/89abcdef89abcdef" }).Note;
                break;
            case "another root":
                note = key.Sign(checkpoint with { Root = TreeHash.OfNothing }).Note;
                break;
            case "a larger size":
                note = key.Sign(checkpoint with { Size = 601 }).Note;
                break;
            default:
                authority = ca with { Clock = new SteadyClock(world.Clock, "boot", ca.Clock.Record with { Time = World.Now.AddDays(-400) }) };
                break;
        }
        var problem = await Assert.ThrowsAsync<ProblemException>(() => AuditArchiving.Archive(authority, by, new ArchiveAudit(note)));
        Assert.StartsWith(refusal.Replace("ORIGIN", checkpoint.Origin, StringComparison.Ordinal), problem.Problem.Detail, StringComparison.Ordinal);
        Assert.Equal(600, Read(snapshot => snapshot.StoredAudit(0, 1000)).Count);
        Assert.Equal(0, Read(snapshot => snapshot.AuditArchive().Through));
    }

    [Theory]
    [InlineData("DELETE FROM audit WHERE id = 513", "an entry of the audit cannot be removed before it is archived")]
    [InlineData("DELETE FROM audit", "an entry of the audit cannot be removed before it is archived")]
    [InlineData("DELETE FROM audit_archive", "how much of the audit is archived cannot be forgotten")]
    [InlineData("UPDATE audit_archive SET through = 0", "only entries in a signed checkpoint can be archived")]
    [InlineData("UPDATE audit_archive SET through = 700", "only entries in a signed checkpoint can be archived")]
    [InlineData("UPDATE audit_archive SET removed = 513", "only entries in a signed checkpoint can be archived")]
    public async Task Schema_refuses_what_is_not_archived(string change, string fault)
    {
        await Audit(600, Old);
        await Signed(600);
        await Archive();
        Assert.Contains(fault, Assert.ThrowsAny<System.Data.Common.DbException>(() => Change(change)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "DELETE FROM audit WHERE id = 3", null)]
    [InlineData(3, "", null)]
    [InlineData(3, "DROP TRIGGER audit_kept; DELETE FROM audit WHERE id = 514", "entries of the audit are missing: there are 88 of 89")]
    [InlineData(3, "INSERT INTO audit (id, time, event, entry) SELECT 7, time, event, entry FROM audit WHERE id = 514", "there are entries of the audit that were never logged: 90, of 89")]
    public async Task Next_run_counts_what_must_be_there(int pieces, string change, string? fault)
    {
        await Audit(600, Old);
        await Signed(600);
        await Archive();
        await Signed(601);
        for (var piece = 0; piece < pieces; piece++)
            await world.Store.Database.Commit(transaction => transaction.RemoveArchived(200));
        if (change.Length > 0)
            Change(change);
        Assert.Equal(fault, FaultOfNextRun());
    }

    [Fact]
    public async Task Log_that_begins_anew_has_what_is_not_archived()
    {
        await Audit(600, Old);
        await Signed(600);
        await Archive();
        await Signed(601);
        await Checkpoints.StopAsync(CancellationToken.None);
        var file = new CheckpointFile(world.File("audit_checkpoint"), Checkpoints.Key);
        var begun = file.Begun();
        file.Keep(begun);
        await world.Store.Database.Commit(transaction =>
        {
            transaction.BeginTree(begun.Checkpoint.Origin);
            return true;
        });
        using var next = Next();
        next.Begin();
        await next.StartAsync(CancellationToken.None);
        await Eventually(() => next.Latest?.Checkpoint.Size == 89);
        Assert.Equal((0, 600), Read(snapshot => (snapshot.PlaceOf(snapshot.StoredTree()!, 513), snapshot.NumberAt(snapshot.StoredTree()!, 87))));
        await next.StopAsync(CancellationToken.None);
        Assert.Null(FaultOfNextRun());
    }

    private string? FaultOfNextRun()
    {
        using var next = Next();
        next.Begin();
        return next.Fault;
    }

    private Checkpoints Next() => new(world.Store.Database, Checkpoints.Key, new CheckpointFile(world.File("audit_checkpoint"), Checkpoints.Key), world.Clock, NullLogger.Instance);

    private Task<AuditArchived> Archive(string? note = null) => AuditArchiving.Archive(ca, Root, new ArchiveAudit(note ?? Checkpoints.Latest!.Note));

    private T Read<T>(Func<Snapshot, T> read) => world.Store.Database.Read(read);

    private Task Audit(int count, DateTimeOffset time) => world.Store.Database.Commit(transaction =>
    {
        for (var i = 0; i < count; i++)
            transaction.Audit(World.Entry("test.happened") with { Time = time, Requests = [$"request{i}"] });
        return true;
    });

    private async Task<SignedCheckpoint> Signed(long size)
    {
        await Eventually(() => Checkpoints.Latest?.Checkpoint.Size == size);
        return Checkpoints.Latest!;
    }

    private long Rows(string sql)
    {
        using var outside = world.Store.Outside();
        using var command = outside.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private void Change(string sql)
    {
        using var outside = world.Store.Outside();
        using var command = outside.CreateCommand();
        command.CommandText = Store.TestStore.Said(sql);
        command.ExecuteNonQuery();
    }

    private static async Task Eventually(Func<bool> what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !what(); await Task.Delay(20))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "it never came about");
    }
}
