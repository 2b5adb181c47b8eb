namespace CertAuthority.Store;

/// <summary>What a daemon leaves of its clock for the next.</summary>
/// <param name="Boot">In which boot of the machine.</param>
/// <param name="SinceBoot">How long after it.</param>
/// <param name="Time">What time it was then, by a clock that was trusted.</param>
internal sealed record ClockRecord(string Boot, TimeSpan SinceBoot, DateTimeOffset Time);

/// <summary>What time it was last, by a clock that was trusted.</summary>
internal static class ClockTable
{
    public static ClockRecord? ClockRecord(this Snapshot snapshot) =>
        snapshot.QueryFirst(
            "SELECT boot, since_boot, time FROM clock",
            row => new ClockRecord(row.String("boot"), row.Length("since_boot"), row.Time("time")));

    public static void RecordClock(this Transaction transaction, ClockRecord record) =>
        transaction.Execute("INSERT OR REPLACE INTO clock VALUES (1, $1, $2, $3)", record.Boot, record.SinceBoot, record.Time);

    /// <summary>
    /// Ends for good what had ended by a later time of day than the present one, so that a clock that goes back opens nothing again.
    /// </summary>
    /// <param name="transaction">The database.</param>
    /// <param name="now">The present time.</param>
    /// <param name="before">The time that it was taken for.</param>
    public static void KeepExpired(this Transaction transaction, DateTimeOffset now, DateTimeOffset before)
    {
        transaction.Execute(
            "UPDATE requests SET pending_until = $1 WHERE state = 'PENDING' AND pending_until > $1 AND pending_until <= $2", now, before);
        transaction.Execute(
            "UPDATE requests SET access_until = $1 WHERE state = 'APPROVED' AND access_until > $1 AND access_until <= $2", now, before);
    }
}
