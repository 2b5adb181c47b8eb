using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Requests;

/// <summary>What a role would open for a user who may request it.</summary>
/// <param name="Role">Its name.</param>
/// <param name="Principals">What it would open: each login on each node.</param>
public sealed record Elevation(string Role, ImmutableArray<Principal> Principals)
{
    /// <summary>The names of the nodes that it would open, sorted.</summary>
    public ImmutableArray<string> Nodes { get; } = Names(Principals);

    /// <summary>
    /// Returns the roles that a user may request and does not hold, each with the nodes that its own logins would open in addition to the
    /// assigned roles and after their denials. This grants nothing: the request is decided by rules of its own.
    /// </summary>
    /// <param name="user">The user who might request.</param>
    /// <param name="kind">The kind of request.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="nodes">The nodes of interest.</param>
    /// <param name="locks">What is locked now: locked roles and nodes cannot be requested.</param>
    /// <param name="now">The instant at which the roles are evaluated; expired roles grant nothing.</param>
    /// <param name="login">Counts a node only if this login would be opened there; null for any.</param>
    /// <param name="among">The only roles of interest, such as those that select one of the nodes; null for all.</param>
    public static ImmutableArray<Elevation> WithinAsking(
        User user, RequestKind kind, IReadOnlyDictionary<string, Role> roles, NodeSet nodes, LocksInForce locks,
        DateTimeOffset now, string? login = null, IEnumerable<Role>? among = null)
    {
        var ids = nodes.Select(node => node.Id).ToImmutableHashSet();
        return
        [
            .. RequestRights.Requestable(user, roles, now, locks, kind, among).Except(user.Roles, StringComparer.Ordinal)
                .Select(name => new Elevation(name, Opened(user, [name], roles, nodes, ids, locks, now, login)))
                .Where(elevation => !elevation.Nodes.IsEmpty),
        ];
    }

    /// <summary>
    /// Returns the roles that a user may request and does not hold, each with the logins that it would make valid on every host that trusts
    /// the CA, enrolled or not.
    /// </summary>
    /// <inheritdoc cref="WithinAsking"/>
    public static ImmutableArray<Elevation> Everywhere(
        User user, IReadOnlyDictionary<string, Role> roles, LocksInForce locks, DateTimeOffset now, string? login = null,
        IEnumerable<Role>? among = null) =>
    [
        .. RequestRights.Requestable(user, roles, now, locks, RequestKind.Roles, among).Except(user.Roles, StringComparer.Ordinal)
            .Select(name => new Elevation(name, Opened(user, [name], roles, [], onlyOn: null, locks, now, login)))
            .Where(elevation => !elevation.Principals.IsEmpty),
    ];

    /// <summary>
    /// Returns the names of the nodes that roles would open together, sorted; empty if one of them, or one of the assigned roles, cannot be
    /// used.
    /// </summary>
    /// <param name="user">The user who would use them.</param>
    /// <param name="names">The names of the roles; each exists.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="nodes">The nodes of interest.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="now">The instant at which the roles are evaluated; expired roles grant nothing.</param>
    internal static ImmutableArray<string> Opened(
        User user, IEnumerable<string> names, IReadOnlyDictionary<string, Role> roles, NodeSet nodes, LocksInForce locks,
        DateTimeOffset now) =>
        Names(Opened(user, names, roles, nodes, [.. nodes.Select(node => node.Id)], locks, now));

    private static ImmutableArray<string> Names(ImmutableArray<Principal> principals) =>
        [.. principals.Select(principal => principal.Node).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static ImmutableArray<Principal> Opened(
        User user, IEnumerable<string> names, IReadOnlyDictionary<string, Role> roles, NodeSet nodes,
        ImmutableHashSet<Guid>? onlyOn, LocksInForce locks, DateTimeOffset now, string? login = null)
    {
        if (locks.On(user, user.Roles) is not null)
            return [];
        // The assigned roles count for what they deny, not for what they open.
        var inUse = new List<RoleInUse>();
        foreach (var (role, counts) in user.AssignedAt(now, roles).Select(role => (role, (ImmutableHashSet<Guid>?)[]))
                     .Concat(names.Select(name => (roles[name].At(now), onlyOn))))
            // A role that cannot be used might deny something unknown.
            if (!RoleInUse.FillIn(role, user).Holds(out var one, out _))
                return [];
            else
                inUse.Add(one with { OnlyOn = counts });
        return
        [
            .. Reach.Principals.Resolve(inUse, nodes.Standing(now), locks)
                .Where(principal => login is null || principal.Login == login),
        ];
    }
}
