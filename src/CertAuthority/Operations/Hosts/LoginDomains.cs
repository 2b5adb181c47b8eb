using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Checks nodes, roles and locks against each other, so that a login with a domain has one meaning. <c>adam@corp.example.com</c> is an
/// account on the hosts of that domain; the same text is the principal of the login <c>adam</c> on a node of that name, so no such node may
/// exist.
/// </summary>
internal static class LoginDomains
{
    /// <summary>Rejects a node whose name is the login domain of another node, or the reverse.</summary>
    /// <param name="snapshot">The database, with the node already stored.</param>
    /// <param name="node">The node that was created or changed.</param>
    /// <exception cref="ProblemException">There is such a pair.</exception>
    public static void Expect(Snapshot snapshot, Node node)
    {
        var policy = snapshot.Policy();
        // A file can have thousands of nodes, and hardly any has such a pair, so the pairs are looked for only if there is one.
        if (!policy.LoginDomains.Contains(node.Name)
            && (node.LoginDomain is not { } domain || !policy.Nodes.ContainsKey(domain.ToLowerInvariant())))
            return;
        foreach (var other in policy.Nodes.Values)
            foreach (var (joined, named) in ((Node, Node)[])[(node, other), (other, node)])
                if (string.Equals(joined.LoginDomain, named.Name, StringComparison.OrdinalIgnoreCase))
                    throw new ProblemException(new Problem(
                        ProblemCode.Conflict,
                        $"no node can be called {named.Name} while it is the login_domain of node {joined.Name}: a login on the one would open accounts on the other",
                        "give the node another name; users can go on typing the name of its address"));
    }

    /// <summary>
    /// Rejects a role that denies a login on no host, because its author believes that it is denied; warns about logins that it grants on
    /// no host.
    /// </summary>
    /// <param name="snapshot">The database, with everything in the file already stored.</param>
    /// <param name="role">The role that was created or changed.</param>
    /// <exception cref="ProblemException">The role denies a login of a domain that no node has.</exception>
    public static IEnumerable<string> Warnings(Snapshot snapshot, Role role)
    {
        if (Unknown(snapshot, role.Deny).FirstOrDefault() is { } denied)
            throw Problems.Invalid(
                $"role '{role.Name}' denies {denied}, and no node has the login_domain {Names.DomainOf(denied)}", Meaning(denied));
        return [
            .. Unknown(snapshot, role.Allow)
                .Select(
                    granted =>
                        $"role '{role.Name}' grants {granted}, which opens nothing until a node has the login_domain {Names.DomainOf(granted)}")];
    }

    /// <summary>Rejects a lock on a login that no host can have.</summary>
    /// <param name="snapshot">The database, with everything in the file already stored.</param>
    /// <param name="target">The login to lock.</param>
    /// <exception cref="ProblemException">No node has the login's domain.</exception>
    public static void Expect(Snapshot snapshot, LockTarget target)
    {
        if (target.Kind == LockKind.Login && !Exists(snapshot, target.Name))
            throw Problems.Invalid(
                $"no node has the login_domain {Names.DomainOf(target.Name)}, so there is no login {target.Name} to lock",
                Meaning(target.Name));
    }

    private static IEnumerable<string> Unknown(Snapshot snapshot, RoleConditions side) =>
        side.Logins.Where(login => login.IsLiteral).Select(login => login.Text).Where(login => !Exists(snapshot, login));

    private static bool Exists(Snapshot snapshot, string login) =>
        Names.DomainOf(login) is not { } domain
        || (snapshot.Policy() is var policy && policy.LoginDomains.Contains(domain)
            && policy.Nodes.Values.Any(node => node.CanHave(login)));

    private static string Meaning(string login) =>
        $"a login {login.Split('@')[0]} of one node cannot be named; name the login {login.Split('@')[0]}, or the node";
}
