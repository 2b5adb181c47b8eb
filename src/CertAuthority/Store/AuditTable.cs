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
            entry.Time, entry.Event, entry.User, entry.Request, JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()));
    }

    /// <summary>Newest first; what is null in the question does not matter. To a request belong the certificates issued under it too.</summary>
    /// <returns>Each with its number, by which they are sorted.</returns>
    public static List<(long Number, AuditEntry Entry)> NumberedAudit(this Snapshot snapshot, ListAudit ask, int? limit = null, long? before = null) =>
        snapshot.Query(
            """
            SELECT id, entry FROM audit
            WHERE id < $6 AND ($1 IS NULL OR user = $1) AND ($3 IS NULL OR time >= $3) AND ($4 IS NULL OR time < $4)
              AND ($2 IS NULL OR request = $2 OR (request IS NULL AND EXISTS (SELECT 1 FROM json_each(CAST(entry AS TEXT), '$.requests') WHERE value = $2)))
            ORDER BY id DESC LIMIT $5
            """,
            row => (row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), ProtocolJson.Lenient.Of<AuditEntry>())!),
            ask.User, ask.Request, ask.Since, ask.Until, limit ?? -1, before ?? long.MaxValue);
}
