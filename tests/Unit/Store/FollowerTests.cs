using System.Data.Common;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>A daemon that writes to the database beside the one that leads.</summary>
public sealed class FollowerTests : IAsyncLifetime
{
    private readonly World world = new();
    private Database follower = null!;

    [PostgresFact]
    public async Task Batch_waits_for_the_one_before_it_and_sees_it()
    {
        foreach (var database in (Database[])[world.Database, follower])
        {
            var last = await database.Commit(transaction => transaction.NextSerial());
            using var outside = world.Outside();
            Run(outside, "BEGIN");
            Run(outside, "SELECT begin_batch()");
            Run(outside, "UPDATE counters SET value = value + 1000 WHERE name = 'serial'");

            var next = Task.Run(() => database.Commit(transaction => transaction.NextSerial()));
            Assert.True(SpinWait.SpinUntil(() => Waiting() == 1, TimeSpan.FromSeconds(20)));
            Assert.False(next.IsCompleted);
            Run(outside, "COMMIT");
            Assert.Equal(last + 1001, await next);
        }
    }

    [PostgresFact]
    public async Task Both_count_on()
    {
        var serials = await Task.WhenAll(Enumerable.Range(0, 400).Select(n => Task.Run(
            () => (n % 2 == 0 ? world.Database : follower).Commit(transaction => transaction.NextSerial()))));
        Assert.Equal(serials.Length, serials.Distinct().Count());
        Assert.Equal(serials.Max() - serials.Min() + 1, (ulong)serials.Length);
    }

    /// <summary>Another daemon may have written since.</summary>
    [PostgresFact]
    public async Task Answer_of_an_earlier_batch_counts_no_more()
    {
        foreach (var (one, other) in ((Database, Database)[])[(world.Database, follower), (follower, world.Database)])
        {
            var first = await one.Commit(transaction => transaction.NextSerial(), ahead: [Counters.IssuedLast]);
            Assert.Equal(first + 1, await other.Commit(transaction => transaction.NextSerial(), ahead: [Counters.IssuedLast]));
            Assert.Equal(first + 2, await one.Commit(transaction => transaction.NextSerial()));
        }
    }

    /// <summary>It would sign with a key that the others do not use any more.</summary>
    [PostgresFact]
    public async Task Change_of_the_ca_keys_ends_it()
    {
        Sql("INSERT INTO ca_rotations (purpose, step, since, old, next) VALUES ('user', 'Prepared', 0, 1, 2)");
        await Refused();
        await Refused();
        Assert.Contains("the CA keys have changed on the daemon that leads", (await follower.Broken.WaitAsync(TimeSpan.FromSeconds(20))).Message);
        await world.Database.Commit(transaction => transaction.NextSerial());
    }

    /// <summary>Nobody knows yet whether such a server has everything.</summary>
    [PostgresFact]
    public async Task Promoted_server_is_used_once_the_leader_has_looked_at_it()
    {
        var timeline = Text("SELECT timeline FROM writer");
        Sql("UPDATE writer SET timeline = '000000FF'");
        await Refused();
        await Refused();
        Sql($"UPDATE writer SET timeline = '{timeline}'");
        await follower.Commit(transaction => transaction.NextSerial());
        Assert.False(follower.Broken.IsCompleted);
    }

    [PostgresFact]
    public async Task Lost_batch_ends_it()
    {
        await follower.Commit(transaction => transaction.NextSerial());
        Sql("UPDATE followers SET batch = 0");
        Disconnect();
        await Refused();
        Assert.Contains("has lost what it acknowledged", (await follower.Broken.WaitAsync(TimeSpan.FromSeconds(20))).Message);
    }

    /// <summary>The daemon that leads finds out, and looks again at its next start.</summary>
    [PostgresFact]
    public async Task Follower_that_knows_of_more_makes_the_leader_look()
    {
        await follower.Commit(transaction => transaction.NextSerial());
        await follower.DisposeAsync();
        Sql("UPDATE writer SET total = total - 1");
        follower = TestStore.OpenBeside(world.Path);
        Assert.Equal(ProblemCode.Unavailable, (await Assert.ThrowsAsync<ProblemException>(() => world.Database.Commit(transaction => transaction.NextSerial()))).Problem.Code);
        await Assert.ThrowsAsync<ProblemException>(() => world.Database.Commit(transaction => transaction.NextSerial()));
        Assert.Contains("another certauthority has worked on", (await world.Database.Broken.WaitAsync(TimeSpan.FromSeconds(20))).Message);
        Assert.NotNull(follower.Read(snapshot => snapshot.BackupTaken()));
        Assert.False(follower.Read(snapshot => snapshot.IsShortened()));
    }

