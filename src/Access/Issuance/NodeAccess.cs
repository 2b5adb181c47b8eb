using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Issuance;

/// <summary>One way to log in to a node.</summary>
/// <param name="User">The name of the user.</param>
/// <param name="Role">The name of the role that allows it.</param>
/// <param name="Login">The login; null if the role would have to be requested first.</param>
public readonly record struct WayIn(string User, string Role, string? Login);

/// <summary>
/// Finds who can log in to a node. This is checked before a host is enrolled, because afterwards only certificates open it.
/// </summary>
public static class NodeAccess
{
    /// <summary>Returns every way into one node: first by roles that users hold, then by roles that they can request.</summary>
    /// <param name="node">The node, existing or planned.</param>
    /// <param name="users">Every user who could log in.</param>
    /// <param name="ask">Returns what a login of a user depends on, with this node as the only one.</param>
    public static IEnumerable<WayIn> Into(Node node, IEnumerable<User> users, Func<User, IssuanceQuestion> ask)
    {
        var asked = users.Select(user => ask(user)).ToList();
        return asked.SelectMany(question => Held(node, question)).Concat(asked.SelectMany(question => Requestable(node, question)));
    }

    private static IEnumerable<WayIn> Held(Node node, IssuanceQuestion question)
    {
        var logins = Logins(node, question).ToHashSet(StringComparer.Ordinal);
        // What a role opens alone, limited to what all roles open together, because another role can deny it.
        return logins.Count == 0 ? [] : question.User.Roles.SelectMany(role =>
            Logins(node, question with { User = question.User with { Roles = [role] } }).Where(logins.Contains)
                .Select(login => new WayIn(question.User.Name, role, login)));
    }

    private static IEnumerable<WayIn> Requestable(Node node, IssuanceQuestion question) =>
        Elevation.WithinAsking(question.User, RequestKind.Roles, question.Roles, [node], question.Locks, question.Now)
            .Concat(Elevation.WithinAsking(question.User, RequestKind.Resources, question.Roles, [node], question.Locks, question.Now))
            .Select(elevation => new WayIn(question.User.Name, elevation.Role, null))
            .Distinct();

    private static IEnumerable<string> Logins(Node node, IssuanceQuestion question) =>
        IssuancePolicy.Reach(question).Holds(out var reach, out _)
            ? reach.Nodes.Where(reached => reached.Node.Name == node.Name).SelectMany(reached => reached.Logins)
            : [];
}
