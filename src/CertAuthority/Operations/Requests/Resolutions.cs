using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Answers requests and ends them.</summary>
internal static class Resolutions
{
    public static async Task<RequestResolved> Approve(Authority ca, Administrator by, ApproveRequest ask)
    {
        var now = ca.NowToGrant();
        var accounts = await Persons.Ask(
            ca, snapshot => [.. People.Aliases(snapshot.FindRequest(ask.Id, null)), .. by.Caller.Aliases]);
        var (approved, roles, warnings) = await ca.Database.Commit(transaction =>
        {
            var roles = transaction.Policy().Roles;
            var request = transaction.FindRequest(ask.Id, null);
            var requester = transaction.FindUser(request.UserId);
            var persons = new Persons(transaction, accounts);
            var people = persons.Behind(request, by.Caller.Aliases);
            // Root may approve its own requests, so the answer does not depend on who root is.
            if (!by.Caller.IsRoot && accounts.Fault is { } unknown)
                throw Problems.Refused(
                    Reviews.Uncertain($"request {request.Id} cannot be approved now, for it is not certain whose it is", unknown));
            var resolution = new RequestResolution(by.Caller.Name, now, ask.Reason);
            var tally = ReviewState.Load(persons, request, now).Tally();
            var changed = RequestUse.FirstChanged(request.Roles, roles);
            var next = transaction.UpdateRequest(
                request,
                Resolving.Approve(
                    request, requester, by.Caller.Answerer, people, roles, resolution, ca.Limits, transaction.Policy().LocksAt(now),
                    ask.Roles is { } instead ? [.. instead] : default, ask.Force,
                    Problems.DurationIfAny("max_duration", ask.MaxDuration) is { } atMost
                        ? new AccessLimit(atMost, $"the approval of {by.Caller.Name}")
                        : null).OrRefuse() with
                {
                    Overridden = changed is null
                        ? tally.Overridden
                        : tally.Overridden.Add($"role {changed.Name} changed after the request was made"),
                });
            transaction.Audit(RequestChanges.Resolved(by.Caller, AuditEvents.RequestApproved, next, people, now) with
            {
                Tally = tally.Approvals.IsEmpty ? null : [.. tally.Approvals],
                Overridden = next.Overridden.IsEmpty ? null : [.. next.Overridden],
            });
            transaction.Tell(by.Caller, NoticeEvents.Approved, next, now);
            return (next, roles, RequestChanges.Warnings(ca, request, next, requester!, roles));
        });
        ca.Watch.Changed(approved.Id);
        return new RequestResolved(approved.Show(now, roles), [], warnings);
    }

    public static Task<RequestResolved> Deny(Authority ca, Administrator by, DenyRequest ask) =>
        End(
            ca, by.Caller, RequestAction.Deny, RequestActor.Administrator, ask.Reason,
            transaction => transaction.FindRequest(ask.Id, null));

    public static Task<RequestResolved> Cancel(Authority ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Cancel, ask);

    public static Task<RequestResolved> Drop(Authority ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Drop, ask);

    /// <summary>Removes a request. An open request is ended first, and only with force.</summary>
    public static async Task<RequestResolved> Remove(Authority ca, Administrator by, RemoveRequest ask)
    {
        var now = ca.Now();
        var removed = await ca.Database.Commit(transaction =>
        {
            var request = transaction.FindRequest(ask.Id, null);
            var ended = new EndedRequest(request, []);
            if (request.StateAt(now) is RequestState.Pending or RequestState.Approved)
                ended = ask.Force
                    ? RequestChanges.EndBecause(transaction, by.Caller, request, RequestAction.Deny, "the request was removed", now)
                    : throw new ProblemException(new Problem(
                        ProblemCode.Conflict,
                        $"request {request.Id} is {RequestTransitions.Word(request.StateAt(now))}",
                        Next: [new NextStep.EndRequest($"{request.Id}")]));
            transaction.RemoveRequest(request);
            transaction.Audit(
                RequestChanges.Resolved(
                    by.Caller, AuditEvents.RequestRemoved, ended.Request, RequestChanges.OfRecord(transaction, request), now));
            return ended;
        }, takesAway: true);
        return await Ended(ca, removed, now);
    }

    private static Task<RequestResolved> EndMine(Authority ca, Caller by, RequestAction action, EndMyRequest ask) =>
        End(
            ca, by, action, RequestActor.Requester, "",
            transaction => transaction.FindRequest(ask.Id, transaction.ActingUser(by, ask.User).Id));

    private static async Task<RequestResolved> End(
        Authority ca, Caller by, RequestAction action, RequestActor actor, string reason, Func<Transaction, AccessRequest> find)
    {
        var now = ca.Now();
        return await Ended(
            ca,
            await ca.Database.Commit(
                transaction => RequestChanges.End(transaction, by, find(transaction), action, actor, reason, now), takesAway: true), now);
    }

    /// <summary>Runs after the commit: wakes waiting callers, and returns when the revocation list is published.</summary>
    private static async Task<RequestResolved> Ended(Authority ca, EndedRequest ended, DateTimeOffset now)
    {
        ca.Watch.Changed(ended.Request.Id);
        if (ended.Revoked.Length > 0)
            await ca.Krl.Publish();
        return new RequestResolved(ended.Request.Show(now), ended.Revoked, []);
    }
}
