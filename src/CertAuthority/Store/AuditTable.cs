using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>What happened, in the same transaction as its happening.</summary>
internal static class AuditTable
{
    public static void Audit(this Transaction transaction, AuditEntry entry) =>
        transaction.Execute(
            "INSERT INTO audit (time, event, user, request, entry) VALUES ($1, $2, $3, $4, $5)",
            entry.Time, entry.Event, entry.User, entry.Request, JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()));

    public static List<AuditEntry> AuditEntries(this Snapshot snapshot, int? limit) =>
        snapshot.Query(
            "SELECT entry FROM audit ORDER BY id DESC LIMIT $1",
            row => JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(0), ProtocolJson.Lenient.Of<AuditEntry>())!, limit ?? -1);
}
