namespace CertAuthority.Store;

/// <summary>Numbers that only grow.</summary>
internal static class Counters
{
    /// <summary>
    /// Begins a new epoch of serials, above every recorded serial and above the Unix time, so that a database restored from yesterday does
    /// not issue again the serials that today's database issued. It is committed before anything is served.
    /// </summary>
    public static void BeginSerialEpoch(this Transaction transaction, DateTimeOffset now)
    {
        var last = transaction.LastSerial();
        var seconds = now.ToUnixTimeSeconds();
        // After a restore, serials are microseconds and remain so.
        Raise(transaction, "serial", Math.Max(last, last / 1000 < seconds ? seconds - 1 : Microseconds(now)));
    }

    /// <summary>
    /// Moves serials and versions of revocation lists above everything that was issued after a backup, at any rate: they started at an
    /// earlier second, and no daemon issues a million in a second.
    /// </summary>
    /// <returns>The serials that were skipped.</returns>
    public static (long First, long Last) LeapBeyondLost(this Transaction transaction, DateTimeOffset now, long publishedKrl)
    {
        var last = transaction.LastSerial();
        Raise(transaction, "serial", Math.Max(last + 1_000_000, Microseconds(now)));
        Raise(transaction, "krl_version", Math.Max(Math.Max(transaction.LastKrlVersion(), publishedKrl) + 1_000_000, Microseconds(now)));
        return (last + 1, transaction.LastSerial());
    }

    /// <summary>Returns the version of the last revocation list that this database knows; 0 before the first one.</summary>
    public static long LastKrlVersion(this Snapshot snapshot) => Last(snapshot, "krl_version");

    /// <summary>Returns when the last backup was taken; null if none ever was.</summary>
    public static DateTimeOffset? LastBackup(this Snapshot snapshot) =>
        Last(snapshot, "last_backup") is > 0 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    /// <summary>Records that a backup was taken.</summary>
    public static void RecordBackup(this Transaction transaction, DateTimeOffset taken) =>
        Raise(transaction, "last_backup", taken.ToUnixTimeSeconds());

    /// <summary>Returns an unused serial: never 0, consecutive within an epoch, below 2^63.</summary>
    public static ulong NextSerial(this Transaction transaction)
    {
        if (transaction.Known(IssuedLast) is not [var last])
            return (ulong)Increment(transaction, "serial");
        transaction.Add("UPDATE counters SET value = $1 WHERE name = 'serial'", last + 1);
        transaction.Note(IssuedLast, last + 1);
        return (ulong)(last + 1);
    }

    /// <summary>Asks for the last serial.</summary>
    public static readonly Question<long> IssuedLast = new("SELECT value FROM counters WHERE name = 'serial'", row => row.GetInt64(0));

    /// <summary>Returns the version for a revocation list, above every earlier one and at least the Unix time.</summary>
    public static ulong NextKrlVersion(this Transaction transaction, DateTimeOffset now)
    {
        Raise(transaction, "krl_version", now.ToUnixTimeSeconds() - 1);
        return (ulong)Increment(transaction, "krl_version");
    }

    /// <summary>Asks the daemon that leads for a revocation list with everything that is revoked now.</summary>
    /// <returns>The version above which a list has it.</returns>
    public static long WantKrl(this Transaction transaction)
    {
        var last = transaction.LastKrlVersion();
        Raise(transaction, "krl_wanted", last + 1);
        return last;
    }

    /// <summary>Returns the version that a daemon which follows waits for; 0 if none ever did.</summary>
    public static long WantedKrl(this Snapshot snapshot) => Last(snapshot, "krl_wanted");

    /// <summary>Returns the version of the last list that is known to be in place where hosts get it; 0 before the first.</summary>
    public static long PublishedKrl(this Snapshot snapshot) => Last(snapshot, "krl_published");

    /// <summary>Records that a list is in place where hosts get it.</summary>
    public static void RecordPublishedKrl(this Transaction transaction, ulong version) =>
        Raise(transaction, "krl_published", (long)version);

    // The counter and the records agree unless somebody edited the file; then the higher number is safe.
    private static long LastSerial(this Snapshot snapshot) =>
        Math.Max(
            Last(snapshot, "serial"),
            snapshot.QueryFirst("SELECT max(serial) FROM certificates", row => row.IsDBNull(0) ? 0 : row.GetInt64(0)));

    private static long Last(Snapshot snapshot, string name) =>
        snapshot.QueryFirst("SELECT value FROM counters WHERE name = $1", row => row.GetInt64(0), name);

    private static long Microseconds(DateTimeOffset now) => (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static void Raise(Transaction transaction, string name, long least) =>
        transaction.Execute(
            """
            INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name)
            DO UPDATE SET value = CASE WHEN counters.value > excluded.value THEN counters.value ELSE excluded.value END
            """, name, least);

    private static long Increment(Transaction transaction, string name) =>
        transaction.QueryFirst("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", row => row.GetInt64(0), name);
}
