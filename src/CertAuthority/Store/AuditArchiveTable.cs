namespace CertAuthority.Store;

/// <summary>How much of the audit is in an archive outside of the database.</summary>
/// <param name="Through">The number of the last entry that is archived; 0 for none.</param>
/// <param name="Removed">
/// The number of the last entry that has been removed for that; at the end the same as <paramref name="Through"/>.
/// </param>
/// <param name="Leaves">How many of the archived entries are leaves of the present log; they are its first ones.</param>
/// <param name="Before">A time before which all of them were made; null if there are none.</param>
internal sealed record AuditArchive(long Through, long Removed, long Leaves, DateTimeOffset? Before)
{
    /// <summary>Whether entries since an instant may be among the archived ones.</summary>
    public bool MayHave(DateTimeOffset? since) => Before is { } end && !(since >= end);
}

/// <summary>
/// The table that says how much of the audit is archived. Only entries up to there can be removed: a trigger keeps the others, and lets the
/// number grow only within a tree that has a signed checkpoint.
/// </summary>
internal static class AuditArchiveTable
{
    /// <summary>Returns how much is archived.</summary>
    public static AuditArchive AuditArchive(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT through, removed, leaves, before FROM audit_archive",
        row => new AuditArchive(
            row.Long("through"), row.Long("removed"), row.Long("leaves"), row.IsNull("before") ? null : row.Time("before")))!;

    /// <summary>
    /// Records that entries are archived. From then on they count as gone, and <see cref="RemoveArchived"/> removes them.
    /// </summary>
    public static void SetArchived(this Transaction transaction, long through, long leaves, DateTimeOffset before) =>
        transaction.Execute("UPDATE audit_archive SET through = $1, leaves = $2, before = $3", through, leaves, before);

    /// <summary>Forgets which leaves are archived, because another log begins, without them.</summary>
    public static void BeginLogAfterArchive(this Transaction transaction) =>
        transaction.Execute("UPDATE audit_archive SET leaves = 0 WHERE leaves > 0");

    /// <summary>Removes the next entries that are archived.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="most">The largest number of entries.</param>
    /// <returns>Whether there are more.</returns>
    public static bool RemoveArchived(this Transaction transaction, int most)
    {
        var archive = transaction.AuditArchive();
        if (archive.Removed == archive.Through)
            return false;
        var entries = transaction.StoredAudit(archive.Removed, most).FindAll(entry => entry.Seq <= archive.Through);
        var removed = entries.Count == most ? entries[^1].Seq : archive.Through;
        foreach (var entry in entries)
            foreach (var request in entry.Read()?.Requests ?? [])
                transaction.Execute("DELETE FROM audit_requests WHERE request = $1 AND id = $2", request, entry.Seq);
        transaction.Execute("DELETE FROM audit WHERE id > $1 AND id <= $2", archive.Removed, removed);
        transaction.Execute("UPDATE audit_archive SET removed = $1", removed);
        return removed < archive.Through;
    }
}
