using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Answering requests, and ending them.</summary>
internal static class Resolutions
{
    public static async Task<RequestResolved> Approve(Ca ca, Administrator by, ApproveRequest ask)
    {
        var now = ca.NowToGrant();
        var accounts = await Persons.Ask(ca);
        var (approved, roles, warnings) = await ca.Database.Commit(transaction =>
        {
            var roles = transaction.Policy().Roles;
            var request = transaction.FindRequest(ask.Id, null);
            var requester = transaction.FindUser(request.UserId);
            var persons = new Persons(transaction, accounts);
            var people = persons.All.And(request);
            // Root may approve what is its own, so nothing depends on who it is.
            if (!by.Caller.IsRoot && accounts.Fault is { } unknown)
                throw Verdicts.Refused(Reviews.Uncertain($"request {request.Id} cannot be approved now, for it is not certain whose it is", unknown));
            var resolution = new RequestResolution(by.Caller.Name, now, ask.Reason);
            var tally = Hearing.Of(persons, request, now).Tally();
            var changed = RequestUse.FirstChanged(request.Roles, roles);
            var next = transaction.UpdateRequest(
                request,
                Resolving.Approve(request, requester, by.Caller.Answerer, people, roles, resolution, ca.Limits, transaction.Policy().LocksAt(now), ask.Roles is { } instead ? [.. instead] : default, ask.Force).OrRefuse() with
                {
                    Overridden = changed is null ? tally.Overridden : tally.Overridden.Add($"role {changed.Name} changed after the request was made"),
                });
            transaction.Audit(Resolved(by.Caller, "request.approved", next, people, now) with
            {
                Tally = tally.Approvals.IsEmpty ? null : [.. tally.Approvals],
                Overridden = next.Overridden.IsEmpty ? null : [.. next.Overridden],
            });
            transaction.Tell(by.Caller, NoticeEvents.Approved, next, now);
            return (next, roles, Warnings(ca, request, next, requester!, roles));
        });
        ca.Watch.Changed(approved.Id);
        return new RequestResolved(approved.Show(now, roles), [], warnings);
    }

    public static Task<RequestResolved> Deny(Ca ca, Administrator by, DenyRequest ask) =>
        End(ca, by.Caller, RequestAction.Deny, RequestActor.Administrator, ask.Reason, transaction => transaction.FindRequest(ask.Id, null));

    public static Task<RequestResolved> Cancel(Ca ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Cancel, ask);

    public static Task<RequestResolved> Drop(Ca ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Drop, ask);

    /// <summary>Takes a request off the list. What is still open is ended first, and only with force.</summary>
    public static async Task<RequestResolved> Remove(Ca ca, Administrator by, RemoveRequest ask)
    {
        var now = ca.Now();
        var removed = await ca.Database.Commit(transaction =>
        {
            var request = transaction.FindRequest(ask.Id, null);
            var ended = new EndedRequest(request, []);
            if (request.StateAt(now) is RequestState.Pending or RequestState.Approved)
                ended = ask.Force
                    ? EndBecause(transaction, by.Caller, request, RequestAction.Deny, "the request was removed", now)
                    : throw new ProblemException(new Problem(
                        ProblemCode.Conflict,
                        $"request {request.Id} is {RequestTransitions.Word(request.StateAt(now))}",
                        $"deny it first, or end and remove it: tctl requests rm -f {request.Id}"));
            transaction.RemoveRequest(request);
            transaction.Audit(Resolved(by.Caller, "request.removed", ended.Request, OfRecord(transaction, request), now));
            return ended;
        }, takesAway: true);
        return await Ended(ca, removed, now);
    }

    /// <summary>Ends a request inside somebody's transaction, in the place of whoever could have, and revokes what was issued under it.</summary>
    public static EndedRequest EndBecause(Transaction transaction, Caller by, AccessRequest request, RequestAction action, string reason, DateTimeOffset now) =>
        End(transaction, by, request, action, action is RequestAction.Deny ? RequestActor.Administrator : RequestActor.Requester, reason, now);

