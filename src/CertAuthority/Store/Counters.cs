namespace CertAuthority.Store;

/// <summary>Numbers that only grow.</summary>
internal static class Counters
{
    /// <summary>
    /// Begins a new epoch of serials: beyond every recorded one, and beyond the unix time, so that a database restored from
    /// yesterday does not issue again what today's had issued. Durable before anything is served.
    /// </summary>
    public static void BeginSerialEpoch(this Transaction transaction, DateTimeOffset now)
    {
        var recorded = transaction.QueryFirst("SELECT max(serial) FROM certificates", row => row.IsDBNull(0) ? 0 : row.GetInt64(0));
        Raise(transaction, "serial", Math.Max(recorded, now.ToUnixTimeSeconds() - 1));
    }

    /// <summary>A serial that was never used: never 0, consecutive within an epoch, below 2^63.</summary>
    public static ulong NextSerial(this Transaction transaction) => (ulong)Increment(transaction, "serial");

    /// <summary>The version of a revocation list, beyond every earlier one and not below the unix time.</summary>
    public static ulong NextKrlVersion(this Transaction transaction, DateTimeOffset now)
    {
        Raise(transaction, "krl_version", now.ToUnixTimeSeconds() - 1);
        return (ulong)Increment(transaction, "krl_version");
    }

    private static void Raise(Transaction transaction, string name, long least) =>
        transaction.Execute("INSERT INTO counters VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)", name, least);

    private static long Increment(Transaction transaction, string name) =>
        transaction.QueryFirst("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", row => row.GetInt64(0), name);
}
