namespace CertAuthority.Store;

/// <summary>The mark of a backup, and the serials that a database restored from one cannot know.</summary>
internal static class BackupTables
{
    public static void MarkAsBackup(this Transaction transaction, DateTimeOffset taken)
    {
        transaction.Execute("INSERT INTO backup (one, taken) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET taken = excluded.taken, shortened = 0", taken);
        // A daemon that starts on the copy has this backup.
        transaction.RecordBackup(taken);
    }

    /// <summary>Returns when this database was made as a backup of another one; null for a database in use.</summary>
    public static DateTimeOffset? BackupTaken(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT taken FROM backup", row => (DateTimeOffset?)row.Time("taken"));

    /// <summary>
    /// Returns whether the mark is of a server that was promoted without having waited for its standby, so that only the last moments may
    /// be missing.
    /// </summary>
    public static bool IsShortened(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT shortened FROM backup", row => row.Long("shortened")) != 0;

    public static void RemoveBackupMark(this Transaction transaction) => transaction.Execute("DELETE FROM backup");

    /// <summary>Revokes serials without a record, for as long as their certificates can be valid.</summary>
    /// <param name="transaction">The database.</param>
    /// <param name="ca">The key that signed them; null for every CA key that ever existed.</param>
    /// <param name="first">The first serial.</param>
    /// <param name="last">The last serial.</param>
    /// <param name="until">When the last of the certificates expires.</param>
    public static void LoseSerials(this Transaction transaction, RecordedCaKey? ca, long first, long last, DateTimeOffset until) =>
        transaction.Execute(
            """
            INSERT INTO lost_serials (ca, first, last, until) VALUES ($1, $2, $3, $4) ON CONFLICT (ca, first, last)
            DO UPDATE SET until = CASE WHEN lost_serials.until > excluded.until THEN lost_serials.until ELSE excluded.until END
            """, ca?.Id ?? 0, first, last, until);

    /// <summary>
    /// Returns the lost serials that a revocation list must contain now, by the ID of the CA key (0 for every key). Like
    /// <see cref="CertificateTable.RevokedSerials"/>, it includes them until a day after they expire.
    /// </summary>
    public static List<(long CaKeyId, ulong First, ulong Last)> LostSerials(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query(
            "SELECT ca, first, last FROM lost_serials WHERE until > $1 ORDER BY first",
            row => row.Long("first") is > 0 and var first && row.Long("last") is var last && last >= first
            ? (row.Long("ca"), (ulong)first, (ulong)last)
            : throw new InvalidDataException("serials begin with 1, and a range runs upwards"), now.AddDays(-1));
}
