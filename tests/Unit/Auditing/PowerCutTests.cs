using CertAuthority.Auditing;
using CertAuthority.Proofs;
using CertAuthority.Signing;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Auditing;

/// <summary>
/// What a power cut can leave: the database with any beginning of its log, torn or not, beside any checkpoint file of that time. The daemon
/// flushes the log before it writes the file, so a file that is ahead of the log means that the disk or somebody else lost entries.
/// </summary>
public sealed class PowerCutTests : IDisposable
{
    private const int Rounds = 3;

    private readonly TemporaryFolder folder = new();
    private readonly AuditKey key;

    public PowerCutTests() => key = AuditKey.LoadOrCreate(folder.File(AuditKey.FileName));

    public void Dispose()
    {
        key.Dispose();
        folder.Dispose();
    }

    [SqliteFact]
    public async Task Every_state_goes_on_or_is_a_fault()
    {
        var (files, roots, log) = await Record();
        var (goesOn, faults) = (0, 0);
        // Frames have 24 bytes and a page of 4096; the header has 32. A cut within a frame loses the frame.
        for (var length = 32; length <= log.Length; length += 24 + 4096)
            foreach (var torn in (int[])[0, 2000])
                foreach (var file in files)
                {
                    var (fault, size, next) = await Start(log[..Math.Min(log.Length, length + torn)], file);
                    var last = key.Read(file)!;
                    if (size < last.Size)
                    {
                        Assert.NotNull(fault);
                        faults++;
                        continue;
                    }
                    Assert.True(fault is null, $"{fault}: a tree of {size} beside a checkpoint of {last.Size}");
                    // It goes on from the checkpoint that somebody has, and is the log that was.
                    Assert.True(next!.Size > last.Size, $"{next.Size} after {last.Size}");
                    Assert.True(roots.TryGetValue(next.Size - 1, out var root) && root.AsSpan().SequenceEqual(next.Root), $"{next.Size}");
                    goesOn++;
                }
        Assert.True(goesOn > 10 && faults > 10, $"{goesOn} go on, {faults} do not");
    }

    /// <summary>Lets entries and checkpoints follow each other, and keeps each checkpoint file and the log of the database at the end.</summary>
    private async Task<(List<string> Files, Dictionary<long, byte[]> Roots, byte[] Log)> Record()
    {
        var path = folder.File("certauthority.db");
        var files = new List<string>();
        await using var database = TestStore.Open(path);
        var file = new CheckpointFile(folder.File("audit_checkpoint"), key);
        file.Keep(file.Begun());
        using var checkpoints = new Checkpoints(database, key, file, TimeProvider.System, NullLogger.Instance);
        checkpoints.Begin();
        // What is in the file of the database itself is there for good.
        using (var outside = Outside(path))
            Run(outside, "PRAGMA wal_checkpoint(TRUNCATE)");
        await checkpoints.StartAsync(CancellationToken.None);
        for (var round = 1; round <= Rounds; round++)
        {
            await Audit(database);
            await Eventually(() => checkpoints.Latest?.Checkpoint.Size == round && File.ReadAllText(file.Path) == checkpoints.Latest.Note);
            files.Add(await File.ReadAllTextAsync(file.Path));
        }
        await checkpoints.StopAsync(CancellationToken.None);
        File.Copy(path, folder.File("before.db"));
        var log = await File.ReadAllBytesAsync($"{path}-wal");
        // The root over the first entries and the one that each start below adds.
        var roots = new Dictionary<long, byte[]>();
        var entries = database.Read(snapshot => snapshot.StoredAudit(0, 100));
        for (var size = 0; size <= entries.Count; size++)
        {
            var tree = new GrowingTree(0, _ => null);
            foreach (var entry in entries.Take(size).Append(entries[0]))
                tree.Add(TreeHash.OfLeaf(entry.Json));
            roots[size] = tree.Grown().Root();
        }
        return (files, roots, log);
    }

    private async Task<(string? Fault, long Size, Checkpoint? Next)> Start(byte[] log, string note)
    {
        var path = folder.File($"{Path.GetRandomFileName()}.db");
        File.Copy(folder.File("before.db"), path);
        await File.WriteAllBytesAsync($"{path}-wal", log);
        await File.WriteAllTextAsync($"{path}.checkpoint", note);
        await using var database = TestStore.Open(path);
        var size = database.Read(snapshot => snapshot.StoredTree())?.Size ?? 0;
        using var checkpoints = new Checkpoints(database, key, new CheckpointFile($"{path}.checkpoint", key), TimeProvider.System, NullLogger.Instance);
        checkpoints.Begin();
        if (checkpoints.Fault is { } fault)
            return (fault, size, null);
        var before = database.Read(snapshot => snapshot.LastAudit());
        await Audit(database);
        await checkpoints.StartAsync(CancellationToken.None);
        await Eventually(() => checkpoints.Latest?.Checkpoint.Size == before + 1 || checkpoints.Fault is not null);
        await checkpoints.StopAsync(CancellationToken.None);
        return (checkpoints.Fault, size, checkpoints.Latest?.Checkpoint);
    }

    // Always the same bytes, so that it does not matter which run added the last entry.
    private static Task Audit(Database database) => database.Commit(transaction =>
    {
        transaction.Audit(World.Entry("test.happened"));
        return true;
    });

    private static SqliteConnection Outside(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static async Task Eventually(Func<bool> what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !what(); await Task.Delay(20))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "it never came about");
    }
}
