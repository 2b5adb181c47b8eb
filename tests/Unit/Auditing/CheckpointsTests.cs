using System.Text.Json;
using CertAuthority.Auditing;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Auditing;

/// <summary>Checkpoints of a real database, and what the daemon says when the two do not match.</summary>
public sealed class CheckpointsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly World world = new();
    private readonly AuditKey key;
    private Checkpoints checkpoints = null!;

    public CheckpointsTests() => key = AuditKey.LoadOrCreate(folder.File(AuditKey.FileName));

    private string LastFile => folder.File("audit_checkpoint");

    public Task InitializeAsync() => Begin(isFirst: true);

    public async Task DisposeAsync()
    {
        await checkpoints.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    public void Dispose()
    {
        checkpoints.Dispose();
        key.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Checkpoint_covers_every_entry_and_extends_the_one_before()
    {
        await Audit(300);
        var first = await Signed(300);
        Assert.Matches("^certauthority/[0-9a-f]{16}$", first.Checkpoint.Origin);
        Assert.Equal(first.Checkpoint, key.Read(first.Note));
        Assert.Equal(first.Note, File.ReadAllText(LastFile));
        await Audit(5000);
        var second = await Signed(5300);
        var tree = world.Database.Read(snapshot => new Tree(5300, snapshot.Tile).Consistency(300));
        Assert.True(Proof.Extends(300, first.Checkpoint.Root, 5300, second.Checkpoint.Root, tree));
        Assert.Equal(Root(5300), second.Checkpoint.Root);
        Assert.Null(checkpoints.Fault);
    }

    [Fact]
    public async Task Entry_that_is_not_the_one_in_the_tree_is_found()
    {
        await Audit(300);
        await Signed(300);
        Assert.Null(world.Database.Read(AuditFaults.OfEntries));
        Change("UPDATE audit SET entry = x'7b7d' WHERE id = 290");
        Assert.Equal("entry 290 of the audit is not the one in the tree", world.Database.Read(AuditFaults.OfEntries));
        // No other check reads the entries.
        Assert.Null(world.Database.Read(snapshot => AuditFaults.OfTree(snapshot, new CheckpointFile(LastFile, key)) ?? AuditFaults.OfCount(snapshot)));
    }

    [Fact]
    public async Task Longest_entry_is_65535_bytes_long()
    {
        var without = JsonSerializer.SerializeToUtf8Bytes(World.Entry("test.happened") with { Reason = "" }, ProtocolJson.Strict.Of<AuditEntry>()).Length;
        var longest = World.Entry("test.happened") with { Reason = new string('x', EntryBundle.LongestEntry - without) };
        await Assert.ThrowsAsync<ProblemException>(() => world.Database.Commit(transaction =>
        {
            transaction.Audit(longest with { Reason = longest.Reason + "x" });
            return true;
        }));
        await world.Database.Commit(transaction =>
        {
            transaction.Audit(longest);
            return true;
        });
        await Signed(1);
        Assert.Equal(EntryBundle.LongestEntry, world.Database.Read(snapshot => snapshot.StoredAudit(0, 2)).Single().Json.Length);
    }

    [Fact]
    public async Task Next_run_goes_on_with_the_log()
    {
        await Audit(10);
        var first = await Signed(10);
        await Restart();
        Assert.Equal(first, checkpoints.Latest);
        await Audit(10);
        Assert.Equal(first.Checkpoint.Origin, (await Signed(20)).Checkpoint.Origin);
    }

    [Fact]
    public async Task Crash_before_the_file_is_written_loses_nothing()
    {
        await Audit(10);
        await Signed(10);
        var before = await File.ReadAllTextAsync(LastFile);
        await Audit(10);
        var second = await Signed(20);
        await Stop();
        await File.WriteAllTextAsync(LastFile, before);
        await Begin();
        await Eventually(() => File.ReadAllText(LastFile) == second.Note);
        Assert.Equal((null, second.Checkpoint), (checkpoints.Fault, checkpoints.Latest!.Checkpoint));
    }

    [Theory]
    [InlineData("UPDATE audit_tiles SET hashes = zeroblob(length(hashes)) WHERE level = 1", "the audit does not begin with the 300 entries of its last checkpoint")]
    [InlineData("DELETE FROM audit_tiles WHERE number = 1", "the tree over the audit is damaged: tile 1 of level 0 is missing or too short")]
    [InlineData("UPDATE audit_tree SET size = 200, last_entry = 200", "entries of the audit are missing: there were 300")]
    [InlineData("UPDATE audit_tree SET origin = 'certauthority/89abcdef89abcdef'", "the last checkpoint is of the log ORIGIN, and the database has certauthority/89abcdef89abcdef")]
    [InlineData("DELETE FROM audit_tree", "the last checkpoint is of the log ORIGIN, and the database has none")]
    [InlineData("DROP TRIGGER audit_kept; DELETE FROM audit WHERE id > 290", "entries of the audit are missing: there were 300")]
    [InlineData("DROP TRIGGER audit_kept; DELETE FROM audit WHERE id = 17", "entries of the audit are missing: there are 299 of 300")]
    [InlineData("INSERT INTO audit (id, time, event, entry) SELECT -5, time, event, entry FROM audit WHERE id = 9", "there are entries of the audit that were never logged: 301, of 300")]
    public async Task Database_that_was_changed_is_found_at_the_start(string change, string fault)
    {
        await Audit(300);
        var origin = (await Signed(300)).Checkpoint.Origin;
        await Stop();
        Change(change);
        await Begin();
        Assert.Equal(fault.Replace("ORIGIN", origin, StringComparison.Ordinal), checkpoints.Fault);
        await Eventually(() => world.Committed()[^1] == "audit.proof_failed");
    }

    /// <summary>A database of an earlier version, from which somebody removed entries; a start in the middle of the first reading.</summary>
    [Fact]
    public async Task Gap_behind_an_unfinished_tree_is_no_fault()
    {
        await Audit(300);
        var origin = (await Signed(300)).Checkpoint.Origin;
        await Stop();
        Change("DROP TRIGGER audit_kept; DELETE FROM audit WHERE id IN (7, 200)");
        var file = new CheckpointFile(LastFile, key);
        file.Keep(key.Sign(new Checkpoint(origin, 0, TreeHash.OfNothing)));
        await world.Database.Commit(transaction =>
        {
            transaction.BeginTree(origin);
            var growing = new GrowingTree(0, _ => null);
            foreach (var entry in transaction.StoredAudit(0, 100))
                growing.Add(TreeHash.OfLeaf(entry.Json));
            transaction.PutTree(new StoredTree(origin, 100, 101), growing.Changed());
            return true;
        });
        await Begin();
        Assert.Null(checkpoints.Fault);
        Assert.Equal(Root(298), (await Signed(298)).Checkpoint.Root);
        await Restart();
        Assert.Null(checkpoints.Fault);
        Assert.Equal((297, 300), world.Database.Read(snapshot => (snapshot.PlaceOf(snapshot.StoredTree()!, 300), snapshot.NumberAt(snapshot.StoredTree()!, 297))));
    }

    [Theory]
    [InlineData("UPDATE audit_tiles SET hashes = zeroblob(length(hashes)) WHERE level = 1")]
    [InlineData("DELETE FROM audit_tiles WHERE number = 1")]
    [InlineData("UPDATE audit_tree SET origin = 'certauthority/89abcdef89abcdef'")]
    public async Task Database_changed_meanwhile_is_found_with_the_next_entry(string change)
    {
        await Audit(300);
        await Signed(300);
        Change(change);
        await Audit(1);
        await Eventually(() => checkpoints.Fault is not null);
        await Eventually(() => world.Committed()[^1] == "audit.proof_failed");
        Assert.Equal(300, key.Read(await File.ReadAllTextAsync(LastFile))!.Size);
    }

    [Theory]
    [InlineData("gone", "audit_checkpoint is missing, although checkpoints were signed")]
    [InlineData("of another key", "audit_checkpoint is not a checkpoint that audit_key signed")]
    [InlineData("torn", "audit_checkpoint is not a checkpoint that audit_key signed")]
    [InlineData("larger", "entries of the audit are missing: there were 11")]
    public async Task File_that_does_not_match_is_found_at_the_start(string file, string fault)
    {
        await Audit(10);
        var last = await Signed(10);
        await Stop();
        using var other = AuditKey.LoadOrCreate(folder.File("other_key"));
        if (file == "gone")
            File.Delete(LastFile);
        else
            await File.WriteAllTextAsync(LastFile, file switch
            {
                "of another key" => other.Sign(last.Checkpoint).Note,
                "torn" => last.Note[..^20],
                _ => key.Sign(last.Checkpoint with { Size = 11 }).Note,
            });
        await Begin();
        Assert.EndsWith(fault, checkpoints.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accepted_fault_begins_another_log_of_what_is_there()
    {
        await Audit(300);
        var first = await Signed(300);
        await Assert.ThrowsAsync<ProblemException>(() => checkpoints.Accept(World.Entry("audit.accepted")));
        await Stop();
        Change("DROP TRIGGER audit_kept; DELETE FROM audit WHERE id = 7");
        Change("UPDATE audit_tiles SET hashes = zeroblob(length(hashes))");
        await Begin();
        Assert.NotNull(checkpoints.Fault);

        var why = await checkpoints.Accept(World.Entry("audit.accepted"));

        await Eventually(() => checkpoints.Latest is { Checkpoint.Size: >= 300 });
        var second = checkpoints.Latest!;
        Assert.NotEqual(first.Checkpoint.Origin, second.Checkpoint.Origin);
        Assert.Equal(Root((int)second.Checkpoint.Size), second.Checkpoint.Root);
        var accepted = world.Database.Read(snapshot => snapshot.NumberedAudit(new AuditWish())).Select(one => one.Entry).Single(one => one.Event == "audit.accepted");
        Assert.Equal((why, string.Join(' ', first.Note.Split('\n')[..3])), (accepted.Reason, accepted.Changes![0].Old));
        await Restart();
        Assert.Null(checkpoints.Fault);
    }

    [Theory]
    [InlineData("the last one", "Agrees", null)]
    [InlineData("an earlier one", "Agrees", null)]
    [InlineData("one of nothing", "Agrees", null)]
    [InlineData("another root", "Contradicts", "the audit does not begin with the 200 entries that db1 witnessed")]
    [InlineData("more entries", "Contradicts", "db1 witnessed 301 entries of the audit, and there are only 300")]
    [InlineData("another log", "OtherLog", null)]
    [InlineData("another key", "Unknown", null)]
    [InlineData("garbage", "Unknown", null)]
    public async Task Checkpoint_of_a_host_is_compared_with_the_audit(string kept, string witness, string? fault)
    {
        await Audit(200);
        var first = await Signed(200);
        await Audit(100);
        var last = await Signed(300);
        using var other = AuditKey.LoadOrCreate(folder.File("other"));
        var note = kept switch
        {
            "the last one" => last.Note,
            "an earlier one" => first.Note,
            "one of nothing" => key.Sign(last.Checkpoint with { Size = 0, Root = TreeHash.OfNothing }).Note,
            "another root" => key.Sign(first.Checkpoint with { Root = last.Checkpoint.Root }).Note,
            "more entries" => key.Sign(last.Checkpoint with { Size = 301 }).Note,
            "another log" => key.Sign(last.Checkpoint with { Origin = "certauthority/0000000000000000", Size = 999 }).Note,
            "another key" => other.Sign(last.Checkpoint with { Size = 999 }).Note,
            _ => "garbage\n",
        };

        Assert.Equal(witness, $"{await checkpoints.Compare("db1", System.Text.Encoding.UTF8.GetBytes(note))}");

        Assert.Equal(fault, checkpoints.Fault);
        if (fault is not null)
            await Eventually(() => world.Database.Read(snapshot => snapshot.NumberedAudit(new AuditWish())).Any(one => one.Entry.Event == "audit.proof_failed" && one.Entry.Reason == fault));
    }

    [Fact]
    public async Task Directory_has_every_tile_and_no_entry()
    {
        await Audit(300);
        await Signed(300);
        var directory = folder.File("audit");
        checkpoints.ForReaders = new AuditDirectory(directory, NullLogger.Instance);
        await Audit(300);
        var signed = await Signed(600);
        await Eventually(() => File.Exists(Path.Combine(directory, "checkpoint")));
        Assert.Equal((signed.Note, signed.Signature), (await File.ReadAllTextAsync(Path.Combine(directory, "checkpoint")), await File.ReadAllTextAsync(Path.Combine(directory, "checkpoint.sig"))));
        var tree = new Tree(600, tile => File.ReadAllBytes(Path.Combine(directory, tile.Path(tile.WidthIn(600)))));
        Assert.Equal(signed.Checkpoint.Root, tree.Root());
        Assert.True(Proof.Includes(tree.Leaf(599), 599, 600, tree.Inclusion(599), signed.Checkpoint.Root));
        Assert.False(Directory.Exists(Path.Combine(directory, "tile", "entries")));
        // The next tile is full, and what it was before goes.
        await Audit(168);
        await Signed(768);
        await Eventually(() => File.Exists(Path.Combine(directory, "tile/0/002")) && !Directory.Exists(Path.Combine(directory, "tile/0/002.p")));
    }

    [Fact]
    public async Task Checkpoint_is_verified_by_ssh_keygen()
    {
        await Audit(1);
        var signed = await Signed(1);
        await File.WriteAllTextAsync(folder.File("signers"), $"audit {key.PublicKey.ToLine("")}\n");
        await File.WriteAllTextAsync(folder.File("sig"), signed.Signature);
        string[] verify = ["-Y", "verify", "-f", folder.File("signers"), "-I", "audit", "-s", folder.File("sig"), "-n"];
        Assert.Equal(0, await Keygen([.. verify, AuditKey.Purpose], signed.Note));
        Assert.NotEqual(0, await Keygen([.. verify, AuditKey.Purpose], signed.Note.Replace("\n1\n", "\n2\n", StringComparison.Ordinal)));
        Assert.NotEqual(0, await Keygen([.. verify, "file"], signed.Note));
    }

    private async Task<int?> Keygen(string[] arguments, string input) =>
        (await new CertAuthority.Linux.ChildProcess("ssh-keygen", [.. arguments]) { Input = System.Text.Encoding.UTF8.GetBytes(input) }.Run(CancellationToken.None)).ExitCode;

    private async Task Begin(bool isFirst = false)
    {
        var file = new CheckpointFile(LastFile, key);
        if (isFirst)
            file.Keep(file.Begun());
        checkpoints = new Checkpoints(world.Database, key, file, TimeProvider.System, NullLogger.Instance);
        checkpoints.Begin();
        await checkpoints.StartAsync(CancellationToken.None);
    }

    private async Task Stop()
    {
        await checkpoints.StopAsync(CancellationToken.None);
        checkpoints.Dispose();
    }

    private async Task Restart()
    {
        await Stop();
        await Begin();
    }

    private Task Audit(int count) => world.Database.Commit(transaction =>
    {
        for (var i = 0; i < count; i++)
            transaction.Audit(World.Entry("test.happened") with { Reason = $"{i}" });
        return true;
    });

    private async Task<SignedCheckpoint> Signed(long size)
    {
        await Eventually(() => checkpoints.Latest?.Checkpoint.Size == size);
        return checkpoints.Latest!;
    }

    private byte[] Root(int size)
    {
        var tree = new GrowingTree(0, _ => null);
        foreach (var entry in world.Database.Read(snapshot => snapshot.StoredAudit(0, size)))
            tree.Add(TreeHash.OfLeaf(entry.Json));
        Assert.Equal(size, tree.Size);
        return tree.Grown().Root();
    }

    private void Change(string sql)
    {
        using var outside = world.Outside();
        using var command = outside.CreateCommand();
        command.CommandText = TestStore.Said(sql);
        command.ExecuteNonQuery();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }

    private static async Task Eventually(Func<bool> what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !what(); await Task.Delay(20))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "it never came about");
    }
}
