using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Filing, reading and waiting for requests.</summary>
internal static class Requests
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(25);

    public static Task<RequestResource> Create(Ca ca, Caller by, CreateRequest ask) =>
        File(ca, by, transaction => transaction.ActingUser(by, ask.User), ask);

    /// <summary>For somebody else. Whoever files it counts as requester, so it takes another administrator to approve it.</summary>
    public static Task<RequestResource> CreateFor(Ca ca, Administrator by, CreateRequestFor ask) =>
        File(ca, by.Caller, transaction => Users.Find(transaction, ask.User), new CreateRequest(ask.Roles, ask.User, ask.Reason, ask.Reviewers));

    public static Task<Capabilities> Capabilities(Ca ca, Administrator by, GetCapabilities ask) =>
        Task.FromResult(new Capabilities(ca.Database.Read(snapshot =>
            Requesting.Requestable(Users.Find(snapshot, ask.Name), snapshot.Policy().Roles, ca.Now(), snapshot.Policy().LocksAt(ca.Now())).ToArray())));

    private static async Task<RequestResource> File(Ca ca, Caller by, Func<Transaction, User> find, CreateRequest ask)
    {
        var now = ca.Now();
        var id = Guid.NewGuid();
        var wishes = Wishes(ask);
        var filed = await ca.Database.Commit(transaction =>
        {
            var user = find(transaction);
            var request = Requesting.File(new RequestQuestion(
                id, now, user, by.Identity.Uid, [.. ask.Roles], ask.Reason, [.. ask.Reviewers ?? []], transaction.Policy().Roles,
                transaction.CountPending(user, now), ca.Limits, by.Login?.Uid) { Wishes = wishes, Locks = transaction.Policy().LocksAt(now) }).OrRefuse();
            transaction.InsertRequest(request);
            transaction.Tell("request.created", request, now);
            transaction.Audit(by.Did("request.created", now) with
            {
                User = user.Name,
                Request = id.ToString(),
                State = RequestTransitions.Word(request.StoredState),
                Asked = Shown.Names(request.Roles),
                Reason = request.Reason,
            });
            return request;
        });
        return filed.Show(now);
    }

    private static AccessWishes Wishes(CreateRequest ask)
    {
        return new AccessWishes(
            Duration("--session-ttl", ask.SessionTtl), Duration("--request-ttl", ask.RequestTtl), Duration("--max-duration", ask.MaxDuration),
            ask.AssumeStartTime is { } from ? Verdicts.Instant("--assume-start-time", from) : null);

        static TimeSpan? Duration(string field, string? text) => text is null ? null : Verdicts.Duration(field, text);
    }

    public static Task<RequestList> ListMine(Ca ca, Caller by, ListMyRequests ask)
    {
        var now = ca.Now();
        var requests = ca.Database.Read(snapshot => snapshot.RequestsOf(snapshot.ActingUser(by, ask.User), RequestLists.Limit(ask.Limit)));
        return Task.FromResult(new RequestList([.. requests.Select(request => request.Show(now))]));
    }

    public static Task<RequestResource> Get(Ca ca, Administrator by, GetRequest ask) =>
        Task.FromResult(ca.Database.Read(snapshot => snapshot.FindRequest(ask.Id, null)).Show(ca.Now()));

    /// <summary>
    /// One of the caller's own; with <c>wait</c>, held back until its revision is beyond <c>after</c>, its state changes with
    /// the clock, or the wait is over.
    /// </summary>
    public static async Task<RequestResource> GetMine(Ca ca, Caller by, GetMyRequest ask)
    {
        var wait = ask.Wait is null ? TimeSpan.Zero : Verdicts.Duration("wait", ask.Wait);
        var until = ca.Clock.GetUtcNow() + (wait < LongestWait ? wait : LongestWait);
        var id = Find(ca, by, ask).Id;
        while (true)
        {
            var change = ca.Watch.NextChange(id);
            var request = Find(ca, by, ask);
            var now = ca.Clock.GetUtcNow();
            // A pending request that runs out wakes its waiters too, though nothing is stored then.
            var wake = request.StoredState == RequestState.Pending && request.PendingUntil < until ? request.PendingUntil : until;
            if (request.Revision > (ask.After ?? 0) || wake <= now || change.IsCompleted)
                return request.Show(ca.Now());
            await Task.WhenAny(change, Task.Delay(wake - now, ca.Clock));
            ca.Watch.Changed(id);
            if (ca.Clock.GetUtcNow() >= wake || ca.Watch.Stopped)
                return Find(ca, by, ask).Show(ca.Now());
        }
    }

    // The first look resolves the prefix; later ones must not find another request that came to share it.
    private static AccessRequest Find(Ca ca, Caller by, GetMyRequest ask) =>
        ca.Database.Read(snapshot => snapshot.FindRequest(ask.Id, snapshot.ActingUser(by, ask.User).Id));
}
