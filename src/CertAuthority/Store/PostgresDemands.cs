using Npgsql;

namespace CertAuthority.Store;

/// <summary>What the daemon demands of a PostgreSQL server before it writes there.</summary>
internal static class PostgresDemands
{
    private const int Oldest = 150000;

    /// <summary>Checks that the server and the database are ones in which the daemon can keep its tables.</summary>
    /// <exception cref="StoreException">They are not.</exception>
    public static void ExpectServer(NpgsqlConnection connection, string name)
    {
        if (connection.Number("SELECT current_setting('server_version_num')::bigint") < Oldest)
            throw new StoreException($"{name} is PostgreSQL {connection.ServerVersion}; certauthority needs 15 or later");
        if (connection.Text("SHOW server_encoding") != "UTF8"
            || !(bool)connection.Scalar("SELECT 'B' < 'a' AND 'Z' < '_' AND '~' > 'z' AND U&'\\00E9' > 'z' AND '-' < '0'"))
            throw new StoreException(
                $"{name} does not sort text by its bytes; create the database with: CREATE DATABASE certauthority TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        if (connection.Scalar("SELECT current_schema()") is DBNull)
            throw new StoreException($"{name} has no schema in which the daemon's account may work");
    }

    /// <summary>Checks that what the server acknowledges is on a disk, and stays if the server is replaced.</summary>
    /// <param name="connection">The connection that is to write.</param>
    /// <param name="name">The name of the database.</param>
    /// <param name="isStart">
    /// Whether the daemon starts. A server that changes later is tried again, and meanwhile nothing is written.
    /// </param>
    /// <param name="allowsAsync">Whether there may be a standby that the server does not wait for.</param>
    /// <param name="log">Gets what the operator should know at the start.</param>
    /// <exception cref="StoreException">At the start: it is not.</exception>
    /// <exception cref="NpgsqlException">Later: it is not.</exception>
    public static void ExpectDurable(NpgsqlConnection connection, string name, bool isStart, bool allowsAsync, ILogger log)
    {
        if ((bool)connection.Scalar("SELECT pg_is_in_recovery()"))
            throw Fault($"{name} is a standby, which cannot be written to; name the primary");
        foreach (var setting in (string[])["fsync", "full_page_writes"])
            if (connection.Text($"SHOW {setting}") != "on")
                throw Fault($"{name} has {setting} off, so that it loses what it acknowledged when the power fails; set it to on");
        if (!IsSynchronous(connection, "synchronous_commit"))
            throw Fault($"{name} acknowledges commits before they are on the disk; synchronous_commit must be on");
        var isWaiting = connection.Text("SHOW synchronous_standby_names").Length > 0;
        var standbys = connection.Number(
            "SELECT count(*) FROM pg_stat_replication WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')");
        if (!isWaiting && standbys > 0 && !allowsAsync)
            throw Fault(
                $"{name} has a standby that it does not wait for: after a failover, certificates would be missing that were handed out; set synchronous_standby_names, or, if that loss is acceptable, database_allow_async: true");
        if (isStart && !isWaiting && standbys == 0)
            log.LogWarning("{Database} has no standby: what it acknowledged is lost with its disk; set synchronous_standby_names", name);
        if (isStart && !isWaiting && standbys > 0)
            log.LogWarning(
                "{Database} has a standby that it does not wait for: a failover loses the last moments, and what was issued in them is revoked", name);
        if (isStart && isWaiting && standbys == 0)
            log.LogWarning("{Database} waits for a standby, and none is connected: nothing can be changed until one is", name);

        Exception Fault(string what) => isStart ? new StoreException(what) : new NpgsqlException(what);
    }

    private static bool IsSynchronous(NpgsqlConnection connection, string setting) =>
        connection.Text($"SHOW {setting}") is "on" or "remote_apply";

    /// <summary>
    /// Returns which server it is. A promotion begins another timeline, and so does a restore to a moment. A copy on another server has
    /// another identifier.
    /// </summary>
    public static ServerIdentity Identity(NpgsqlConnection connection) => new(
        connection.Text("SELECT system_identifier::text FROM pg_control_system()"),
        connection.Text("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"));
}
