using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Takes back what a policy change no longer permits. It runs at the end of the transaction that makes the change, so that no login falls
/// in between.
/// </summary>
internal static class Withdrawals
{
    /// <inheritdoc cref="Review(SiteLimits, Transaction, Caller, DateTimeOffset, IReadOnlyList{EndedRequest})"/>
    public static Withdrawn Review(
        Authority ca, Transaction transaction, Caller by, DateTimeOffset now, params IReadOnlyList<EndedRequest> endedBefore) =>
        Review(ca.Limits, transaction, by, now, endedBefore);

    /// <summary>
    /// Ends the approved requests whose granted roles changed, shortens what lasts longer than the current policy would grant, and revokes
    /// every live certificate that it would not issue. The rules are the same as for a login. The result includes what the change itself
    /// has ended.
    /// </summary>
    public static Withdrawn Review(
        SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now, IReadOnlyList<EndedRequest> endedBefore)
    {
        var (ended, shortened) = ReviewRequests(limits, transaction, by, now);
        ended.InsertRange(0, endedBefore);
        var revoked = new List<string>(ended.SelectMany(one => one.Revoked));
        revoked.AddRange(RevokeExceeding(limits, transaction, by, now));
        return new Withdrawn([.. ended.Select(one => one.Request.Id)], [.. revoked]) { Shortened = shortened };
    }

    /// <summary>
    /// Ends and shortens the requests that last longer than the limits would grant, and revokes the certificates issued under them. Nothing
    /// else can have changed, so nothing else is checked.
    /// </summary>
    public static Withdrawn ReviewLimits(SiteLimits limits, Transaction transaction, DateTimeOffset now)
    {
        var (ended, shortened) = ReviewRequests(limits, transaction, Caller.Daemon, now);
        var revoked = ended.SelectMany(one => one.Revoked)
            .Concat(shortened.IsEmpty ? [] : RevokeExceeding(limits, transaction, Caller.Daemon, now));
        return new Withdrawn([.. ended.Select(one => one.Request.Id)], [.. revoked]) { Shortened = shortened };
    }

    private static (List<EndedRequest> Ended, ImmutableArray<AccessRequest> Shortened) ReviewRequests(
        SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now)
    {
        var roles = transaction.Policy().Roles;
        var (ended, shortened) = (new List<EndedRequest>(), ImmutableArray.CreateBuilder<AccessRequest>());
        foreach (var request in transaction.ApprovedRequests(now))
        {
            if (RequestUse.FirstChanged(request.GrantedRoles, roles) is { } changed)
                ended.Add(
                    RequestChanges.EndBecause(
                        transaction, by, request, RequestAction.Deny, $"the role {changed.Name} changed after this approval; ask again",
                        now));
            else if (transaction.FindUser(request.UserId) is { } user && AccessWindow.Again(request, user, roles, limits) is var again
                && again.AccessUntil < request.AccessUntil)
                if (again.AccessUntil <= now || again.AccessUntil <= request.Terms.AssumeFrom)
                    ended.Add(RequestChanges.EndBecause(
                        transaction, by, request, RequestAction.Deny,
                        $"the access lasts {Durations.Show(again.Terms.Lasts)} now, limited by {again.Terms.LimitedBy}, and is over; ask again", now));
                else
                    shortened.Add(
                        Shorten(transaction, by, request, transaction.UpdateRequest(request, again), again.Terms.Shortened[^1], now));
        }
        foreach (var request in transaction.PendingRequests(now)
            .Where(request => request.PendingUntil > request.Created + limits.PendingRequest))
            shortened.Add(Shorten(
                transaction, by, request, transaction.EndWaiting(request, request.Created + limits.PendingRequest),
                $"it waits {Durations.Show(limits.PendingRequest)} for an answer, limited by the site's maximum", now));
        return (ended, shortened.ToImmutable());
    }

    private static AccessRequest Shorten(
        Transaction transaction, Caller by, AccessRequest before, AccessRequest request, string why, DateTimeOffset now)
    {
        var (old, changed) = before.PendingUntil == request.PendingUntil
            ? (before.AccessUntil, request.AccessUntil)
            : (before.PendingUntil, request.PendingUntil);
        transaction.Audit(RequestChanges.Entry(by, "request.shortened", request, now) with
        {
            Reason = why,
            Changes = [
                new(
                    before.PendingUntil == request.PendingUntil ? "spec.access_expires" : "spec.expires", Instants.Show(old),
                    Instants.Show(changed))],
        });
        return request;
    }

    private static List<string> RevokeExceeding(SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now)
    {
        var policy = transaction.Policy();
        var locks = policy.LocksAt(now);
        var users = new Dictionary<Guid, User?>();
        var revoked = new List<string>();
        foreach (var certificate in transaction.LiveCertificates(now))
        {
            if (!users.TryGetValue(certificate.UserId, out var user))
                users[certificate.UserId] = user = transaction.FindUser(certificate.UserId);
            ImmutableArray<AccessRequest> requests = [
                .. certificate.Requests.Select(id => transaction.FindRequest(Guid.Parse(id))).OfType<AccessRequest>()];
            var issued = new IssuedCertificate(
                certificate.Caller, certificate.Issued, certificate.ValidBefore, certificate.Principals, certificate.Permissions);
            if (Withdrawal.Reason(issued, user, requests, policy.Roles, policy.Nodes, locks, limits) is { } why)
                revoked.AddRange(Revocations.Revoke(transaction, by, [certificate], why, now));
        }
        return revoked;
    }

    /// <summary>
    /// Runs after the commit: wakes callers that wait for a request that ended or was shortened, and returns when the revocation list is
    /// published.
    /// </summary>
    public static async Task Publish(Authority ca, Withdrawn withdrawn)
    {
        foreach (var request in withdrawn.Ended.Concat(withdrawn.Shortened.Select(request => request.Id)))
            ca.Watch.Changed(request);
        if (withdrawn.Revoked.Length > 0)
            await ca.Krl.Publish();
    }
}

/// <summary>What was taken back.</summary>
/// <param name="Ended">The requests that ended.</param>
/// <param name="Revoked">The serials of the revoked certificates.</param>
internal sealed record Withdrawn(ImmutableArray<Guid> Ended, ImmutableArray<string> Revoked)
{
    /// <summary>The result when nothing was taken back.</summary>
    public static readonly Withdrawn Nothing = new([], []);

    /// <summary>The requests that now end earlier, in their current state.</summary>
    public ImmutableArray<AccessRequest> Shortened { get; init; } = [];

    /// <summary>Converts the result to the reply for the administrator.</summary>
    public AppliedResources Show(IEnumerable<string> done, IEnumerable<string> warnings) =>
        new([.. done], [.. warnings, .. Shortened.Select(Warning)], [.. Revoked], [.. Ended.Select(id => id.ToString())]);

    private static string Warning(AccessRequest request) => request.StoredState == RequestState.Approved
        ? $"the access of {request.UserName} under request {request.Id} ends earlier, {Instants.Show(request.AccessUntil)}, limited by {request.Terms.LimitedBy}"
        : $"the request {request.Id} of {request.UserName} waits for an answer until {Instants.Show(request.PendingUntil)} only, limited by the site's maximum";
}
