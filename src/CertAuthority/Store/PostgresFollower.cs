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

    protected override (int Key, string Of) OwnLock => (LockKey + 2, $"hashtext('{Holder}')");

    protected override string OwnRow => $"followers WHERE holder = '{Holder}'";

    protected override (string Sql, object[] Values) Mark(long number) =>
        ("SELECT commit_following($1, $2, $3)", [Holder, number, keys]);

    protected override (string System, string Timeline) Begin(NpgsqlConnection connection, (string System, string Timeline) now)
    {
        if (Version(connection) is var version && version != SchemaVersion)
            throw new StoreException(
                $"{Name} is used by another version of certauthority (schema {version}, this one knows {SchemaVersion}), so this one cannot work beside it");
        Run(connection, "DELETE FROM followers WHERE seen < extract(epoch FROM now()) - $1", (long)Forgotten.TotalSeconds);
        Run(connection, OwnRowBefore, Machine.Id, Folder);
        Run(
            connection,
            "INSERT INTO followers (holder, batch, machine, realm, host, version, directory, since, seen) "
                + "VALUES ($1, 0, $2, $3, $4, $5, $6, extract(epoch FROM now())::bigint, extract(epoch FROM now())::bigint)",
            Holder, Machine.Id, (object?)Realm ?? DBNull.Value, Environment.MachineName, OwnVersion, Folder);
        keys = Text(connection, "SELECT ca_keys_now()");
        return now;
    }

    protected override bool Resume(NpgsqlConnection connection, string timeline)
    {
        if (Text(connection, "SELECT ca_keys_now()") != keys)
            throw new TakenOverException(
                "the CA keys have changed on the daemon that leads; this one stops, and the next start needs its data directory");
        if (Text(connection, "SELECT timeline FROM writer") != timeline)
            throw new NpgsqlException("the server was promoted, and the daemon that leads has not looked at it yet");
        return Run(
            connection, "UPDATE followers SET seen = extract(epoch FROM now())::bigint WHERE holder = $1 AND batch >= $2", Holder, Kept) == 1;
    }
}
