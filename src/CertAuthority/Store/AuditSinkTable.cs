namespace CertAuthority.Store;

/// <summary>How far a sink of the audit is.</summary>
/// <param name="Position">The number of the last entry that it has.</param>
/// <param name="File">The identity of the file that has it; null for a sink that is no file, or for a file not known yet.</param>
internal sealed record SinkMark(long Position, string? File = null);

/// <summary>The table of the sinks of the audit: where the daemon sends it, and how far each is.</summary>
internal static class AuditSinkTable
{
    /// <summary>Sets the sinks from now on. A new one begins with the next entry; a removed one is forgotten.</summary>
    public static void SetAuditSinks(this Transaction transaction, IReadOnlyCollection<string> names)
    {
        foreach (var former in transaction.AuditSinks().Keys.Except(names, StringComparer.Ordinal))
            transaction.Execute("DELETE FROM audit_sinks WHERE name = $1", former);
        foreach (var name in names)
            transaction.Execute("INSERT INTO audit_sinks (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, transaction.LastAudit());
    }

    /// <summary>Returns how far each sink was when that was last recorded.</summary>
    public static SortedDictionary<string, SinkMark> AuditSinks(this Snapshot snapshot) => new(
        snapshot.Query(
            "SELECT name, position, file FROM audit_sinks",
            row => (Name: row.String("name"), Mark: new SinkMark(row.Long("position"), row.Text("file"))))
            .ToDictionary(one => one.Name, one => one.Mark), StringComparer.Ordinal);

    /// <summary>Records how far a sink is. A sink that was removed meanwhile stays removed.</summary>
    public static void RecordAuditSink(this Transaction transaction, string name, SinkMark mark) =>
        transaction.Execute("UPDATE audit_sinks SET position = $2, file = $3 WHERE name = $1", name, mark.Position, mark.File);

    /// <summary>Forgets which file has which entries: the file goes on after the numbers that this database has lost.</summary>
    public static void ForgetAuditFiles(this Transaction transaction) => transaction.Execute("UPDATE audit_sinks SET file = NULL");
}
