using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>A certificate that is out, as far as taking it back depends on it.</summary>
/// <param name="Caller">The account that logged in.</param>
/// <param name="Issued">The instant of issue.</param>
/// <param name="ValidBefore">Its end.</param>
/// <param name="Principals">What it opens, as written in it.</param>
/// <param name="Permissions">What it permits, and under which conditions.</param>
public sealed record IssuedCertificate(
    UnixIdentity Caller, DateTimeOffset Issued, DateTimeOffset ValidBefore, ImmutableArray<string> Principals, SessionPermissions Permissions);

/// <summary>Whether a certificate may stay out when the policy has changed under it.</summary>
public static class Withdrawal
{
    /// <summary>
    /// Asks the policy of today about the instant of issue: null while it would still grant every principal, every
    /// permission and every second under the same conditions, else what it grants no more. A grant beyond what one certificate holds is no reason: nothing was taken away.
    /// </summary>
    /// <param name="issued">The certificate.</param>
    /// <param name="user">Its user as he is now; null when he is gone.</param>
    /// <param name="requests">The requests it draws on, as they are now.</param>
    /// <param name="roles">Every role that exists now.</param>
    /// <param name="nodes">Every node that exists now.</param>
    /// <param name="locks">What is locked now, not at the instant of issue: a lock revokes what was granted before it.</param>
    /// <param name="limits">The bounds of the site.</param>
    public static string? Reason(
        IssuedCertificate issued,
        User? user,
        ImmutableArray<AccessRequest> requests,
        IReadOnlyDictionary<string, Role> roles,
        IReadOnlyCollection<Node> nodes,
        LocksInForce locks,
        SiteLimits limits)
    {
        if (user is null)
            return "the user is gone";
        if (!user.IsOwnedBy(issued.Caller))
            return $"{issued.Caller.Account ?? $"uid {issued.Caller.Uid}"} may not act as this user any more";
        // Without a wish: what --ttl shortened is within whatever is granted.
        var question = new IssuanceQuestion(issued.Issued, user, requests, roles, nodes, Wish: null, LiveCertificates: 0, limits)
        {
            Locks = locks,
            // Where verification is asked for now, only what has it in writing may stay.
            IsSecurityKey = issued.Permissions.VerifyRequired,
        };
        if (!IssuancePolicy.Allow(question).Holds(out var granted, out var refusal))
            return refusal.Message;
        // login@node is covered by the bare login, which opens that node too.
        var (covered, bare) = (granted.Principals.ToHashSet(), granted.Principals.Where(principal => principal.Node is null).Select(principal => principal.Login).ToHashSet(StringComparer.Ordinal));
        foreach (var lost in issued.Principals.Select(Principals.Parse).Where(principal => !covered.Contains(principal) && !bare.Contains(principal.Login)))
            return locks.On(lost.Login, lost.Node)?.Refusal.Message ?? $"{lost} is not granted any more";
        if (granted.Permissions.Exceeded(issued.Permissions) is { } exceeded)
            return exceeded;
        return issued.ValidBefore > granted.Validity.Before ? $"{granted.Validity.LimitedBy} grants less time" : null;
    }
}
