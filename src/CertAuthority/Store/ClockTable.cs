namespace CertAuthority.Store;

/// <summary>The clock's state, which one run of the daemon leaves for the next.</summary>
/// <param name="Boot">The ID of the boot of the machine.</param>
/// <param name="SinceBoot">The time since that boot.</param>
/// <param name="Time">The time of day then, by a trusted clock.</param>
internal sealed record ClockRecord(string Boot, TimeSpan SinceBoot, DateTimeOffset Time);

/// <summary>The table with the last time of day that a trusted clock showed.</summary>
internal static class ClockTable
{
    public static ClockRecord? ClockRecord(this Snapshot snapshot) =>
        snapshot.QueryFirst(
            "SELECT boot, since_boot, time FROM clock",
            row => new ClockRecord(row.String("boot"), row.Length("since_boot"), row.Time("time")));

    public static void RecordClock(this Transaction transaction, ClockRecord record) =>
        transaction.Execute(
            """
            INSERT INTO clock (id, boot, since_boot, time) VALUES (1, $1, $2, $3)
            ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, since_boot = excluded.since_boot, time = excluded.time
            """, record.Boot, record.SinceBoot, record.Time);

    /// <summary>
    /// Marks everything as expired for good that had expired at a later time than the present one, so that a clock that goes back opens
    /// nothing again.
    /// </summary>
    /// <param name="transaction">The database.</param>
    /// <param name="now">The current time.</param>
    /// <param name="before">The later time that was assumed before.</param>
    public static void KeepExpired(this Transaction transaction, DateTimeOffset now, DateTimeOffset before)
    {
        transaction.Execute(
            "UPDATE requests SET pending_until = $1 WHERE state = 'PENDING' AND pending_until > $1 AND pending_until <= $2", now, before);
        transaction.Execute(
            "UPDATE requests SET access_until = $1 WHERE state = 'APPROVED' AND access_until > $1 AND access_until <= $2", now, before);
    }
}
