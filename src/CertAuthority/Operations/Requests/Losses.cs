using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Finds what a review of users would take back, without taking it. It remembers which certificates stay valid, because most of those that
/// a change touches are <see cref="Likeness">alike</see>.
/// </summary>
/// <param name="limits">The limits of the site.</param>
/// <param name="snapshot">The database; it holds the requests and certificates.</param>
/// <param name="policy">The policy that decides; it need not be that of the database.</param>
/// <param name="now">The current time.</param>
internal sealed class Losses(SiteLimits limits, Snapshot snapshot, Policy policy, DateTimeOffset now)
{
    private readonly LocksInForce locks = policy.LocksAt(now);
    private readonly HashSet<Likeness> upheld = [];

    /// <summary>Returns what the review of a user would take back.</summary>
    /// <param name="id">The ID of the user.</param>
    /// <param name="user">The user under the policy that decides; null if they do not exist.</param>
    public Loss Of(Guid id, User? user)
    {
        var (ended, shorter) = (new List<AccessRequest>(), new Dictionary<string, AccessRequest>(StringComparer.Ordinal));
        foreach (var request in snapshot.ApprovedRequestsOf(id, now))
            switch (Withdrawal.OfApproval(request, user, policy.Roles, limits, now))
            {
                case ({ }, _):
                    ended.Add(request);
                    break;
                case (_, { } less):
                    shorter[request.Id.ToString()] = less;
                    break;
            }
        foreach (var request in snapshot.PendingRequestsOf(id, now).Where(request => Withdrawals.WaitsTooLong(request, limits)))
            shorter[request.Id.ToString()] = request with { PendingUntil = request.Created + limits.PendingRequest };
        return new Loss(ended, [.. shorter.Values], Revoked(id, user, ended, shorter));
    }

    private List<LiveCertificate> Revoked(Guid id, User? user, List<AccessRequest> ended, Dictionary<string, AccessRequest> shorter)
    {
        // A request that ends takes its certificates with it.
        var over = ended.Select(request => request.Id.ToString()).ToHashSet(StringComparer.Ordinal);
        var holder = user is null || policy.EveryNode.HaveEnds ? null : Likeness.HolderOf(user, policy.Roles, locks);
        return snapshot.CertificatesToReview(id, now).FindAll(certificate =>
        {
            if (holder is null || certificate.UsesRequests || !user!.IsOwnedBy(certificate.Caller))
                return IsLost(certificate);
            var lasts = certificate.ValidBefore - certificate.Issued;
            var likeness = new Likeness(holder, certificate.Principals, certificate.Permissions, lasts);
            if (upheld.Contains(likeness))
                return false;
            if (IsLost(certificate))
                return true;
            upheld.Add(likeness);
            return false;
        });

        bool IsLost(LiveCertificate certificate)
        {
            var (issued, requests) = certificate.Read();
            return requests.Any(over.Contains)
                || Withdrawals.Reason(
                    limits, policy, locks, user, issued, requests,
                    request => shorter.GetValueOrDefault(request) ?? snapshot.FindRequest(Guid.Parse(request))) is not null;
        }
    }
}

/// <summary>What a review of a user takes back.</summary>
/// <param name="Ended">The requests that end.</param>
/// <param name="Shortened">The requests that end earlier, as they are then.</param>
/// <param name="Revoked">The certificates that are revoked.</param>
internal sealed record Loss(List<AccessRequest> Ended, List<AccessRequest> Shortened, List<LiveCertificate> Revoked)
{
    public bool IsNothing => Ended.Count == 0 && Shortened.Count == 0 && Revoked.Count == 0;
}
