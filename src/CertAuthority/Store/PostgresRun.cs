using CertAuthority.Linux;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>
/// What a daemon makes sure of, and puts on record, before it begins to write, and before it goes on after its connection was lost.
/// </summary>
internal partial class Postgres
{
    /// <summary>Begins to write, for the first time in this process.</summary>
    private void Begin(NpgsqlConnection connection)
    {
        PostgresDemands.ExpectServer(connection, Name);
        PostgresDemands.ExpectDurable(connection, Name, isStart: true, AllowsAsync, log);
        PostgresRealms.Expect(connection, Name, realm);
        PostgresSchema.Update(connection, Name, PostgresSchema.Known);
        seen ??= new LastSeen(Folder, log);
        var now = PostgresDemands.Identity(connection);
        connection.Run("BEGIN");
        connection.Scalar("SELECT begin_batch()");
        accounts = PostgresRealms.Take(connection, Name, realm);
        Begin(connection, now);
        connection.Run("COMMIT");
        ExpectWaited();
        server = now;
    }

    /// <summary>Puts this daemon on record, in a transaction of its own.</summary>
    /// <param name="connection">The connection that writes from now on.</param>
    /// <param name="now">Which server it is.</param>
    protected virtual void Begin(NpgsqlConnection connection, ServerIdentity now)
    {
        if (RecordedServer.Read(connection, LastKnown) is { } before)
        {
            var history = before.Judge(now, LastKnown, AllowsAsync);
            switch (history)
            {
                case ServerHistory.Promoted:
                    log.LogWarning("{Database} was promoted, and has everything that it acknowledged", Name);
                    break;
                case ServerHistory.Shortened:
                    log.LogWarning("{Database} was promoted without having waited for its standby: what it may have lost is revoked", Name);
                    break;
                case ServerHistory.Lost:
                    log.LogWarning(
                        "{Database} is another server than in the last run, or one that was restored or has lost something: it counts as a backup from now",
                        Name);
                    break;
            }
            Distrust(connection, history);
        }
        // The daemon that led until now stays on record until another one begins to follow.
        connection.Run(
            "INSERT INTO followers (holder, batch, machine, realm, host, since, seen, version, directory, schema) "
                + "SELECT holder, batch, machine, realm, host, since, seen, version, directory, schema FROM writer "
                + "WHERE seen > 0 AND holder <> '' ON CONFLICT DO NOTHING");
        connection.Run(OwnRowBefore, Machine.Id, Folder);
        connection.Run(
            "INSERT INTO writer (one, holder, batch, system, timeline, machine, realm, host, schema, version, directory, since, seen) "
                + "VALUES (1, $1, 0, $2, $3, $4, $5, $6, $7, $8, $9, extract(epoch FROM now())::bigint, extract(epoch FROM now())::bigint) "
                + "ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, batch = 0, system = excluded.system, timeline = excluded.timeline, "
                + "machine = excluded.machine, realm = excluded.realm, host = excluded.host, schema = excluded.schema, "
                + "version = excluded.version, directory = excluded.directory, since = excluded.since, seen = excluded.seen, "
                + "list = 0, list_failure = NULL, list_failing_since = NULL",
            Holder, now.System, now.Timeline, Machine.Id, (object?)Realm.Name ?? DBNull.Value, Environment.MachineName,
            (long)PostgresSchema.Latest, OwnVersion, Folder);
        Switch(connection, now);
    }

    /// <summary>Records how many batches there were when the server began its timeline.</summary>
    private static void Switch(NpgsqlConnection connection, ServerIdentity now) => connection.Run(
        "INSERT INTO timelines (system, timeline, total) SELECT $1, $2, total FROM writer ON CONFLICT DO NOTHING", now.System, now.Timeline);

    /// <summary>Makes the next start of a daemon that leads take back what may be lost.</summary>
    protected static void Distrust(NpgsqlConnection connection, ServerHistory history)
    {
        if (history is ServerHistory.Shortened or ServerHistory.Lost)
            connection.Run(
                "INSERT INTO backup (one, taken, shortened) VALUES (1, extract(epoch FROM now())::bigint, $1) "
                    + "ON CONFLICT (one) DO UPDATE SET shortened = CASE WHEN excluded.shortened = 0 THEN 0 ELSE backup.shortened END",
                history == ServerHistory.Shortened ? 1L : 0L);
    }

    /// <summary>
    /// Goes on to write, after the connection was lost. A standby that was promoted meanwhile is as good as the former server if it has the
    /// last batch that this daemon was told is kept: batches are kept in their order. What a daemon that follows was told, that one looks
    /// for.
    /// </summary>
    private void Resume(NpgsqlConnection connection)
    {
        TakeLock(connection);
        PostgresDemands.ExpectDurable(connection, Name, isStart: false, AllowsAsync, log);
        var now = PostgresDemands.Identity(connection);
        if (now.System != server!.System)
            throw new TakenOverException($"{Name} is another server than before; this daemon stops, and the next start reads what it has");
        if (!PostgresSchema.IsUsable(connection))
            throw new TakenOverException(
                $"{Name} was updated by a newer certauthority, and this version cannot work with its tables; this one stops");
        isUnreplicated = false;
        // This commit waits for the standby, and so for everything that was committed before it.
        if (!Resume(connection, now))
            throw new TakenOverException(
                connection.Number($"SELECT count(*) FROM {OwnRow}") == 0
                    ? $"another certauthority has worked on {Name} since; this one stops"
                    : $"{Name} was promoted or restored and has lost what it acknowledged; this daemon stops, and the next start reads what it has");
        ExpectWaited();
        if (now != server)
            log.LogWarning("{Database} was promoted, and has everything that it acknowledged", Name);
        server = now;
    }

    /// <summary>Writes again to the row of this daemon, if that has its last batch.</summary>
    /// <returns>Whether it has.</returns>
    protected virtual bool Resume(NpgsqlConnection connection, ServerIdentity now)
    {
        if (connection.Run("UPDATE writer SET timeline = $1 WHERE holder = $2 AND batch >= $3", now.Timeline, Holder, Kept) == 0)
            return false;
        Switch(connection, now);
        return true;
    }

    /// <summary>Fails on a server that was promoted, before the daemon that leads has looked at it.</summary>
    /// <exception cref="NpgsqlException">It has not.</exception>
    protected virtual void ExpectLooked(NpgsqlConnection connection, ServerIdentity now)
    {
    }

    private void ExpectWaited()
    {
        if (isUnreplicated)
            throw new NpgsqlException("the server stopped waiting for its standby");
    }
}
