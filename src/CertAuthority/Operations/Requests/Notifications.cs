using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Queues notices about requests and hosts in the transaction of the change that they report, so that neither exists without the other.
/// </summary>
internal static class Notifications
{
    /// <summary>
    /// How many reviewers get mail for the requests of one user within a day. Beyond that, no reviewer gets any for them, so that requests
    /// cannot fill other people's mailboxes.
    /// </summary>
    public const int MostMailed = 200;

    // The limit for one event: a chat or a program cannot take a message of any size.
    private const int MostHosts = 200;

    /// <summary>Queues an event of a request for every receiver whose filter accepts it. If there is none, nothing is written.</summary>
    /// <param name="transaction">The transaction of the change that the event reports.</param>
    /// <param name="by">The caller who made the change.</param>
    /// <param name="what">One of <see cref="NoticeEvents.OfRequests"/>.</param>
    /// <param name="request">The request after the change.</param>
    /// <param name="now">The time of the event.</param>
    /// <param name="show">Returns the request as the notice shows it, if it is still to be decided; null for the request alone.</param>
    public static void Tell(
        this Transaction transaction, Caller by, string what, AccessRequest request, DateTimeOffset now,
        Func<RequestResource>? show = null)
    {
        var receivers = transaction.Receivers().FindAll(receiver => receiver.Filter.Lets(what, request));
        if (receivers is [])
            return;
        var notification = new Notification(
            Guid.NewGuid().ToString(), 0, what, now, show is null ? request.Show(now, transaction.Policy().Roles) : show());
        foreach (var receiver in receivers)
            transaction.Put(receiver, Addresses(transaction, receiver, by, what, request, now), notification);
    }

    /// <summary>
    /// Queues an event of hosts for every receiver whose filter accepts it: all hosts in one event, or in several above 200. People get
    /// only notices about requests that concern them, so nobody gets mail about hosts.
    /// </summary>
    /// <param name="transaction">The transaction of the change that the event reports.</param>
    /// <param name="what">The event.</param>
    /// <param name="hosts">The names of the hosts, without duplicates.</param>
    /// <param name="now">The time of the event.</param>
    public static void TellOfHosts(this Transaction transaction, string what, IReadOnlyList<string> hosts, DateTimeOffset now)
    {
        foreach (var some in hosts.Order(StringComparer.Ordinal).Chunk(MostHosts))
            transaction.TellOfSite(new Notification(Guid.NewGuid().ToString(), 0, what, now, Hosts: some));
    }

    /// <summary>Queues an event of the daemon's disk for the same receivers.</summary>
    public static void TellOfDisk(this Transaction transaction, string what, DiskStatus disk, DateTimeOffset now) =>
        transaction.TellOfSite(new Notification(Guid.NewGuid().ToString(), 0, what, now, Disk: disk));

    private static void TellOfSite(this Transaction transaction, Notification notification)
    {
        foreach (var receiver in transaction.Receivers()
            .Where(receiver => !receiver.IsPersonal && receiver.Filter.LetsOfSite(notification.Event)))
            transaction.Put(receiver, [null], notification);
    }

    /// <summary>
    /// Queues a notice for every access that ends within <paramref name="ahead"/>, once for each. Access that was granted for a shorter
    /// time is reported at once.
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

    /// <summary>Returns whether reviewers get no mail for a request because the user's earlier requests caused too much.</summary>
    public static bool MailsTooMuch(this Snapshot snapshot, AccessRequest request) =>
        snapshot.CountMailed(request.UserId, request.Created.AddDays(-1)) > MostMailed;

    // Null stands for a receiver that does not deliver to people.
    private static IEnumerable<string?> Addresses(
        Transaction transaction, Receiver receiver, Caller by, string what, AccessRequest request, DateTimeOffset now)
    {
        if (!receiver.IsPersonal)
            return [null];
        var people = Recipients.For(
            what, request, transaction.FindUser, () => Reviewers(transaction, request, now), transaction.FindUser(request.UserId),
            by.Answerer);
        if (what == NoticeEvents.Created)
        {
            transaction.MarkMailed(request, Math.Max(people.Length, request.SuggestedReviewers.Length));
            if (transaction.MailsTooMuch(request))
                return [];
        }
        return Recipients.Addresses(people, receiver.AddressTemplate);
    }

    // The users who hold a role that may review the request; nobody else is read, however many users there are.
    private static IEnumerable<User> Reviewers(Snapshot snapshot, AccessRequest request, DateTimeOffset now)
    {
        var roles = snapshot.Policy().Roles;
        return Reviewing.Able(request, Facts.Candidates(snapshot, request, []), roles, now);
    }
}
