using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>A certificate that is out, as far as taking it back depends on it.</summary>
/// <param name="Caller">The account that logged in.</param>
/// <param name="Issued">The instant of issue.</param>
/// <param name="ValidBefore">Its end.</param>
/// <param name="Principals">What it opens, as written in it.</param>
/// <param name="Permissions">What it permits, and under which conditions.</param>
public sealed record IssuedCertificate(
    UnixIdentity Caller, DateTimeOffset Issued, DateTimeOffset ValidBefore, ImmutableArray<string> Principals,
    SessionPermissions Permissions);

/// <summary>Whether a certificate may stay out when the policy has changed under it.</summary>
public static class Withdrawal
{
    /// <summary>
    /// Asks the policy of today about the instant of issue: null while it would still grant every principal, every
    /// permission and every second under the same conditions, else what it grants no more. A grant beyond what one certificate holds is no
    /// reason: nothing was taken away.
    /// </summary>
    /// <param name="issued">The certificate.</param>
    /// <param name="user">Its user as they are now; null when they are gone.</param>
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
        // Without a wish: what a requested ttl shortened is within whatever is granted.
        var question = new IssuanceQuestion(issued.Issued, user, requests, roles, nodes, RequestedTtl: null, LiveSessions: 0, limits)
        {
            Locks = locks,
            // Whether the certificate has in writing what a role demands is compared below, login by login.
            IsSecurityKey = true,
        };
        if (!IssuancePolicy.Allow(question).Holds(out var granted, out var refusal))
            return refusal.Message;
        foreach (var principal in issued.Principals.Select(Principals.Parse))
        {
            // login@node is covered by the bare login, which opens that node too.
            var opening = granted.Grants.Where(
                grant => grant.Principals.Any(one => one == principal || (one.Node is null && one.Login == principal.Login))).ToList();
            if (opening.Count == 0)
                return locks.On(principal.Login, principal.Node)?.Refusal.Message ?? $"{principal} is not granted any more";
            // One grant that still opens the login under no more conditions suffices.
            var exceeded = opening.ConvertAll(grant => grant.Permissions.Exceeded(issued.Permissions)
                ?? (issued.ValidBefore > grant.Validity.Before ? $"{grant.Validity.LimitedBy} grants less time" : null));
            if (exceeded.TrueForAll(why => why is not null))
                return exceeded[0];
        }
        return null;
    }
}
