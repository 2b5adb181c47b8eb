using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>
/// The rows on which decisions depend now: what is live, revoked, pending or in use. They are few, however long the history is, and are
/// found without reading the history.
/// </summary>
internal static class DecisiveRows
{
    private const int Page = 1000;

    // A live certificate that would not be found by one of its requests.
    private const string Unlisted =
        """
        SELECT serial FROM certificates
        WHERE valid_before > $1 AND revoked IS NULL AND json_valid(requests) AND EXISTS (
          SELECT 1 FROM json_each(requests) WHERE NOT EXISTS (
            SELECT 1 FROM certificate_requests WHERE request_id = value AND certificate_requests.serial = certificates.serial))
        LIMIT 1
        """;

    /// <summary>Reads all of them except the resources.</summary>
    /// <exception cref="StoreException">One of them cannot be read.</exception>
    public static void ReadDecisive(this Snapshot snapshot, DateTimeOffset now) =>
        _ = (snapshot.PendingRequests(now), snapshot.ApprovedRequests(now), snapshot.LiveCertificates(now), snapshot.RevokedSerials(now),
            snapshot.LostSerials(now));

    /// <summary>
    /// Checks that every certificate that is live, or must be on the revocation list, is found by the indexes that decisions use. It reads
    /// the table itself, from the last certificate back to the first one that can still matter: a broken index could hide one of them.
    /// </summary>
    /// <exception cref="StoreException">An index does not have one of them.</exception>
    public static void ExpectIndexed(this Snapshot snapshot, DateTimeOffset now)
    {
        var since = now.AddDays(-1);
        var (live, revoked) = (new List<(long Serial, string User)>(), new List<long>());
        for (var page = Before(long.MaxValue); page.Count > 0; page = Before(page[^1].Serial))
        {
            live.AddRange(page.Where(one => !one.IsRevoked && one.End > now.ToUnixTimeSeconds()).Select(one => (one.Serial, one.User)));
            revoked.AddRange(page.Where(one => one.IsRevoked && one.End > since.ToUnixTimeSeconds()).Select(one => one.Serial));
            // A clock that was set may have mixed up a few, but not a whole page.
            if (page.TrueForAll(one => one.Issued < (since - SiteLimits.Default.Certificate).ToUnixTimeSeconds()
                && one.End <= since.ToUnixTimeSeconds()))
                break;
        }
        var byUser = new HashSet<long>(live.Select(one => one.User).Distinct(StringComparer.Ordinal).SelectMany(user =>
            Serials("user_id = $2 AND valid_before > $1 AND revoked IS NULL", now, user)));
        if (live.Exists(one => !byUser.Contains(one.Serial))
            || !Serials("valid_before > $1 AND revoked IS NULL", now).IsSupersetOf(live.Select(one => one.Serial))
            || !snapshot.RevokedSerials(now).Select(one => (long)one.Serial).ToHashSet().IsSupersetOf(revoked))
            throw new StoreException("an index of the table certificates does not list what is in the table");
        if (snapshot.QueryFirst(Unlisted, row => row.Long("serial"), now) is > 0 and var unlisted)
            throw new StoreException($"the table certificate_requests does not list the certificate {unlisted}");

        List<(long Serial, string User, long Issued, long End, bool IsRevoked)> Before(long serial) =>
            snapshot.Query(
                "SELECT serial, user_id, issued, valid_before, revoked FROM certificates WHERE serial < $1 ORDER BY serial DESC LIMIT $2",
                row => (row.Long("serial"), row.String("user_id"), row.Long("issued"), row.Long("valid_before"), !row.IsNull("revoked")),
                serial, Page);

        HashSet<long> Serials(string which, DateTimeOffset at, string? user = null) =>
            [.. snapshot.Query($"SELECT serial FROM certificates WHERE {which}", row => row.Long("serial"), at, user)];
    }

    /// <summary>
    /// Reads every row of a page of the history, in the order of their keys, as the functions do that show it.
    /// </summary>
    /// <param name="inspection">Collects the rows that cannot be read.</param>
    /// <param name="after">The place after which the page begins.</param>
    /// <returns>The place where the page ends; null after the last one.</returns>
    public static HistoryPlace? InspectHistory(this Inspection inspection, HistoryPlace after)
    {
        var place = new HistoryPlace(
            inspection.InspectRequests(after.Request, Page), inspection.InspectCertificates(after.Certificate, Page),
            inspection.InspectAudit(after.Audit, Page), inspection.InspectAuditRequests(after.Found, Page));
        return place == after ? null : place;
    }
}

/// <summary>A place in each of the tables that keep what is over.</summary>
internal sealed record HistoryPlace(string Request, long Certificate, long Audit, (string Request, long Id) Found)
{
    /// <summary>Before the first row of each.</summary>
    public static readonly HistoryPlace Start = new("", 0, 0, ("", 0));
}
