using Npgsql;

namespace CertAuthority.Store;

/// <summary>An advisory lock that a connection holds until it ends, and nobody else meanwhile.</summary>
/// <param name="Key">The first half of its key.</param>
/// <param name="Of">The second half, as an SQL expression.</param>
internal sealed record PostgresLock(int Key, string Of)
{
    // "CeAu". A batch has the next number.
    private const int Base = 0x43654175;

    /// <summary>The lock of the daemon that leads.</summary>
    public static readonly PostgresLock Leading = new(Base, "hashtext(current_schema())");

    /// <summary>The lock of a daemon that follows.</summary>
    /// <param name="holder">Its run, as an SQL expression.</param>
    public static PostgresLock Following(string holder) => new(Base + 2, $"hashtext({holder})");

    /// <summary>The query for the server process of the connection that holds it.</summary>
    public string Holder =>
        $"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {Key} AND objid = {Of}::oid AND granted "
        + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    /// <summary>The condition that another connection holds it.</summary>
    public string IsHeldElsewhere => $"EXISTS ({Holder} AND pid <> pg_backend_pid())";

    /// <summary>Returns whether this connection has the lock now.</summary>
    public bool TryTake(NpgsqlConnection connection) => (bool)connection.Scalar($"SELECT pg_try_advisory_lock({Key}, {Of})");

    public void Release(NpgsqlConnection connection) => connection.Scalar($"SELECT pg_advisory_unlock({Key}, {Of})");
}
