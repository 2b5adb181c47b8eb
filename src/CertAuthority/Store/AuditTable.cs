using System.Data.Common;
using System.Text.Json;
using CertAuthority.Proofs;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>
/// The audit. Each entry is written in the transaction of the change that it records. There is one writer, and a transaction that is undone
/// gives its numbers back; so the numbers follow the order of the commits and have no gap. Triggers keep entries and their numbers.
/// </summary>
internal static class AuditTable
{
    // How many entries are read in the hope that they fill a page, and at most for a page if a filter skips entries.
    private const int Near = 5000;

    /// <summary>Records what happened, in the transaction of the change.</summary>
    /// <exception cref="ProblemException">Invalid: the entry is longer than a log of the audit can contain.</exception>
    public static void Audit(this Transaction transaction, AuditEntry entry)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>());
        if (bytes.Length > EntryBundle.LongestEntry)
            throw new ProblemException(new Problem(
                ProblemCode.Invalid,
                $"this has {bytes.Length} bytes of text for the audit, which takes {EntryBundle.LongestEntry}; name less at once"));
        transaction.Audited.Add(entry);
        transaction.Add(
            "INSERT INTO audit (time, event, \"user\", request, entry) VALUES ($1, $2, $3, $4, $5)", entry.Time, entry.Event, entry.User,
            entry.Request, bytes);
        // The newest entry is this one: nobody else writes.
        foreach (var request in RequestsBeside(entry))
            transaction.Add(
                "INSERT INTO audit_requests (request, id) SELECT $1, max(id) FROM audit WHERE 1 = 1 ON CONFLICT DO NOTHING", request);
    }

    /// <summary>Returns the requests that entries after a number are about.</summary>
    public static List<Guid> RequestsIn(this Snapshot snapshot, long after) => snapshot.Query(
        "SELECT request FROM audit WHERE id > $1 AND request IS NOT NULL ORDER BY id", row => Guid.Parse(row.GetString(0)), after);

    /// <summary>
    /// Reads a piece of the audit. If a filter skips entries, the piece ends after some thousand of them, even if it is not full or empty:
    /// so no call reads the whole audit.
    /// </summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="wish">The entries that are wanted, and their order.</param>
    /// <param name="size">The largest number of entries.</param>
    /// <param name="after">The number after which the piece begins, in its order; null for the beginning.</param>
    public static AuditPiece ReadAudit(this Snapshot snapshot, AuditWish wish, int size, long? after)
    {
        var last = snapshot.LastAudit();
        var begin = after ?? (wish.OldestFirst ? snapshot.BeforeFirst(wish.Since, last) : last + 1);
        var most = wish.Skips ? Math.Max(size, Near) : size;
        var read = snapshot.NumberedAudit(wish, most + 1, begin);
        var entries = new List<AuditEntry>();
        var position = begin;
        foreach (var (number, entry) in read.Take(most))
        {
            if (entries.Count == size)
                return new AuditPiece(entries, position, HasMore: true);
            position = number;
            if (wish.Lets(entry))
                entries.Add(entry);
        }
        return read.Count > most
            ? new AuditPiece(entries, position, HasMore: true)
            : new AuditPiece(entries, wish.OldestFirst ? Math.Max(begin, last) : position, HasMore: false);
    }

    /// <summary>
    /// Returns entries in the order of the wish, after a number, without regard to the conditions that skip entries. A request's entries
    /// include those of the certificates issued under it.
    /// </summary>
    /// <returns>The entries, each with the number by which they are sorted.</returns>
    public static List<(long Number, AuditEntry Entry)> NumberedAudit(
        this Snapshot snapshot, AuditWish wish, int? limit = null, long? after = null)
    {
        // The newest entries usually fill the page. Otherwise an index tells where the entries of that time begin and end.
        if (IsOfATime(wish) && limit is { } most && Entries(near: true) is var found && found.Count >= most)
            return found;
        return Entries(near: false);

        List<(long Number, AuditEntry Entry)> Entries(bool near) =>
            snapshot.Query(
                Sql(wish, near), Row, wish.User, wish.Request, wish.Since, wish.Until, limit ?? long.MaxValue,
                after ?? (wish.OldestFirst ? 0 : snapshot.LastAudit() + 1));
    }

    /// <summary>Returns the entries after a number as they are stored, the oldest first.</summary>
    public static List<StoredEntry> StoredAudit(this Snapshot snapshot, long after, int most) =>
        snapshot.Query(
            "SELECT id, entry FROM audit WHERE id > $1 ORDER BY id LIMIT $2",
            row => new StoredEntry(row.GetInt64(0), row.GetFieldValue<byte[]>(1)), after, most);

    /// <summary>Returns the number of the newest entry; 0 if there is none.</summary>
    public static long LastAudit(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT max(id) FROM audit", row => row.IsDBNull(0) ? 0 : row.GetInt64(0));

    /// <summary>Returns the number before the first entry since an instant; reads the index of that time.</summary>
    public static long BeforeFirst(this Snapshot snapshot, DateTimeOffset? since, long last) => since is null
        ? 0
        : snapshot.QueryFirst("SELECT min(+id) FROM audit WHERE time >= $1", row => row.IsDBNull(0) ? last : row.GetInt64(0) - 1, since);

    /// <summary>Reads entries, in the order of their numbers.</summary>
    /// <returns>The last number; the one after which it began if there is none.</returns>
    public static long InspectAudit(this Inspection inspection, long after, int most)
    {
        var numbers = inspection.Query("SELECT id FROM audit WHERE id > $1 ORDER BY id LIMIT $2", row => row.GetInt64(0), after, most);
        if (numbers is not [.., var last])
            return after;
        var rows = inspection.Query(
            "SELECT id, entry, time, event, \"user\", request FROM audit WHERE id > $1 AND id <= $2", RowWithColumns, after, last);
        foreach (var (number, entry) in rows)
            foreach (var request in RequestsBeside(entry))
                if (inspection.QueryFirst(
                    "SELECT id FROM audit_requests WHERE request = $1 AND id = $2", row => row.GetInt64(0), request, number) == 0)
                    inspection.LeaveOut(new StoreException(
                        $"the table audit_requests does not have that entry {number} of the audit is about the request {request}"));
        return last;
    }

    /// <summary>Compares the table that finds the entries of certificates by their requests with the entries.</summary>
    /// <returns>The last row; the one after which it began if there is none.</returns>
    public static (string Request, long Id) InspectAuditRequests(this Inspection inspection, (string Request, long Id) after, int most)
    {
        var rows = inspection.Query(
            "SELECT request, id FROM audit_requests WHERE (request, id) > ($1, $2) ORDER BY request, id LIMIT $3",
            row => (Request: row.GetString(0), Id: row.GetInt64(1)), after.Request, after.Id, most);
        foreach (var (request, id) in rows)
            if (inspection.StoredAudit(id - 1, 1) is not [{ } entry] || entry.Seq != id
                || entry.Read() is { } read && !RequestsBeside(read).Contains(request))
                inspection.LeaveOut(new StoreException(
                    $"the table audit_requests has that entry {id} of the audit is about the request {request}, and it is not"));
        return rows is [.., var last] ? last : after;
    }

    // Those by which an entry is found that is not itself about a request.
    private static string[] RequestsBeside(AuditEntry entry) => entry is { Request: null, Requests: { } requests } ? requests : [];

    // Lists find entries by these columns, so a column that says something else hides an entry.
    private static (long Number, AuditEntry Entry) RowWithColumns(DbDataReader row)
    {
        var read = Row(row);
        return read.Entry is var entry && entry.Time.ToUnixTimeSeconds() == row.Long("time") && entry.Event == row.String("event")
            && entry.User == row.Text("user") && entry.Request == row.Text("request")
                ? read
                : throw new FormatException("the columns beside the entry are not those of the entry");
    }

    private static (long Number, AuditEntry Entry) Row(DbDataReader row) =>
        (row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), ProtocolJson.Lenient.Of<AuditEntry>())! with
        {
            Seq = row.GetInt64(0),
        });

    private static bool IsOfATime(AuditWish wish) => wish is { Since: not null, User: null, Request: null, OldestFirst: false };

    // Contains only the conditions of the wish, so that the query can use an index: the audit only ever grows.
    internal static string Sql(AuditWish wish, bool near = false)
    {
        var beyond = wish.OldestFirst ? "id > $6" : "id < $6";
        string[] conditions =
        [
            // A request has few entries, so the query must not use the primary key to find them.
            wish.Request is null ? beyond : $"+{beyond}",
            .. wish.Since is null || wish.OldestFirst ? (string[])[] : ["+time >= $3"],
            .. wish.Until is null || wish.OldestFirst ? (string[])[] : ["+time < $4"],
            // Where the entries of that time begin and end, by the index: the numbers of entries may go back in time.
            .. !IsOfATime(wish) ? (string[])[]
                : near ? [$"id >= $6 - {Near}"]
                : [$"id BETWEEN (SELECT min(+id) FROM audit WHERE {Window(wish)}) AND (SELECT max(+id) FROM audit WHERE {Window(wish)})"],
            .. wish.User is null ? (string[])[] : ["\"user\" = $1"],
            .. wish.Request is null
                ? (string[])[]
                : ["id IN (SELECT id FROM audit WHERE request = $2 UNION SELECT id FROM audit_requests WHERE request = $2)"],
        ];
        var order = wish.OldestFirst ? "id" : "id DESC";
        return $"SELECT id, entry FROM audit WHERE {string.Join(" AND ", conditions)} ORDER BY {order} LIMIT $5";
    }

    private static string Window(AuditWish wish) => wish.Until is null ? "time >= $3" : "time >= $3 AND time < $4";
}
