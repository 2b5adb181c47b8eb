using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Requests;

/// <summary>What a role would open for somebody who may ask for it.</summary>
/// <param name="Role">Its name.</param>
/// <param name="Nodes">The names of the nodes that it would open, sorted.</param>
public sealed record Elevation(string Role, ImmutableArray<string> Nodes)
{
    /// <summary>
    /// The roles that a user may ask for and does not hold, each with the nodes that it would open by its own logins, beside their assigned
    /// roles and what these
    /// deny. Nothing is granted by it: the request is judged by rules of its own.
    /// </summary>
    /// <param name="user">Who might ask.</param>
    /// <param name="kind">In what kind of request.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="nodes">The nodes of interest.</param>
    /// <param name="locks">What is locked now: nobody asks for it.</param>
    /// <param name="now">Roles can be over.</param>
    /// <param name="login">Counts a node only if this login is opened there; null for any.</param>
    public static ImmutableArray<Elevation> WithinAsking(
        User user, RequestKind kind, IReadOnlyDictionary<string, Role> roles, IReadOnlyCollection<Node> nodes, LocksInForce locks,
        DateTimeOffset now, string? login = null)
    {
        var ids = nodes.Select(node => node.Id).ToImmutableHashSet();
        return
        [
            .. RequestRights.Requestable(user, roles, now, locks, kind).Except(user.Roles, StringComparer.Ordinal)
                .Select(name => new Elevation(name, Opened(user, [name], roles, nodes, ids, locks, now, login)))
                .Where(elevation => !elevation.Nodes.IsEmpty),
        ];
    }

    /// <summary>
    /// The names of the nodes that roles would open together, sorted; none where one of them, or of the assigned ones, cannot be used.
    /// </summary>
    /// <param name="user">Who would use them.</param>
    /// <param name="names">Their names; each exists.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="nodes">The nodes of interest.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="now">Roles can be over.</param>
    internal static ImmutableArray<string> Opened(
        User user, IEnumerable<string> names, IReadOnlyDictionary<string, Role> roles, IReadOnlyCollection<Node> nodes, LocksInForce locks,
        DateTimeOffset now) =>
        Opened(user, names, roles, nodes, [.. nodes.Select(node => node.Id)], locks, now);

    private static ImmutableArray<string> Opened(
        User user, IEnumerable<string> names, IReadOnlyDictionary<string, Role> roles, IReadOnlyCollection<Node> nodes,
        ImmutableHashSet<Guid> ids, LocksInForce locks, DateTimeOffset now, string? login = null)
    {
        if (locks.On(user, user.Roles) is not null)
            return [];
        // The assigned ones are asked for what they deny, and not for what they open.
        var inUse = new List<RoleInUse>();
        foreach (var (role, onlyOn) in user.AssignedAt(now, roles).Select(role => (role, (ImmutableHashSet<Guid>)[]))
                     .Concat(names.Select(name => (roles[name].At(now), ids))))
            // One that cannot be used might deny something, and nobody can say what.
            if (!RoleInUse.FillIn(role, user).Holds(out var one, out _))
                return [];
            else
                inUse.Add(one with { OnlyOn = onlyOn });
        return [
            .. Principals.Resolve(inUse, nodes, locks).Where(principal => login is null || principal.Login == login)
                .Select(principal => principal.Node!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }
}
