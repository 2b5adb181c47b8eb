using System.Data.Common;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The audit. Each entry is written in the transaction of the change that it records.</summary>
internal static class AuditTable
{
    // How many entries are read in the hope that they fill a page.
    private const int Near = 5000;

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
        this Snapshot snapshot, ListAudit ask, int? limit = null, long? before = null)
    {
        // The newest entries usually fill the page. Otherwise an index tells where the entries of that time begin and end.
        if (IsOfATime(ask) && limit is { } most && Entries(ask, near: true) is var found && found.Count >= most)
            return found;
        return Entries(ask, near: false);

        List<(long Number, AuditEntry Entry)> Entries(ListAudit which, bool near) =>
            snapshot.Query(
                Sql(which, near), Row, which.User, which.Request, which.Since, which.Until, limit ?? -1,
                before ?? snapshot.LastAudit() + 1);
    }

    private static long LastAudit(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT max(id) FROM audit", row => row.IsDBNull(0) ? 0 : row.GetInt64(0));

    /// <summary>Reads entries, in the order of their numbers.</summary>
    /// <returns>The last number; the one after which it began if there is none.</returns>
    public static long InspectAudit(this Inspection inspection, long after, int most)
    {
        var numbers = inspection.Query("SELECT id FROM audit WHERE id > $1 ORDER BY id LIMIT $2", row => row.GetInt64(0), after, most);
        if (numbers is not [.., var last])
            return after;
        inspection.Query("SELECT id, entry FROM audit WHERE id > $1 AND id <= $2", Row, after, last);
        return last;
    }

    private static (long Number, AuditEntry Entry) Row(DbDataReader row) =>
        (row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), ProtocolJson.Lenient.Of<AuditEntry>())!);

    private static bool IsOfATime(ListAudit ask) => ask is { Since: not null, User: null, Request: null };

    // Contains only the conditions of the question, so that the query can use an index: the audit only ever grows.
    internal static string Sql(ListAudit ask, bool near = false)
    {
        string[] conditions =
        [
            // A request has few entries, so the query must not use the primary key to find them.
            ask.Request is null ? "id < $6" : "+id < $6",
            .. ask.Since is null ? (string[])[] : ["+time >= $3"],
            .. ask.Until is null ? (string[])[] : ["+time < $4"],
            // Where the entries of that time begin and end, by the index: the numbers of entries may go back in time.
            .. !IsOfATime(ask) ? (string[])[]
                : near ? [$"id >= $6 - {Near}"]
                : [$"id BETWEEN (SELECT min(+id) FROM audit WHERE {Window(ask)}) AND (SELECT max(+id) FROM audit WHERE {Window(ask)})"],
            .. ask.User is null ? (string[])[] : ["user = $1"],
            .. ask.Request is null
                ? (string[])[]
                : ["id IN (SELECT id FROM audit WHERE request = $2 UNION SELECT id FROM audit_requests WHERE request = $2)"],
        ];
        return $"SELECT id, entry FROM audit WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT $5";
    }

    private static string Window(ListAudit ask) => ask.Until is null ? "time >= $3" : "time >= $3 AND time < $4";
}
