using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Telling others of requests: put on its way in the transaction of what it tells of, so that neither is without the other.</summary>
internal static class Notifications
{
    /// <summary>Puts an event on its way to every receiver whose filter lets it through. Where there is none nothing is written.</summary>
    /// <param name="transaction">Of what it tells of.</param>
    /// <param name="by">Who did it.</param>
    /// <param name="what">One of <see cref="NoticeEvents"/>.</param>
    /// <param name="request">The request, as it is after it.</param>
    /// <param name="now">When.</param>
    public static void Tell(this Transaction transaction, Caller by, string what, AccessRequest request, DateTimeOffset now)
    {
        var notification = new Notification(Guid.NewGuid().ToString(), 0, what, now, request.Show(now));
        foreach (var receiver in transaction.Receivers().Where(receiver => receiver.Filter.Lets(what, request)))
            transaction.Put(receiver, Recipients(transaction, receiver, by, what, request), notification);
    }

    /// <summary>Tells of every access that ends within <paramref name="ahead"/>, once each. One that was granted for less is told of at once.</summary>
    public static async Task TellEndings(Ca ca, TimeSpan ahead)
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

    // Null stands for the receiver itself, where it reaches no people.
    private static IEnumerable<string?> Recipients(Snapshot snapshot, Receiver receiver, Caller by, string what, AccessRequest request)
    {
        if (!receiver.IsPersonal)
            return [null];
        return Hearers.Addresses(Hearers.Of(what, request, snapshot.FindUser, snapshot.FindUser(request.UserId), by.Answerer));
    }
}
