using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Access.Reach;

/// <summary>
/// The denials of the roles in use, which apply to all of these roles. A locked login or node counts as if every role denied it.
/// </summary>
internal sealed class Denials(IReadOnlyCollection<RoleInUse> roles, LocksInForce locks)
{
    /// <summary>The roles that deny hosts, even if no such host exists today.</summary>
    public ImmutableArray<RoleInUse> OfHosts { get; } = [.. roles.Where(role => !role.Role.Deny.NodeLabels.IsNone)];

    private readonly ILookup<string, RoleInUse> logins = roles
        .SelectMany(role => role.DeniedLogins.Select(login => (Login: login, Role: role)))
        .ToLookup(denied => denied.Login, denied => denied.Role, StringComparer.Ordinal);

    /// <summary>Whether this login is denied to everyone.</summary>
    public bool Deny(string login) => logins["*"].Any() || logins[login].Any() || locks.On(LockKind.Login, login) is not null;

    /// <summary>Whether every login on this node is denied.</summary>
    public bool Deny(Node node)
    {
        foreach (var role in OfHosts)
            if (Deny(role, node))
                return true;
        return locks.On(LockKind.Node, node.Name) is not null;
    }

    /// <summary>Returns why this login is denied to everyone; null if it is not.</summary>
    public string? Why(string login) =>
        locks.On(LockKind.Login, login)?.Refusal.Message
        ?? (logins["*"].Concat(logins[login]).FirstOrDefault() is { } by ? $"role {by.Role.Name} denies {login}" : null);

    /// <summary>Returns why every login on this node is denied; null if that is not so.</summary>
    public string? Why(Node node) =>
        locks.On(LockKind.Node, node.Name)?.Refusal.Message
        ?? (OfHosts.FirstOrDefault(role => Deny(role, node)) is { } by ? $"role {by.Role.Name} denies {node.Name}" : null);

    /// <summary>Whether a role denies a node.</summary>
    public static bool Deny(RoleInUse role, Node node) => role.Role.Deny.NodeLabels.Matches(node.Labels);

    /// <summary>
    /// Whether some host of a group is denied. Then no login of the group is granted as one, because it would open that host too.
    /// </summary>
    public bool DenySome(GroupMembers group) =>
        OfHosts.Any(role => group.HasAny(role.Role.Deny.NodeLabels))
        || locks.All.Any(one => one.Target.Kind == LockKind.Node && group.Nodes.ContainsKey(one.Target.Name));

    /// <summary>Returns why the logins of a role are not valid on every host that trusts the CA; null if they are.</summary>
    public string? WhyNotBare(RoleInUse role) =>
        !role.Role.Allow.NodeLabels.IsAll ? "it names its hosts"
        : role.OnlyOn is not null ? "the request names its nodes"
        : OfHosts is [var some, ..] ? $"role {some.Role.Name} denies some"
        : locks.OnNodes ? "a node is locked"
        : null;
}
