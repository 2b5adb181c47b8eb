using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// One principal of a certificate. Bare, it is valid on <b>every</b> host that trusts the CA; with a node, on that host only,
/// because each host lists <c>login</c> and <c>login@itself</c> and nothing else.
/// </summary>
/// <remarks>
/// A login can carry a domain: <c>adam@corp.example.com</c>. It is never bare, for as text that is the login <c>adam</c> on a node
/// called <c>corp.example.com</c>. With its node it is <c>adam@corp.example.com@db1</c>, and the last <c>@</c> parts the two: neither
/// a node nor a domain has one. docs/decisions/0008 says why that is sound.
/// </remarks>
public readonly record struct Principal
{
    internal Principal(string login, string? node)
    {
        if (node is null && Names.DomainOf(login) is not null)
            throw new ArgumentException("a login with a domain is granted on single hosts only", nameof(node));
        (Login, Node) = (login, node);
    }

    /// <summary>The Unix login.</summary>
    public string Login { get; }

    /// <summary>The name of the only node where it counts; null for all hosts.</summary>
    public string? Node { get; }

    /// <summary>As it stands in the certificate. The only place that writes <c>@</c>.</summary>
    public override string ToString() => Node is null ? Login : $"{Login}@{Node}";

    /// <summary>Whether it opens a login on a node.</summary>
    public bool Opens(string login, string node) => Login == login && (Node is null || Node == node);
}

/// <summary>The first part of the issuance policy: which logins, on which hosts.</summary>
public static class Principals
{
    /// <summary>sshd reads no more from one certificate (<c>SSHKEY_CERT_MAX_PRINCIPALS</c>).</summary>
    public const int Max = 256;

    /// <summary>
    /// What all principals and options of a certificate take at most, in bytes with their lengths: with the largest key it stays below 8 KB
    /// then.
    /// </summary>
    public const int MaxBytes = 5120;

    /// <summary>Takes apart what stands in a certificate.</summary>
    /// <param name="text">As <see cref="Principal.ToString"/> writes it.</param>
    public static Principal Parse(string text) =>
        text.LastIndexOf('@') is var at and >= 0 ? new(text[..at], text[(at + 1)..]) : new(text, null);

    /// <summary>
    /// What of these principals opens a login on one node, as principals of that node only; none when there is no such node.
    /// </summary>
    public static ImmutableArray<Principal> On(string node, ImmutableArray<Principal> principals, IReadOnlyCollection<Node> nodes) =>
        nodes.Any(one => one.Name == node)
            ? [
                .. principals.Where(principal => principal.Node is null || principal.Node == node)
                    .Select(principal => new Principal(principal.Login, node))]
            : [];

    /// <summary>A login on one host, for a proof: no role stands behind it.</summary>
    internal static Principal ForProof(string login, string node) => new(login, node);

    /// <summary>What the roles grant together on the nodes that exist, in order: bare logins first.</summary>
    /// <remarks>
    /// Each role pairs its own logins with its own hosts. Denied logins and denied hosts are taken away across all roles,
    /// independently of each other. A bare login needs a role for all hosts and no deny.node_labels in use: even one that
    /// matches no host today, for the certificate outlives today's inventory. A login with a domain is never bare, and counts on
    /// the hosts of that domain. A locked login and a locked node are denied
    /// as if every role said so.
    /// </remarks>
    public static ImmutableArray<Principal> Resolve(
        IReadOnlyCollection<RoleInUse> roles, IReadOnlyCollection<Node> nodes, LocksInForce locks) =>
        Of(new Reached(roles, new Denials(roles, locks), nodes).Roles);

    /// <summary>The principals of some of the roles in use, under what all of them deny.</summary>
    /// <param name="roles">What each of these roles reaches.</param>
    internal static ImmutableArray<Principal> Of(IEnumerable<RoleReach> roles)
    {
        var bare = new SortedSet<string>(StringComparer.Ordinal);
        var scoped = new SortedSet<(string Login, string Node)>();
        foreach (var role in roles)
        {
            if (role.IsBare)
                bare.UnionWith(role.Logins.Where(login => Names.DomainOf(login) is null));
            // Those that are bare already are left out at the end.
            foreach (var node in role.Nodes)
                scoped.UnionWith(role.Logins.Where(node.CanHave).Select(login => (login, node.Name)));
        }
        return
        [
            .. bare.Select(login => new Principal(login, null)),
            // Where the bare login is granted, the host's own adds nothing.
            .. scoped.Where(pair => !bare.Contains(pair.Login)).Select(pair => new Principal(pair.Login, pair.Node)),
        ];
    }
}
