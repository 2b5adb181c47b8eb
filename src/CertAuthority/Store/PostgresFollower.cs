using CertAuthority.Linux;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>
/// A database on a PostgreSQL server to which this daemon writes beside the one that leads. It issues and decides as that one does, batch
/// by batch, and leaves everything else to it. It cannot commit when the CA keys are no more what they were at its start, nor on a server
/// that was promoted before the daemon that leads has looked at it.
/// </summary>
internal sealed class PostgresFollower(
    IReadOnlyDictionary<string, string> options, string? password, string? realm, string folder, ILogger log)
    : Postgres(options, password, realm, folder, log)
{
    // After this silence, a daemon is gone; if it comes back, it is on record anew.
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);

    private string keys = "";

    protected override PostgresLock OwnLock => PostgresLock.Following($"'{Holder}'");

    protected override string OwnTable => "followers";

    protected override (string Sql, object[] Values) Mark(long number) =>
        ("SELECT commit_following($1, $2, $3)", [Holder, number, keys]);

    protected override void Begin(NpgsqlConnection connection, ServerIdentity now)
    {
        // The daemon that leads may not have been told what this one was: it looks again, and takes back what may be lost.
        if (RecordedServer.Read(connection, LastKnown) is { } before && before.HasLost(now, LastKnown))
            Distrust(connection);
        connection.Run("DELETE FROM followers WHERE seen < extract(epoch FROM now()) - $1", (long)Forgotten.TotalSeconds);
        connection.Run(OwnRowBefore, Machine.Id, Folder);
        connection.Run(
            "INSERT INTO followers (holder, batch, machine, realm, host, schema, version, directory, since, seen) "
                + "VALUES ($1, 0, $2, $3, $4, $5, $6, $7, extract(epoch FROM now())::bigint, extract(epoch FROM now())::bigint)",
            Holder, Machine.Id, (object?)Realm.Name ?? DBNull.Value, Environment.MachineName, (long)PostgresSchema.Latest, OwnVersion,
            Folder);
        keys = connection.Text("SELECT ca_keys_now()");
    }

    protected override bool Resume(NpgsqlConnection connection, ServerIdentity now)
    {
        if (connection.Text("SELECT ca_keys_now()") != keys)
            throw new TakenOverException(
                "the CA keys have changed on the daemon that leads; this one stops, and the next start needs its data directory");
        if (connection.Run(
            "UPDATE followers SET seen = extract(epoch FROM now())::bigint WHERE holder = $1 AND batch >= $2", Holder, Kept) == 1)
            return true;
        if (connection.Number($"SELECT count(*) FROM {OwnRow}") == 1)
            Distrust(connection);
        return false;
    }

    protected override void ExpectLooked(NpgsqlConnection connection, ServerIdentity now)
    {
        if (connection.Text("SELECT timeline FROM writer") != now.Timeline)
            throw new NpgsqlException("the server was promoted, and the daemon that leads has not looked at it yet");
    }

    /// <summary>Makes the daemon that leads start again, and take back what may be lost.</summary>
    private void Distrust(NpgsqlConnection connection)
    {
        Distrust(connection, AllowsAsync ? ServerHistory.Shortened : ServerHistory.Lost);
        connection.Run("UPDATE writer SET holder = ''");
    }
}
