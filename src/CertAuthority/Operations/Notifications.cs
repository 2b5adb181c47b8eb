using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Telling others of requests: put on its way in the transaction of what it tells of, so that neither is without the other.</summary>
internal static class Notifications
{
    public static void Tell(this Transaction transaction, string what, AccessRequest request, DateTimeOffset now) =>
        transaction.Tell(new Notification(Guid.NewGuid().ToString(), 0, what, now, request.Show(now)));

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
                transaction.Tell("access.ending", request, now);
            }
            return true;
        });
    }
}
