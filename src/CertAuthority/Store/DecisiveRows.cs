using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>
/// The rows on which decisions depend now: what is live, revoked, pending or in use. They are few, however long the history is, and are
/// found without reading the history.
/// </summary>
internal static class DecisiveRows
{
    private const int Page = 1000;

    /// <summary>Reads all of them except the resources.</summary>
    /// <exception cref="StoreException">One of them cannot be read.</exception>
    public static void ReadDecisive(this Snapshot snapshot, DateTimeOffset now) =>
        _ = (snapshot.PendingRequests(now), snapshot.ApprovedRequests(now), snapshot.LiveCertificates(now), snapshot.RevokedSerials(now),
            snapshot.LostSerials(now));

    /// <summary>
    /// Compares the certificates that are live or must be on the revocation list with the indexes by which they are found. It reads the
    /// table itself, from the last certificate back to the first one that can still matter: a broken index could hide revoked ones.
    /// </summary>
    /// <exception cref="StoreException">They differ.</exception>
    public static void ExpectIndexed(this Snapshot snapshot, DateTimeOffset now)
    {
        var since = now.AddDays(-1);
        var (live, revoked) = (0, 0);
        for (var page = Before(long.MaxValue); page.Count > 0; page = Before(page[^1].Serial))
        {
            live += page.Count(one => !one.IsRevoked && one.End > now.ToUnixTimeSeconds());
            revoked += page.Count(one => one.IsRevoked && one.End > since.ToUnixTimeSeconds());
            // A clock that was set may have mixed up a few, but not a whole page.
            if (page.TrueForAll(one => one.Issued < (since - SiteLimits.Default.Certificate).ToUnixTimeSeconds()
                && one.End <= since.ToUnixTimeSeconds()))
                break;
        }
        if (live != snapshot.CountLive(now) || revoked != snapshot.CountRevoked(now))
            throw new StoreException("an index of the table certificates does not list what is in the table");

        List<(long Serial, long Issued, long End, bool IsRevoked)> Before(long serial) =>
            snapshot.Query(
                "SELECT serial, issued, valid_before, revoked FROM certificates WHERE serial < $1 ORDER BY serial DESC LIMIT $2",
                row => (row.Long("serial"), row.Long("issued"), row.Long("valid_before"), !row.IsNull("revoked")), serial, Page);
    }

    /// <summary>
    /// Reads every row of a page of the history, in the order in which the rows were written, as the functions do that show it.
    /// </summary>
    /// <param name="inspection">Collects the rows that cannot be read.</param>
    /// <param name="after">The place after which the page begins.</param>
    /// <returns>The place where the page ends; null after the last one.</returns>
    public static HistoryPlace? InspectHistory(this Inspection inspection, HistoryPlace after)
    {
        var place = new HistoryPlace(
            inspection.InspectRequests(after.Request, Page), inspection.InspectCertificates(after.Certificate, Page),
            inspection.InspectAudit(after.Audit, Page));
        return place == after ? null : place;
    }
}

/// <summary>A place in each of the tables that keep what is over.</summary>
internal sealed record HistoryPlace(long Request, long Certificate, long Audit)
{
    /// <summary>Before the first row of each.</summary>
    public static readonly HistoryPlace Start = new(0, 0, 0);
}
