using System.Collections.Immutable;
using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What a change of policy takes back. Runs at the end of the transaction that changes it, so that no login falls in between.</summary>
internal static class Withdrawals
{
    /// <summary>
    /// Ends the approved requests whose granted roles changed, and revokes every live certificate that the policy as it is
    /// now would not issue. Both are judged by the same rules as a login. What the change itself has ended is counted in.
    /// </summary>
    public static Withdrawn Review(Ca ca, Transaction transaction, Caller by, DateTimeOffset now, params IReadOnlyList<EndedRequest> endedBefore)
    {
        var policy = transaction.Policy();
        var locks = policy.LocksAt(now);
        var ended = new List<EndedRequest>(endedBefore);
        ended.AddRange(transaction.ApprovedRequests(now)
            .Select(request => (Request: request, Changed: RequestUse.FirstChanged(request.GrantedRoles, policy.Roles)))
            .Where(request => request.Changed is not null)
            .Select(request => Resolutions.EndBecause(
                transaction, by, request.Request, RequestAction.Deny, $"the role {request.Changed!.Name} changed after this approval; ask again", now)));

        var nodes = policy.Nodes.Values.ToList();
        var users = new Dictionary<Guid, User?>();
        var revoked = new List<string>(ended.SelectMany(one => one.Revoked));
        foreach (var certificate in transaction.LiveCertificates(now))
        {
            if (!users.TryGetValue(certificate.UserId, out var user))
                users[certificate.UserId] = user = transaction.FindUser(certificate.UserId);
            ImmutableArray<AccessRequest> requests = [.. certificate.Requests.Select(id => transaction.FindRequest(Guid.Parse(id))).OfType<AccessRequest>()];
            var issued = new IssuedCertificate(certificate.Caller, certificate.Issued, certificate.ValidBefore, certificate.Principals, certificate.Permissions);
            if (Withdrawal.Reason(issued, user, requests, policy.Roles, nodes, locks, ca.Limits) is { } why)
                revoked.AddRange(Revocations.Revoke(transaction, by, [certificate], why, now));
        }
        return new Withdrawn([.. ended.Select(one => one.Request.Id)], [.. revoked]);
    }

    /// <summary>After the commit: wakes who waits for an ended request, and returns when hosts can know.</summary>
    public static async Task Publish(Ca ca, Withdrawn withdrawn)
    {
        foreach (var request in withdrawn.Ended)
            ca.Watch.Changed(request);
        if (withdrawn.Revoked.Length > 0)
            await ca.Krl.Publish();
    }
}

/// <summary>What was taken back.</summary>
/// <param name="Ended">Requests.</param>
/// <param name="Revoked">Serials of certificates.</param>
internal sealed record Withdrawn(ImmutableArray<Guid> Ended, ImmutableArray<string> Revoked)
{
    /// <summary>Nothing was.</summary>
    public static readonly Withdrawn Nothing = new([], []);

    /// <summary>As the administrator is told.</summary>
    public AppliedResources Show(IEnumerable<string> done, IEnumerable<string> warnings) =>
        new([.. done], [.. warnings], [.. Revoked], [.. Ended.Select(id => id.ToString())]);
}
