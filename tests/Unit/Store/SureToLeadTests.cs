using System.Data.Common;
using System.Diagnostics;
using CertAuthority.Auditing;
using CertAuthority.Hosting;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// A daemon that was silent for three seconds may have been replaced, and until its next batch it writes to no file that another one may
/// write, too. Here somebody else keeps its batches waiting; to be paused is the same.
/// </summary>
public sealed class SureToLeadTests : IAsyncLifetime
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    private HostWorld world = null!;

    private Database Database => world.Store.Database;

    [PostgresFact]
    public async Task Batch_that_took_long_says_nothing_about_now()
    {
        await Commit();
        Assert.True(Database.IsSureToLead);
        await Delayed(Commit);
        Assert.False(Database.IsSureToLead);
        await Commit();
        Assert.True(Database.IsSureToLead);
    }

    [PostgresFact]
    public async Task Silent_daemon_is_not_sure_after_three_seconds()
    {
        await Commit();
        var begun = Stopwatch.GetTimestamp();
        Assert.True(SpinWait.SpinUntil(() => !Database.IsSureToLead, TimeSpan.FromSeconds(20)));
        // The server gives a daemon six seconds.
        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, 2 * Silence);
    }

    [PostgresFact]
    public async Task Late_revocation_list_replaces_nothing()
    {
        await world.Krl.StartAsync(CancellationToken.None);
        var directory = new PublishDirectory(world.File("hosts"), (_, _) => null, ("audit_key.pub", []));
        world.Krl.PublishIn(directory);
        await world.Krl.Publish();
        string[] files = [world.File("revoked.krl"), world.File("hosts/revoked.krl"), world.File("hosts/manifest")];
        var before = files.Select(File.ReadAllBytes).ToList();
        await Delayed(async () =>
        {
            var late = world.Krl.Publish();
            // It does not try again.
            world.Clock.BreaksTimers = true;
            await Assert.ThrowsAsync<ProblemException>(() => late);
        });
        await Assert.ThrowsAsync<LoopEndedException>(() => world.Krl.ExecuteTask!);
        Assert.Equal(before, files.Select(File.ReadAllBytes));
    }

    [PostgresFact]
    public async Task Late_checkpoint_is_not_published()
    {
        var published = world.File("readers/checkpoint");
        using (var first = await Begun(isFirst: true))
        {
            await first.StartAsync(CancellationToken.None);
            Assert.True(SpinWait.SpinUntil(() => File.Exists(published), TimeSpan.FromSeconds(20)));
            await first.StopAsync(CancellationToken.None);
        }
        var before = File.ReadAllText(published);
        using (var late = await Begun())
        {
            await Delayed(async () =>
            {
                // It ends where it would wait until it is sure.
                world.Clock.BreaksTimers = true;
                await late.StartAsync(CancellationToken.None);
                await Assert.ThrowsAsync<LoopEndedException>(() => late.ExecuteTask!);
            });
            world.Clock.BreaksTimers = false;
            Assert.Equal(before, File.ReadAllText(published));
        }
        using var again = await Begun();
        await again.StartAsync(CancellationToken.None);
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(published) != before, TimeSpan.FromSeconds(20)));
        await again.StopAsync(CancellationToken.None);

        async Task<Checkpoints> Begun(bool isFirst = false)
        {
            await Database.Commit(transaction =>
            {
                transaction.Audit(World.Entry("one more"));
                return true;
            });
            var file = new CheckpointFile(world.File("last"), world.AuditKey);
            if (isFirst)
                file.Keep(file.Begun());
            var checkpoints = new Checkpoints(Database, world.AuditKey, file, world.Clock, NullLogger.Instance) { ForReaders = new AuditDirectory(world.File("readers"), NullLogger.Instance) };
            checkpoints.Begin();
            return checkpoints;
        }
    }

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync()
    {
        world.Clock.BreaksTimers = false;
        await world.DisposeAsync();
    }

    private Task<bool> Commit() => Database.Commit(_ => true);

    /// <summary>Does something whose first batch is kept waiting for longer than a daemon may be silent.</summary>
    private async Task Delayed(Func<Task> act)
    {
        using var outside = world.Store.Outside();
        Run(outside, "BEGIN");
        Run(outside, "SELECT begin_batch()");
        var acting = Task.Run(act);
        using (var other = world.Store.Outside())
            Assert.True(SpinWait.SpinUntil(() => Waiting(other) == 1, TimeSpan.FromSeconds(20)));
        var begun = Stopwatch.GetTimestamp();
        Assert.True(SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(begun) > Silence, 2 * Silence));
        Run(outside, "COMMIT");
        await acting;
    }

    private static long Waiting(DbConnection outside)
    {
        using var command = outside.CreateCommand();
        command.CommandText = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = hashtext(current_schema())::oid";
        return (long)command.ExecuteScalar()!;
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