    private static Task<RequestResolved> EndMine(Ca ca, Caller by, RequestAction action, EndMyRequest ask) =>
        End(ca, by, action, RequestActor.Requester, "", transaction => transaction.FindRequest(ask.Id, transaction.ActingUser(by, ask.User).Id));

    private static async Task<RequestResolved> End(
        Ca ca, Caller by, RequestAction action, RequestActor actor, string reason, Func<Transaction, AccessRequest> find)
    {
        var now = ca.Now();
        return await Ended(ca, await ca.Database.Commit(transaction => End(transaction, by, find(transaction), action, actor, reason, now), takesAway: true), now);
    }

    private static EndedRequest End(
        Transaction transaction, Caller by, AccessRequest request, RequestAction action, RequestActor actor, string reason, DateTimeOffset now)
    {
        var step = RequestTransitions.Find(request, action, actor, now).OrRefuse();
        var next = transaction.UpdateRequest(request, Resolving.End(request, step, new RequestResolution(by.Name, now, reason)).OrRefuse());
        var what = $"request.{RequestTransitions.Word(step.To).ToLowerInvariant()}";
        transaction.Audit(Resolved(by, what, next, OfRecord(transaction, request), now));
        transaction.Tell(by, what, next, now);
        return new EndedRequest(next, step.Revokes ? Revocations.Revoke(transaction, by, transaction.LiveCertificates(request, now), reason, now) : []);
    }

    /// <summary>After the commit: wakes who waits, and answers when hosts can know.</summary>
    private static async Task<RequestResolved> Ended(Ca ca, EndedRequest ended, DateTimeOffset now)
    {
        ca.Watch.Changed(ended.Request.Id);
        if (ended.Revoked.Length > 0)
            await ca.Krl.Publish();
        return new RequestResolved(ended.Request.Show(now), ended.Revoked, []);
    }

    /// <summary>What deserves a second look at an approval: what it shortened, and what it opens.</summary>
    public static string[] Warnings(Ca ca, AccessRequest before, AccessRequest request, User requester, IReadOnlyDictionary<string, Role> roles) =>
    [
        .. request.Terms.Shortened.Skip(before.Terms.Shortened.Length),
        .. request.GrantedRoles
            .Select(granted => (granted.Name, Login: roles[granted.Name].Allow.Logins.SelectMany(login => login.Values(requester.Traits)).FirstOrDefault(ca.PrivilegedLogins.Contains)))
            .Where(granted => granted.Login is not null)
            .Select(granted => $"role {granted.Name} grants the login {granted.Login}, which could change roles wherever it enters this daemon's host"),
        .. request.GrantedRoles.SelectMany(granted => RoleInUse.GapsOf(roles[granted.Name], requester).Select(gap => gap.Said(granted.Name, [requester.Name]))),
    ];

    // Ending a request takes nobody's leave, so what the request itself recorded and its user are enough to say that it was one's own.
    private static People OfRecord(Snapshot snapshot, AccessRequest request) =>
        People.Of(snapshot.FindUser(request.UserId) is { } user ? [user] : [], _ => null).And(request);

    /// <summary>The entry of an answer.</summary>
    public static AuditEntry Resolved(Caller by, string what, AccessRequest request, People people, DateTimeOffset now) => Entry(by, what, request, now) with
    {
        Self = Resolving.IsOwn(request, people, by.Answerer) ? true : null,
        Reason = request.Resolution?.Reason,
    };

    /// <summary>The entry of a change of a request.</summary>
    public static AuditEntry Entry(Caller by, string what, AccessRequest request, DateTimeOffset now) => by.Did(what, now) with
    {
        User = request.UserName,
        Request = request.Id.ToString(),
        State = RequestTransitions.Word(request.StoredState),
        Asked = Shown.Names(request.Roles),
        Resources = Shown.Names(request.Resources),
        Granted = Shown.Names(request.GrantedRoles),
    };
}

/// <summary>A request that was ended, and the serials that were revoked with it.</summary>
internal sealed record EndedRequest(AccessRequest Request, string[] Revoked);
