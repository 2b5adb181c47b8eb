using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>What a role would open for somebody who may ask for it.</summary>
/// <param name="Role">Its name.</param>
/// <param name="Nodes">The names of the nodes that it would open, sorted; none of those that the assigned roles open already.</param>
public sealed record Elevation(string Role, ImmutableArray<string> Nodes)
{
    /// <summary>
    /// The roles that a user may ask for, each with what it would open beside his assigned roles. An answer to "where do I get in, and with what": nothing
    /// is granted by it, and the request is judged by rules of its own.
    /// </summary>
    /// <param name="user">Who might ask.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="nodes">The nodes of interest.</param>
    /// <param name="locks">What is locked now: nobody asks for it.</param>
    /// <param name="now">Roles can be over.</param>
    public static ImmutableArray<Elevation> WithinAsking(
        User user, IReadOnlyDictionary<string, Role> roles, IReadOnlyCollection<Node> nodes, LocksInForce locks, DateTimeOffset now)
    {
        if (locks.On(user, user.Roles) is not null)
            return [];
        var assigned = new List<RoleInUse>();
        foreach (var role in Requesting.Assigned(user, roles, now))
            if (RoleInUse.Of(role, user).Holds(out var inUse, out _))
                assigned.Add(inUse);
            else
                // It might deny something, and nobody can say what.
                return [];
        var opened = Opened(assigned, nodes, locks);
        var elevations = ImmutableArray.CreateBuilder<Elevation>();
        foreach (var name in Requesting.Requestable(user, roles, now, locks))
            if (RoleInUse.Of(roles[name].At(now), user).Holds(out var more, out _)
                && Opened([.. assigned, more], nodes, locks).Except(opened) is { IsEmpty: false } gained)
                elevations.Add(new Elevation(name, [.. gained]));
        return elevations.ToImmutable();
    }

    private static ImmutableSortedSet<string> Opened(IReadOnlyCollection<RoleInUse> roles, IReadOnlyCollection<Node> nodes, LocksInForce locks)
    {
        var principals = Principals.Resolve(roles, nodes, locks);
        return (principals.Any(principal => principal.Node is null) ? nodes.Select(node => node.Name) : principals.Select(principal => principal.Node!))
            .ToImmutableSortedSet(StringComparer.Ordinal);
    }
}
