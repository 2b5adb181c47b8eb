using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>An issued certificate, reduced to what a revocation depends on.</summary>
/// <param name="Caller">The account that logged in.</param>
/// <param name="Issued">The time of issue.</param>
/// <param name="ValidBefore">When the certificate expires.</param>
/// <param name="Principals">The principals, as written in the certificate.</param>
/// <param name="Permissions">The permissions and conditions in the certificate.</param>
public sealed record IssuedCertificate(
    UnixIdentity Caller, DateTimeOffset Issued, DateTimeOffset ValidBefore, ImmutableArray<string> Principals,
    SessionPermissions Permissions);

/// <summary>Decides whether a certificate or an approval stays valid after the policy has changed.</summary>
public static class Withdrawal
{
    /// <summary>
    /// Asks today's policy about an approved request. Returns why its access ends now, or null and the request with an earlier end, or null
    /// twice if nothing changes.
    /// </summary>
    /// <param name="request">The approved request.</param>
    /// <param name="user">Its user as they are now; null if they no longer exist, in which case the removal has ended the request.</param>
    /// <param name="roles">Every role that exists now.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="now">The instant of the change.</param>
    public static (string? Over, AccessRequest? Shorter) OfApproval(
        AccessRequest request, User? user, IReadOnlyDictionary<string, Role> roles, SiteLimits limits, DateTimeOffset now)
    {
        if (RequestUse.FirstChanged(request.GrantedRoles, roles) is { } changed)
            return ($"the role {changed.Name} changed after this approval; ask again", null);
        var again = user is null ? request : AccessWindow.Again(request, user, roles, limits);
        if (again.AccessUntil >= request.AccessUntil)
            return (null, null);
        return again.AccessUntil <= now || again.AccessUntil <= request.Terms.AssumeFrom
            ? ($"the access lasts {Durations.Show(again.Terms.Lasts)} now, limited by {again.Terms.LimitedBy}, and is over; ask again", null)
            : (null, again);
    }

    /// <summary>
    /// Asks today's policy about the time of issue. Returns null if it would still grant every principal, every permission and every second
    /// under the same conditions, and otherwise what it no longer grants. A grant that is larger than one certificate can hold is no reason
    /// to revoke, because nothing was taken away.
    /// </summary>
    /// <param name="issued">The certificate.</param>
    /// <param name="user">The user as they are now; null if they no longer exist.</param>
    /// <param name="requests">The requests that the certificate uses, as they are now.</param>
    /// <param name="roles">Every role that exists now.</param>
    /// <param name="nodes">Every node that exists now, by name; only those that the certificate names matter.</param>
    /// <param name="locks">What is locked now, not at the time of issue: a lock revokes what was granted before it.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="ways">The ways among the nodes; null to find them.</param>
    /// <param name="groups">Every group that exists now; empty for none.</param>
    public static string? Reason(
        IssuedCertificate issued,
        User? user,
        ImmutableArray<AccessRequest> requests,
        IReadOnlyDictionary<string, Role> roles,
        IReadOnlyDictionary<string, Node> nodes,
        LocksInForce locks,
        SiteLimits limits,
        Ways? ways = null,
        params ImmutableArray<GroupMembers> groups)
    {
        if (user is null)
            return "the user is gone";
        if (!user.IsOwnedBy(issued.Caller))
            return $"{issued.Caller.Account ?? $"uid {issued.Caller.Uid}"} may not act as this user any more";
        // No lifetime is requested here: a certificate shortened by a requested TTL is within whatever is granted.
        ImmutableArray<Principal> principals = [.. issued.Principals.Select(Principals.Parse)];
        var question = new IssuanceQuestion(
            issued.Issued, user, requests, roles, [.. Concerned(principals, nodes, ways)], RequestedTtl: null, LiveSessions: 0, limits)
        {
            Locks = locks,
            // The comparison below checks, login by login, whether the certificate contains the conditions that a role requires.
            IsSecurityKey = true,
            // Of hundreds of groups, a certificate names a few; the others have no say in it.
            Groups = [.. groups.Where(group => issued.Principals.Any(one => one.EndsWith(group.Group.Token, StringComparison.Ordinal)))],
            LastsUntil = issued.ValidBefore,
        };
        if (!IssuancePolicy.AllowAnything(question).Holds(out var granted, out var refusal))
            return refusal.Message;
        foreach (var principal in principals)
        {
            // The bare login covers login@node, because it opens that node too.
            var opening = (principal.IsJump ? granted.Jumps : granted.Grants).Where(
                grant => grant.ByGroup.Contains(principal)
                    || grant.Principals.Any(one => one == principal || (one.Node is null && one.Login == principal.Login))).ToList();
            if (opening.Count == 0)
                return locks.On(principal.Login, principal.Node)?.Refusal.Message
                    ?? (principal.Group is { } token && !groups.Any(group => group.Group.Token == token)
                        ? $"a host left the group of {principal}, or the group changed; log in again" : null)
                    ?? granted.Missing.FirstOrDefault(missing => missing.Principals.Contains(principal))?.Why.Message
                    ?? $"{principal} is not granted any more";
            // It suffices if one grant still opens the login under no more conditions.
            var exceeded = opening.ConvertAll(grant => grant.Permissions.Exceeded(issued.Permissions)
                ?? (issued.ValidBefore > grant.Validity.Before ? $"{grant.Validity.LimitedBy} grants less time" : null)
                ?? Outlived(issued, principal, grant, question.Nodes));
            if (exceeded.TrueForAll(why => why is not null))
                return exceeded[0];
        }
        return null;
    }

    /// <summary>
    /// Returns why a certificate lasts too long for a node that it names; null if it does not, or if a bare login covers the node.
    /// </summary>
    private static string? Outlived(IssuedCertificate issued, Principal principal, IssuanceGrant grant, NodeSet nodes) =>
        principal.Node is not null && nodes.Named(principal.Node) is { } node && node.Expires < issued.ValidBefore
            && !grant.Principals.Any(one => one.Node is null && one.Login == principal.Login)
            ? $"{Lifetime.EndOf(node)} grants less time"
            : null;

    /// <summary>
    /// Selects the nodes on which a certificate depends: those that it names, and for one that passes jump hosts those behind them.
    /// </summary>
    private static IEnumerable<Node> Concerned(
        ImmutableArray<Principal> principals, IReadOnlyDictionary<string, Node> nodes, Ways? ways)
    {
        var named = Named(principals, nodes);
        if (!principals.Any(principal => principal.IsJump))
            return named;
        ways ??= new Ways(nodes.Values);
        return named.SelectMany(node => ways.Behind(node.Name).AddRange(ways.To(node) ?? []).Add(node)).DistinctBy(node => node.Name);
    }

    /// <summary>
    /// Selects the nodes that a certificate names. No other node has a say in it: a login on one node depends on that node alone, a bare
    /// login on none, and a login on the hosts of a group on the group, which knows its members.
    /// </summary>
    private static IEnumerable<Node> Named(ImmutableArray<Principal> principals, IReadOnlyDictionary<string, Node> nodes)
    {
        foreach (var name in principals.Select(principal => principal.Node).OfType<string>().Distinct(StringComparer.Ordinal))
            if (nodes.TryGetValue(name, out var node))
                yield return node;
    }
}
