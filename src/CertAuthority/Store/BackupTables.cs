namespace CertAuthority.Store;

/// <summary>The mark of a backup, and what a database that was restored from one cannot know.</summary>
internal static class BackupTables
{
    public static void MarkAsBackup(this Transaction transaction, DateTimeOffset taken) =>
        transaction.Execute("INSERT OR REPLACE INTO backup VALUES (1, $1)", taken);

    /// <summary>When this database was taken from another as a backup; null for one that is in use.</summary>
    public static DateTimeOffset? BackupTaken(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT taken FROM backup", row => (DateTimeOffset?)row.Time("taken"));

    public static void RemoveBackupMark(this Transaction transaction) => transaction.Execute("DELETE FROM backup");

    /// <summary>Revokes serials of which there is no record, as far as certificates can live.</summary>
    /// <param name="transaction">The database.</param>
    /// <param name="ca">Who signed them; null for each CA key that there ever was.</param>
    /// <param name="first">The first serial.</param>
    /// <param name="last">The last.</param>
    /// <param name="until">When the last of them ends.</param>
    public static void LoseSerials(this Transaction transaction, UserCaKey? ca, long first, long last, DateTimeOffset until) =>
        transaction.Execute(
            "INSERT INTO lost_serials VALUES ($1, $2, $3, $4) ON CONFLICT (ca, first, last) DO UPDATE SET until = max(until, excluded.until)", ca?.Id ?? 0, first, last, until);

    /// <summary>
    /// Those that a revocation list of this moment must name, by the id of the CA key, 0 for each; like
    /// <see cref="CertificateTable.RevokedSerials"/>, until a day after their end.
    /// </summary>
    public static List<(long CaKeyId, ulong First, ulong Last)> LostSerials(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query(
            "SELECT ca, first, last FROM lost_serials WHERE until > $1 ORDER BY first",
            row => row.Long("first") is > 0 and var first && row.Long("last") is var last && last >= first
            ? (row.Long("ca"), (ulong)first, (ulong)last)
            : throw new InvalidDataException("serials begin with 1, and a range runs upwards"), now.AddDays(-1));
}
