using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Telling others of requests and of hosts: put on its way in the transaction of what it tells of, so that neither is without the other.
/// </summary>
internal static class Notifications
{
    /// <summary>
    /// To how many reviewers the requests of one user send mail within a day. Beyond that nobody gets any for them, so that a request is no
    /// way to fill other people's mailboxes.
    /// </summary>
    public const int MostMailed = 200;

    // In one event: a chat or a program need not take a message of any size.
    private const int MostHosts = 200;

    /// <summary>
    /// Puts an event of a request on its way to every receiver whose filter lets it through. Where there is none nothing is written.
    /// </summary>
    /// <param name="transaction">Of what it tells of.</param>
    /// <param name="by">Who did it.</param>
    /// <param name="what">One of <see cref="NoticeEvents.OfRequests"/>.</param>
    /// <param name="request">The request, as it is after it.</param>
    /// <param name="now">When.</param>
    public static void Tell(this Transaction transaction, Caller by, string what, AccessRequest request, DateTimeOffset now)
    {
        var notification = new Notification(Guid.NewGuid().ToString(), 0, what, now, request.Show(now, transaction.Policy().Roles));
        foreach (var receiver in transaction.Receivers().Where(receiver => receiver.Filter.Lets(what, request)))
            transaction.Put(receiver, Addresses(transaction, receiver, by, what, request), notification);
    }

    /// <summary>
    /// Puts an event of hosts on its way to every receiver whose filter lets it through: all hosts in one, beyond 200 in several. People
    /// are told
    /// of requests that concern them, so none of them hears of hosts.
    /// </summary>
    /// <param name="transaction">Of what it tells of.</param>
    /// <param name="what">What is told of hosts.</param>
    /// <param name="hosts">Their names, each once.</param>
    /// <param name="now">When.</param>
    public static void TellOfHosts(this Transaction transaction, string what, IReadOnlyList<string> hosts, DateTimeOffset now)
    {
        foreach (var some in hosts.Order(StringComparer.Ordinal).Chunk(MostHosts))
            transaction.TellOfSite(new Notification(Guid.NewGuid().ToString(), 0, what, now, Hosts: some));
    }

    /// <summary>Puts an event of the daemon's disk on its way to the same receivers.</summary>
    public static void TellOfDisk(this Transaction transaction, string what, DiskStatus disk, DateTimeOffset now) =>
        transaction.TellOfSite(new Notification(Guid.NewGuid().ToString(), 0, what, now, Disk: disk));

    private static void TellOfSite(this Transaction transaction, Notification notification)
    {
        foreach (var receiver in transaction.Receivers()
            .Where(receiver => !receiver.IsPersonal && receiver.Filter.LetsOfSite(notification.Event)))
            transaction.Put(receiver, [null], notification);
    }

    /// <summary>
    /// Tells of every access that ends within <paramref name="ahead"/>, once each. One that was granted for less is told of at once.
    /// </summary>
    public static async Task TellEndings(Authority ca, TimeSpan ahead)
    {
        var now = ca.Now();
        if (ca.Database.Read(snapshot => snapshot.EndingRequests(now, now + ahead)) is [])
            return;
        await ca.Database.Commit(transaction =>
        {
            foreach (var request in transaction.EndingRequests(now, now + ahead))
            {
                transaction.MarkEndTold(request);
                transaction.Tell(Caller.Daemon, NoticeEvents.Ending, request, now);
            }
            return true;
        });
    }

    /// <summary>Whether reviewers get no mail of a request, because those before it sent so much.</summary>
    public static bool MailsTooMuch(this Snapshot snapshot, AccessRequest request) =>
        snapshot.CountSuggested(request.UserId, request.Created.AddDays(-1)) > MostMailed;

    // Null stands for the receiver itself, where it reaches no people.
    private static IEnumerable<string?> Addresses(Snapshot snapshot, Receiver receiver, Caller by, string what, AccessRequest request)
    {
        if (!receiver.IsPersonal)
            return [null];
        if (what == NoticeEvents.Created && snapshot.MailsTooMuch(request))
            return [];
        return Recipients.Addresses(Recipients.For(what, request, snapshot.FindUser, snapshot.FindUser(request.UserId), by.Answerer));
    }
}
