using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Access.Reach;

/// <summary>
/// What roles in use take from each other: a deny counts for all of them. A locked login and a locked node are denied as if every role said
/// so.
/// </summary>
internal sealed class Denials(IReadOnlyCollection<RoleInUse> roles, LocksInForce locks)
{
    /// <summary>The roles that name hosts to deny, whether or not there is such a host today.</summary>
    public IReadOnlyList<RoleInUse> OfHosts { get; } = [.. roles.Where(role => !role.Role.Deny.NodeLabels.IsNone)];

    private readonly ILookup<string, RoleInUse> logins = roles
        .SelectMany(role => role.DeniedLogins.Select(login => (Login: login, Role: role)))
        .ToLookup(denied => denied.Login, denied => denied.Role, StringComparer.Ordinal);

    /// <summary>Whether nobody gets this login.</summary>
    public bool Deny(string login) => logins["*"].Any() || logins[login].Any() || locks.On(LockKind.Login, login) is not null;

    /// <summary>Whether nobody gets a login on this node.</summary>
    public bool Deny(Node node) => OfHosts.Any(role => Deny(role, node)) || locks.On(LockKind.Node, node.Name) is not null;

    /// <summary>Whether a role denies a node.</summary>
    public static bool Deny(RoleInUse role, Node node) => role.Role.Deny.NodeLabels.Matches(node.Labels);

    /// <summary>Why what a role grants is not valid on every host that trusts the CA; null where it is.</summary>
    public string? WhyNotBare(RoleInUse role) =>
        !role.Role.Allow.NodeLabels.IsAll ? "it names its hosts"
        : role.OnlyOn is not null ? "the request names its nodes"
        : OfHosts is [var some, ..] ? $"role {some.Role.Name} denies some"
        : locks.OnNodes ? "a node is locked"
        : null;
}