    /// <summary>They are lost even if others have counted further since.</summary>
    [PostgresFact]
    public async Task Later_batches_do_not_make_up_for_lost_ones()
    {
        await follower.Commit(transaction => transaction.NextSerial());
        await follower.DisposeAsync();
        Sql("INSERT INTO timelines SELECT system, 'F0000000', total - 1 FROM writer");
        for (var n = 0; n < 5; n++)
            Sql("UPDATE writer SET total = total + 1");
        follower = TestStore.OpenBeside(world.Path);
        Assert.NotNull(follower.Read(snapshot => snapshot.BackupTaken()));
    }

    [PostgresFact]
    public async Task Tables_that_only_grow_are_updated_under_running_daemons()
    {
        var next = PostgresSchema.Latest + 1;
        Update(new PostgresMigration(next, "-- Expands: a column.\nALTER TABLE counters ADD COLUMN extra TEXT; ALTER TABLE writer ADD COLUMN extra TEXT"));
        foreach (var database in (Database[])[world.Database, follower])
        {
            await database.Commit(transaction => transaction.NextSerial());
            Disconnect();
            await database.Commit(transaction => transaction.NextSerial());
        }
        Assert.Contains($"was written by a newer certauthority (schema {next}", Assert.Throws<StoreException>(() => TestStore.OpenBeside(world.Path)).Message);
    }

    [PostgresFact]
    public async Task Other_changes_of_the_tables_wait_until_daemons_have_stopped()
    {
        var next = new PostgresMigration(PostgresSchema.Latest + 1, "ALTER TABLE counters ADD COLUMN extra TEXT");
        var host = Environment.MachineName;
        Assert.Contains($"on {host}; stop them first", Assert.Throws<StoreException>(() => Update(next)).Message);
        await world.Database.Commit(transaction => transaction.NextSerial());
        await follower.DisposeAsync();
        Assert.Contains("stop them first", Assert.Throws<StoreException>(() => Update(next)).Message);
        await world.Database.DisposeAsync();
        Update(next);
        Assert.Contains("install that version or a later one", Assert.Throws<StoreException>(() => TestStore.Open(world.Path)).Message);
    }

    [PostgresFact]
    public async Task Daemon_ends_when_it_does_not_know_the_tables_any_more()
    {
        Sql("UPDATE schema_version SET version = version + 1, oldest = version + 1");
        foreach (var database in (Database[])[world.Database, follower])
        {
            Disconnect();
            await Assert.ThrowsAsync<ProblemException>(() => database.Commit(transaction => transaction.NextSerial()));
            Assert.Contains("was updated by a newer certauthority", (await database.Broken.WaitAsync(TimeSpan.FromSeconds(20))).Message);
        }
    }

    [PostgresFact]
    public async Task Leader_writes_the_list_that_a_follower_waits_for()
    {
        Assert.Equal(0, world.Database.Read(snapshot => snapshot.PublishedKrl()));
        var before = await follower.Commit(transaction => transaction.WantKrl());
        Assert.True(world.Database.Read(snapshot => snapshot.WantedKrl()) > before);
        var version = await world.Database.Commit(transaction =>
        {
            var next = transaction.NextKrlVersion(World.Now);
            transaction.RecordPublishedKrl(next);
            return next;
        });
        Assert.Equal((long)version, follower.Read(snapshot => snapshot.PublishedKrl()));
        Assert.True(follower.Read(snapshot => snapshot.WantedKrl()) <= (long)version);
    }

    public async Task InitializeAsync()
    {
        if (!TestStore.IsPostgres)
            return;
        await world.Database.Commit(transaction =>
        {
            transaction.BeginSerialEpoch(World.Now);
            return true;
        });
        follower = TestStore.OpenBeside(world.Path);
    }

    public async Task DisposeAsync()
    {
        if (follower is not null)
            await follower.DisposeAsync();
        await world.DisposeAsync();
    }

    private async Task Refused()
    {
        var refused = await Assert.ThrowsAsync<ProblemException>(() => follower.Commit(transaction => transaction.NextSerial()));
        Assert.Equal(ProblemCode.Unavailable, refused.Problem.Code);
    }

    private long Waiting()
    {
        using var outside = world.Outside();
        using var command = outside.CreateCommand();
        command.CommandText = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = hashtext(current_schema())::oid";
        return (long)command.ExecuteScalar()!;
    }

    private void Disconnect() => Sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN "
            + "(SELECT 'certauthority ' || holder FROM followers UNION SELECT 'certauthority ' || holder FROM writer)");

    private void Update(PostgresMigration next)
    {
        using var outside = world.Outside();
        PostgresSchema.Update((Npgsql.NpgsqlConnection)outside, "the database", [.. PostgresSchema.Known, next]);
    }

    private void Sql(string sql)
    {
        using var outside = world.Outside();
        Run(outside, sql);
    }

    private string Text(string sql)
    {
        using var outside = world.Outside();
        using var command = outside.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
