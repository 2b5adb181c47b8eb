using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Takes back what a policy change no longer permits. It runs at the end of the transaction that makes the change. If the change touches
/// more than one transaction should hold, that transaction only records that a withdrawal is owed, and <see cref="OwedWithdrawals"/>
/// finishes it before the call is answered.
/// </summary>
internal static class Withdrawals
{
    /// <inheritdoc cref="Review(SiteLimits, Transaction, Caller, DateTimeOffset, IReadOnlyList{EndedRequest}, int)"/>
    public static Withdrawn Review(
        Authority ca, Transaction transaction, Caller by, DateTimeOffset now, params IReadOnlyList<EndedRequest> endedBefore) =>
        Review(ca.Limits, transaction, by, now, endedBefore, ca.ReviewedAtOnce);

    /// <summary>
    /// Reviews everyone whose access the transaction touched: ends the approved requests whose granted roles changed, shortens what lasts
    /// longer than the current policy would grant, and revokes every live certificate that it would not issue. The rules are the same as
    /// for a login.
    /// </summary>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="transaction">The transaction that made the change.</param>
    /// <param name="by">Who made it.</param>
    /// <param name="now">The current time.</param>
    /// <param name="endedBefore">What the change itself has ended; the result includes it.</param>
    /// <param name="atOnce">How many users, and how many certificates, this transaction may review; more are owed.</param>
    public static Withdrawn Review(
        SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now, IReadOnlyList<EndedRequest> endedBefore,
        int atOnce)
    {
        transaction.FollowGroups();
        // A clock that was set back makes certificates live again that were over at an earlier change, and not reviewed.
        if (!transaction.NoteReview(now))
            transaction.Touched.Everybody();
        return ReviewTouched(limits, transaction, by, now, endedBefore, atOnce);
    }

    /// <summary>
    /// Reviews like <see cref="Review(SiteLimits, Transaction, Caller, DateTimeOffset, IReadOnlyList{EndedRequest}, int)"/>, without a
    /// change of the policy.
    /// </summary>
    public static Withdrawn ReviewTouched(
        SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now, IReadOnlyList<EndedRequest> endedBefore, int atOnce)
    {
        var touched = transaction.Touched;
        var withdrawn = Withdrawn.Of(endedBefore) with { AreGroupsOfHosts = touched.AreGroupsOfHosts };
        if (touched.IsNobody)
            return withdrawn;
        if (touched.IsEverybody && transaction.CountLive(now) > atOnce)
            return withdrawn with { Owed = Owe(transaction, null, now) };
        IReadOnlyCollection<Guid> users = touched.IsEverybody
            ? transaction.UsersWithAccess(now)
            : transaction.UsersTouchedBy(touched, now);
        return users.Count > atOnce || users.Sum(user => transaction.CountLive(user, now)) > atOnce
            ? withdrawn with { Owed = Owe(transaction, users, now) }
            : withdrawn.And(Review(limits, transaction, by, now, users));
    }

    /// <summary>Touches everyone who has requests, or certificates, that last longer than the limits of the site would grant.</summary>
    public static void TouchByLimits(SiteLimits limits, Transaction transaction, DateTimeOffset now)
    {
        if (transaction.HasCertificatesLongerThan(limits.Certificate, now))
            transaction.Touched.Everybody();
        var roles = transaction.Policy().Roles;
        foreach (var request in transaction.ApprovedRequests(now))
            if (Withdrawal.OfApproval(request, transaction.FindUser(request.UserId), roles, limits, now) is not (null, null))
                transaction.Touched.User(request.UserId);
        foreach (var request in transaction.PendingRequests(now).Where(request => WaitsTooLong(request, limits)))
            transaction.Touched.User(request.UserId);
    }

    private static OwedWithdrawal Owe(Transaction transaction, IReadOnlyCollection<Guid>? users, DateTimeOffset now)
    {
        var row = Guid.NewGuid();
        transaction.OweWithdrawal(row, now);
        return new OwedWithdrawal([row], users);
    }

    /// <summary>Reviews some users in a transaction.</summary>
    public static Withdrawn Review(
        SiteLimits limits, Transaction transaction, Caller by, DateTimeOffset now, IEnumerable<Guid> users)
    {
        var policy = transaction.Policy();
        var locks = policy.LocksAt(now);
        var (ended, shortened, revoked) = (new List<EndedRequest>(), new List<AccessRequest>(), new List<string>());
        foreach (var id in users)
        {
            var user = transaction.FindUser(id);
            foreach (var request in transaction.ApprovedRequestsOf(id, now))
            {
                var (over, shorter) = Withdrawal.OfApproval(request, user, policy.Roles, limits, now);
                if (over is not null)
                    ended.Add(RequestChanges.EndBecause(transaction, by, request, RequestAction.Deny, over, now));
                else if (shorter is not null)
                    shortened.Add(Shorten(
                        transaction, by, request, transaction.UpdateRequest(request, shorter), shorter.Terms.Shortened[^1], now));
            }
            foreach (var request in transaction.PendingRequestsOf(id, now).Where(request => WaitsTooLong(request, limits)))
                shortened.Add(Shorten(
                    transaction, by, request, transaction.EndWaiting(request, request.Created + limits.PendingRequest),
                    $"it waits {Durations.Show(limits.PendingRequest)} for an answer, limited by the site's maximum", now));
            foreach (var certificate in transaction.LiveCertificates(id, now))
                if (Reason(limits, policy, locks, user, certificate, one => transaction.FindRequest(Guid.Parse(one))) is { } why)
                    revoked.AddRange(Revocations.Revoke(transaction, by, [certificate], why, now));
        }
        return Withdrawn.Of(ended).And(new Withdrawn([], [.. revoked]) { Shortened = [.. shortened] });
    }

    internal static bool WaitsTooLong(AccessRequest request, SiteLimits limits) =>
        request.PendingUntil > request.Created + limits.PendingRequest;

    private static AccessRequest Shorten(
        Transaction transaction, Caller by, AccessRequest before, AccessRequest request, string why, DateTimeOffset now)
    {
        var (old, changed) = before.PendingUntil == request.PendingUntil
            ? (before.AccessUntil, request.AccessUntil)
            : (before.PendingUntil, request.PendingUntil);
        transaction.Audit(RequestChanges.Entry(by, AuditEvents.RequestShortened, request, now) with
        {
            Reason = why,
            Changes = [
                new(
                    before.PendingUntil == request.PendingUntil ? "spec.access_expires" : "spec.expires", Instants.Show(old),
                    Instants.Show(changed))],
        });
        return request;
    }

    private static string? Reason(
        SiteLimits limits, Policy policy, LocksInForce locks, User? user, RecordedCertificate certificate,
        Func<string, AccessRequest?> find)
    {
        var issued = new IssuedCertificate(
            certificate.Caller, certificate.Issued, certificate.ValidBefore, certificate.Principals, certificate.Permissions);
        return Reason(limits, policy, locks, user, issued, certificate.Requests, find);
    }

    /// <summary>Asks a policy why it would not issue a certificate; see <see cref="Withdrawal.Reason"/>.</summary>
    internal static string? Reason(
        SiteLimits limits, Policy policy, LocksInForce locks, User? user, IssuedCertificate issued, IEnumerable<string> requests,
        Func<string, AccessRequest?> find) =>
        Withdrawal.Reason(
            issued, user, [.. requests.Select(find).OfType<AccessRequest>()], policy.Roles, policy.Nodes, locks, limits, policy.Ways,
            policy.Groups);
}
