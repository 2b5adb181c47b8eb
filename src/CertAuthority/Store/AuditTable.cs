using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The audit. Each entry is written in the transaction of the change that it records.</summary>
internal static class AuditTable
{
    public static void Audit(this Transaction transaction, AuditEntry entry)
    {
        transaction.Audited.Add(entry);
        transaction.Execute(
            "INSERT INTO audit (time, event, user, request, entry) VALUES ($1, $2, $3, $4, $5)",
            entry.Time, entry.Event, entry.User, entry.Request,
            JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()));
        if (entry is { Request: null, Requests: { } requests })
            foreach (var request in requests)
                transaction.Execute("INSERT OR IGNORE INTO audit_requests VALUES ($1, last_insert_rowid())", request);
    }

    /// <summary>
    /// Returns entries, newest first; null fields of the question match everything. A request's entries include those of the certificates
    /// issued under it.
    /// </summary>
    /// <returns>The entries, each with the number by which they are sorted.</returns>
    public static List<(long Number, AuditEntry Entry)> NumberedAudit(
        this Snapshot snapshot, ListAudit ask, int? limit = null, long? before = null) =>
        snapshot.Query(
            Sql(ask),
            row => (row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), ProtocolJson.Lenient.Of<AuditEntry>())!),
            ask.User, ask.Request, ask.Since, ask.Until, limit ?? -1, before ?? long.MaxValue);

    // Contains only the conditions of the question, so that the query can use an index: the audit only ever grows.
    internal static string Sql(ListAudit ask)
    {
        string[] conditions =
        [
            // A request has few entries, so the query must not use the primary key to find them.
            ask.Request is null ? "id < $6" : "+id < $6", "($3 IS NULL OR time >= $3)", "($4 IS NULL OR time < $4)",
            .. ask.User is null ? (string[])[] : ["user = $1"],
            .. ask.Request is null
                ? (string[])[]
                : ["id IN (SELECT id FROM audit WHERE request = $2 UNION SELECT id FROM audit_requests WHERE request = $2)"],
        ];
        return $"SELECT id, entry FROM audit WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT $5";
    }
}
