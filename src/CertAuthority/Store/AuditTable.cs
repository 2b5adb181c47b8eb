using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>What happened, in the same transaction as its happening.</summary>
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
    /// Newest first; what is null in the question does not matter. To a request belong the certificates issued under it too.
    /// </summary>
    /// <returns>Each with its number, by which they are sorted.</returns>
    public static List<(long Number, AuditEntry Entry)> NumberedAudit(
        this Snapshot snapshot, ListAudit ask, int? limit = null, long? before = null) =>
        snapshot.Query(
            Sql(ask),
            row => (row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), ProtocolJson.Lenient.Of<AuditEntry>())!),
            ask.User, ask.Request, ask.Since, ask.Until, limit ?? -1, before ?? long.MaxValue);

    // With only what is asked for in it, so that an index finds that: the audit only ever grows.
    internal static string Sql(ListAudit ask)
    {
        string[] conditions =
        [
            // Never the way to the entries of a request, which are few.
            ask.Request is null ? "id < $6" : "+id < $6", "($3 IS NULL OR time >= $3)", "($4 IS NULL OR time < $4)",
            .. ask.User is null ? (string[])[] : ["user = $1"],
            .. ask.Request is null
                ? (string[])[]
                : ["id IN (SELECT id FROM audit WHERE request = $2 UNION SELECT id FROM audit_requests WHERE request = $2)"],
        ];
        return $"SELECT id, entry FROM audit WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT $5";
    }
}
