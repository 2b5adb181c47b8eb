using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// One principal of a certificate. A bare one is valid on <b>every</b> host that trusts the CA, and one with a node only on that host,
/// because each host lists <c>login</c>, <c>login@itself</c> and <c>login@=token</c> for its groups, and nothing else.
/// </summary>
/// <remarks>
/// A login can contain a domain: <c>adam@corp.example.com</c>. Such a login is never bare, because the same text means the login
/// <c>adam</c> on a node called <c>corp.example.com</c>. With its node it is <c>adam@corp.example.com@db1</c>, and the last <c>@</c>
/// separates the two, because neither a node nor a domain contains one. docs/decisions/0008 explains why this is sound.
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

    /// <summary>
    /// The name of the only node where the principal is valid; null for all hosts. For the hosts of a group it is <c>=</c> and the token of
    /// the group, which names no node, because names of nodes contain no <c>=</c>.
    /// </summary>
    public string? Node { get; }

    /// <summary>Whether it opens no login, but lets its holder pass a jump host.</summary>
    public bool IsJump => Login == Names.JumpLogin;

    /// <summary>The token of the group on whose hosts it is valid; null for other principals.</summary>
    public string? Group => Node is ['=', .. var token] ? token : null;

    /// <summary>Returns the principal as the certificate contains it. No other code writes the <c>@</c>.</summary>
    public override string ToString() => Node is null ? Login : $"{Login}@{Node}";

    /// <summary>Whether it opens a login on a node.</summary>
    public bool Opens(string login, string node) => Login == login && (Node is null || Node == node);
}

/// <summary>The first part of the issuance policy: which logins, on which hosts.</summary>
public static class Principals
{
    /// <summary>The number of principals that sshd accepts in one certificate (<c>SSHKEY_CERT_MAX_PRINCIPALS</c>).</summary>
    public const int Max = 256;

    /// <summary>
    /// The most bytes that all principals and options of a certificate may take, including their lengths. With the largest key, the
    /// certificate then stays below 8 KB.
    /// </summary>
    public const int MaxBytes = 5120;

    /// <summary>Reads a principal from the text in a certificate.</summary>
    /// <param name="text">The text that <see cref="Principal.ToString"/> writes.</param>
    public static Principal Parse(string text) =>
        text.LastIndexOf('@') is var at and >= 0 ? new(text[..at], text[(at + 1)..]) : new(text, null);

    /// <summary>
    /// Returns the principals that open a login on one node, as principals of that node only; empty if there is no such node.
    /// </summary>
    public static ImmutableArray<Principal> On(string node, ImmutableArray<Principal> principals, NodeSet nodes) =>
        nodes.Named(node) is not null
            ? [
                .. principals.Where(principal => principal.Node is null || principal.Node == node)
                    .Select(principal => new Principal(principal.Login, node))]
            : [];

    /// <summary>Returns a login on the hosts of a group. <see cref="GroupPrincipals"/> says when it opens nothing more.</summary>
    internal static Principal On(NodeGroup group, string login) => new(login, $"={group.Token}");

    /// <summary>Returns a login on one host, as <see cref="Resolve"/> writes it.</summary>
    internal static Principal On(Node node, string login) => new(login, node.Name);

    /// <summary>Returns a login on one host, for a proof. No role grants it.</summary>
    internal static Principal ForProof(string login, string node) => new(login, node);

    /// <summary>
    /// Returns the principals for passing the jump hosts on the ways to what some of the roles in use open. A denied or locked jump host
    /// closes every way through it.
    /// </summary>
    /// <param name="roles">The reach of each of these roles.</param>
    /// <param name="denials">The denials of all roles in use.</param>
    /// <param name="nodes">Every node that exists.</param>
    /// <param name="only">The only node to find ways to; null for all.</param>
    /// <param name="until">The end of the certificate: a node that ends earlier needs a certificate of its own, also for the way.</param>
    internal static ImmutableArray<Principal> Jumps(
        IEnumerable<RoleReach> roles, Denials denials, NodeSet nodes, string? only, DateTimeOffset until)
    {
        var behind = roles.SelectMany(role => role.Nodes.Where(
                node => node.Via is not null && (only is null || node.Name == only) && !(node.Expires < until)
                    && role.Logins.Any(node.CanHave)))
            .DistinctBy(node => node.Via).ToList();
        if (behind.Count == 0 || denials.Deny(Names.JumpLogin))
            return [];
        var ways = new Ways(nodes);
        return
        [
            .. behind.Select(ways.To).Where(way => way is { } hosts && !hosts.Any(denials.Deny)).SelectMany(way => way!.Value)
                .Select(jump => jump.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(jump => new Principal(Names.JumpLogin, jump)),
        ];
    }

    /// <summary>Returns what the roles grant together on the existing nodes, in order: bare logins first.</summary>
    /// <remarks>
    /// Each role pairs its own logins with its own hosts. Denied logins and denied hosts are removed from all roles, independently of each
    /// other. A bare login needs a role for all hosts, and no role in use with deny.node_labels: even labels that match no host today
    /// count, because the certificate outlives today's inventory. A login with a domain is never bare, and is valid on the hosts of that
    /// domain. A locked login or node counts as if every role denied it.
    /// </remarks>
    public static ImmutableArray<Principal> Resolve(
        IReadOnlyCollection<RoleInUse> roles, NodeSet nodes, LocksInForce locks) =>
        Of(new Reached(roles, new Denials(roles, locks), nodes).Roles);

    /// <summary>Returns the principals of some of the roles in use, after the denials of all of them.</summary>
    /// <param name="roles">The reach of each of these roles.</param>
    internal static ImmutableArray<Principal> Of(IEnumerable<RoleReach> roles)
    {
        var some = roles.ToList();
        var bare = new SortedSet<string>(
            some.Where(role => role.IsBare).SelectMany(role => role.Logins).Where(login => Names.DomainOf(login) is null),
            StringComparer.Ordinal);
        var scoped = new SortedSet<(string Login, string Node)>();
        foreach (var role in some)
            // If the bare login is granted, the principal of one host adds nothing.
            foreach (var login in role.Logins.Where(login => !bare.Contains(login)))
                foreach (var node in role.Nodes)
                    if (node.CanHave(login))
                        scoped.Add((login, node.Name));
        return
        [
            .. bare.Select(login => new Principal(login, null)),
            .. scoped.Select(pair => new Principal(pair.Login, pair.Node)),
        ];
    }
}
