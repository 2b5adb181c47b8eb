using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Answering requests, and ending them.</summary>
internal static class Resolutions
{
    public static async Task<RequestResolved> Approve(Ca ca, Administrator by, ResolveRequest ask)
    {
        var now = ca.Now();
        var approved = await ca.Database.Commit(transaction =>
        {
            var request = transaction.FindRequest(ask.Id, null);
            var requester = transaction.FindUser(request.UserId);
            var resolution = new RequestResolution(by.Caller.Name, now, ask.Reason);
            var next = transaction.UpdateRequest(
                request, Resolving.Approve(request, requester, by.Answerer, transaction.Policy().Roles, resolution).OrRefuse(ProblemCode.Conflict));
            transaction.Audit(Resolved(by.Caller, "request.approved", next, requester, now));
            return next;
        });
        ca.Watch.Changed(approved.Id);
        return new RequestResolved(approved.Show(now), []);
    }

    public static Task<RequestResolved> Deny(Ca ca, Administrator by, ResolveRequest ask) =>
        End(ca, by.Caller, RequestAction.Deny, RequestActor.Administrator, ask.Reason, transaction => transaction.FindRequest(ask.Id, null));

    public static Task<RequestResolved> Cancel(Ca ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Cancel, ask);

    public static Task<RequestResolved> Drop(Ca ca, Caller by, EndMyRequest ask) => EndMine(ca, by, RequestAction.Drop, ask);

    private static Task<RequestResolved> EndMine(Ca ca, Caller by, RequestAction action, EndMyRequest ask) =>
        End(ca, by, action, RequestActor.Requester, "", transaction => transaction.FindRequest(ask.Id, transaction.ActingUser(by, ask.User).Id));

    /// <summary>Ends a request, and with it everything that was issued under it, before the caller is answered.</summary>
    private static async Task<RequestResolved> End(
        Ca ca, Caller by, RequestAction action, RequestActor actor, string reason, Func<Transaction, AccessRequest> find)
    {
        var now = ca.Now();
        var (ended, revoked) = await ca.Database.Commit(transaction =>
        {
            var request = find(transaction);
            var step = RequestTransitions.Find(request, action, actor, now).OrRefuse(ProblemCode.Conflict);
            var next = transaction.UpdateRequest(request, Resolving.End(request, step, new RequestResolution(by.Name, now, reason)).OrRefuse(ProblemCode.Invalid));
            transaction.Audit(Resolved(by, $"request.{RequestTransitions.Word(step.To).ToLowerInvariant()}", next, transaction.FindUser(request.UserId), now));
            return (next, step.Revokes ? Revocations.Revoke(transaction, by, transaction.LiveCertificates(request, now), now) : []);
        });
        ca.Watch.Changed(ended.Id);
        if (revoked.Length > 0)
            await ca.Krl.Publish();
        return new RequestResolved(ended.Show(now), revoked);
    }

    private static AuditEntry Resolved(Caller by, string what, AccessRequest request, User? requester, DateTimeOffset now) => by.Did(what, now) with
    {
        Self = Resolving.IsOwn(request, requester, by.Identity) ? true : null,
        User = request.UserName,
        Request = request.Id.ToString(),
        State = RequestTransitions.Word(request.StoredState),
        Asked = Shown.Names(request.Roles),
        Granted = Shown.Names(request.GrantedRoles),
        Reason = request.Resolution?.Reason,
    };
}
