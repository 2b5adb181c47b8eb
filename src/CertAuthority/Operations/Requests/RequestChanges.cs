using CertAuthority.Access.Reach;
using CertAuthority.Access.Facts;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A request that was ended, and the serials that were revoked with it.</summary>
internal sealed record EndedRequest(AccessRequest Request, string[] Revoked);

/// <summary>Answers or ends requests in a transaction, with the audit entry of each change.</summary>
internal static class RequestChanges
{
    /// <summary>
    /// Ends a request in an existing transaction, on behalf of anyone who could have ended it, and revokes the certificates issued under
    /// it.
    /// </summary>
    public static EndedRequest EndBecause(
        Transaction transaction, Caller by, AccessRequest request, RequestAction action, string reason, DateTimeOffset now) =>
        End(
            transaction, by, request, action, action is RequestAction.Deny ? RequestActor.Administrator : RequestActor.Requester, reason,
            now);

    /// <summary>Ends a request in a transaction, and revokes the certificates issued under it.</summary>
    public static EndedRequest End(
        Transaction transaction, Caller by, AccessRequest request, RequestAction action, RequestActor actor, string reason,
        DateTimeOffset now)
    {
        var step = RequestTransitions.Find(request, action, actor, now).OrRefuse();
        var next = transaction.UpdateRequest(request, Resolving.End(request, step, new RequestResolution(by.Name, now, reason)).OrRefuse());
        var what = EventOf(step.To);
        transaction.Audit(Resolved(by, what, next, OfRecord(transaction, request), now));
        transaction.Tell(by, what.Name, next, now);
        return new EndedRequest(
            next, step.Revokes ? Revocations.Revoke(transaction, by, transaction.LiveCertificates(request, now), reason, now) : []);
    }

    /// <summary>
    /// Ends every open request of a user who is about to be removed, so that the next user with that name inherits nothing. The review that
    /// follows handles the certificates issued under their regular roles.
    /// </summary>
    public static List<EndedRequest> EndAllOf(Transaction transaction, Caller by, Guid user, string reason, DateTimeOffset now) =>
    [
        .. transaction.OpenRequestsOf(user, now)
            .Select(request => EndBecause(transaction, by, request, RequestAction.Deny, reason, now)),
    ];

    /// <summary>Returns warnings about an approval: what it shortened, and what it opens.</summary>
    public static string[] Warnings(
        Authority ca, AccessRequest before, AccessRequest request, User requester, IReadOnlyDictionary<string, Role> roles) =>
    [
        .. request.Terms.Shortened.Skip(before.Terms.Shortened.Length),
        .. Risk.OfDaemonHost(request.GrantedRoles.Select(granted => roles[granted.Name]), requester, ca.PrivilegedLogins),
        .. request.GrantedRoles.SelectMany(
            granted => RoleInUse.GapsOf(roles[granted.Name], requester).Select(gap => gap.Said(granted.Name, [requester.Name]))),
    ];

    /// <summary>
    /// Finds the users who are the same person as the requester. Ending a request needs no permission from anyone else, so what the request
    /// recorded and its user are enough.
    /// </summary>
    public static People OfRecord(Snapshot snapshot, AccessRequest request) =>
        People.From(snapshot.FindUser(request.UserId) is { } user ? [user] : [], _ => null).And(request);

    /// <summary>Returns the event of a request that has reached a state.</summary>
    public static AuditEvent EventOf(RequestState state) =>
        AuditEvents.Of("request", RequestTransitions.Word(state).ToLowerInvariant());

    /// <summary>Creates the audit entry of an answer.</summary>
    public static AuditEntry Resolved(Caller by, AuditEvent what, AccessRequest request, People people, DateTimeOffset now) =>
        Entry(by, what, request, now) with
        {
            Self = Resolving.IsOwn(request, people, by.Answerer) ? true : null,
            Reason = request.Resolution?.Reason,
        };

    /// <summary>Creates the audit entry of a change of a request.</summary>
    public static AuditEntry Entry(Caller by, AuditEvent what, AccessRequest request, DateTimeOffset now) => by.Did(what, now) with
    {
        User = request.UserName,
        Request = request.Id.ToString(),
        State = RequestTransitions.Word(request.StoredState),
        Asked = Shown.Names(request.Roles),
        Resources = Shown.Names(request.Resources),
        Granted = Shown.Names(request.GrantedRoles),
        ValidBefore = request.StoredState == RequestState.Approved ? request.AccessUntil : null,
        LimitedBy = request.StoredState == RequestState.Approved ? request.Terms.LimitedBy : null,
    };
}
