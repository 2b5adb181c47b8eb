using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Issuance;

/// <summary>One way into a node.</summary>
/// <param name="User">Who.</param>
/// <param name="Role">By which role.</param>
/// <param name="Login">As whom; null where the role would have to be requested first.</param>
public readonly record struct WayIn(string User, string Role, string? Login);

/// <summary>Who can enter a node. Asked before a host is enrolled, because from then on nothing but a certificate opens it.</summary>
public static class NodeAccess
{
    /// <summary>Every way into one node: by the roles that users hold, then by those that they can request.</summary>
    /// <param name="node">The node, as it is or as it would be.</param>
    /// <param name="users">Everybody who could log in.</param>
    /// <param name="ask">What a login of a user depends on, with this node as the only one.</param>
    public static IEnumerable<WayIn> Into(Node node, IEnumerable<User> users, Func<User, IssuanceQuestion> ask)
    {
        var asked = users.Select(user => ask(user)).ToList();
        return asked.SelectMany(question => Held(node, question)).Concat(asked.SelectMany(question => Requestable(node, question)));
    }

    private static IEnumerable<WayIn> Held(Node node, IssuanceQuestion question)
    {
        var logins = Logins(node, question).ToHashSet(StringComparer.Ordinal);
        // What a role opens alone, as far as all of them together do: another can deny it.
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
