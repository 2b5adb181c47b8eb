using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A request that was ended, and the serials that were revoked with it.</summary>
internal sealed record EndedRequest(AccessRequest Request, string[] Revoked);

/// <summary>What an answer or an end makes of a request inside a transaction, with its entry in the audit.</summary>
internal static class RequestChanges
{
    /// <summary>
    /// Ends a request inside somebody's transaction, in the place of whoever could have, and revokes what was issued under it.
    /// </summary>
    public static EndedRequest EndBecause(
        Transaction transaction, Caller by, AccessRequest request, RequestAction action, string reason, DateTimeOffset now) =>
        End(
            transaction, by, request, action, action is RequestAction.Deny ? RequestActor.Administrator : RequestActor.Requester, reason,
            now);

    /// <summary>Ends a request inside a transaction, and revokes what was issued under it.</summary>
    public static EndedRequest End(
        Transaction transaction, Caller by, AccessRequest request, RequestAction action, RequestActor actor, string reason,
        DateTimeOffset now)
    {
        var step = RequestTransitions.Find(request, action, actor, now).OrRefuse();
        var next = transaction.UpdateRequest(request, Resolving.End(request, step, new RequestResolution(by.Name, now, reason)).OrRefuse());
        var what = $"request.{RequestTransitions.Word(step.To).ToLowerInvariant()}";
        transaction.Audit(Resolved(by, what, next, OfRecord(transaction, request), now));
        transaction.Tell(by, what, next, now);
        return new EndedRequest(
            next, step.Revokes ? Revocations.Revoke(transaction, by, transaction.LiveCertificates(request, now), reason, now) : []);
    }

    /// <summary>
    /// Ends every open request of a user who is about to be removed: whoever comes under the name next inherits nothing. What was issued
    /// under their regular roles is for the review that follows.
    /// </summary>
    public static List<EndedRequest> EndAllOf(Transaction transaction, Caller by, Guid user, string reason, DateTimeOffset now) =>
    [
        .. transaction.RequestsOf(user).Where(request => request.StateAt(now) is RequestState.Pending or RequestState.Approved)
            .Select(request => EndBecause(transaction, by, request, RequestAction.Deny, reason, now)),
    ];

    /// <summary>What deserves a second look at an approval: what it shortened, and what it opens.</summary>
    public static string[] Warnings(
        Authority ca, AccessRequest before, AccessRequest request, User requester, IReadOnlyDictionary<string, Role> roles) =>
    [
        .. request.Terms.Shortened.Skip(before.Terms.Shortened.Length),
        .. request.GrantedRoles
            .Select(
                granted => (granted.Name,
                    Login: roles[granted.Name].Allow.Logins.SelectMany(login => login.Values(requester.Traits))
                        .FirstOrDefault(ca.PrivilegedLogins.Contains)))
            .Where(granted => granted.Login is not null)
            .Select(
                granted => $"role {granted.Name} grants {granted.Login}; on the daemon's own host that is full control of CertAuthority"),
        .. request.GrantedRoles.SelectMany(
            granted => RoleInUse.GapsOf(roles[granted.Name], requester).Select(gap => gap.Said(granted.Name, [requester.Name]))),
    ];

    /// <summary>
    /// Who is one person with its requester. Ending a request takes nobody's leave, so what the request itself recorded and its user are
    /// enough.
    /// </summary>
    public static People OfRecord(Snapshot snapshot, AccessRequest request) =>
        People.From(snapshot.FindUser(request.UserId) is { } user ? [user] : [], _ => null).And(request);

    /// <summary>The entry of an answer.</summary>
    public static AuditEntry Resolved(Caller by, string what, AccessRequest request, People people, DateTimeOffset now) =>
        Entry(by, what, request, now) with
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
