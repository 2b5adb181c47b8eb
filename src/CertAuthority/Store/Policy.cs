using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;

namespace CertAuthority.Store;

/// <summary>
/// All roles, nodes, groups and locks of one generation. A node that cannot be read is left out, so that the other nodes still get their
/// revocation list. A role or a lock that cannot be read may be one that denies, so nothing is decided until it can be read.
/// </summary>
/// <param name="generation">The number of the generation, which is never used again.</param>
/// <param name="roles">The readable roles.</param>
/// <param name="nodes">The readable nodes.</param>
/// <param name="groups">The readable groups of nodes.</param>
/// <param name="locks">The readable locks.</param>
/// <param name="fault">The fault of the first unreadable role or lock; null if all can be read.</param>
/// <param name="lacksNodes">Whether a node cannot be read.</param>
internal sealed class Policy(
    string generation, ImmutableSortedDictionary<string, Role> roles, ImmutableSortedDictionary<string, Node> nodes,
    ImmutableSortedDictionary<string, GroupMembers> groups, ImmutableSortedDictionary<string, AccessLock> locks, StoreException? fault,
    bool lacksNodes = false)
{
    private readonly Lazy<HashSet<string>> loginDomains =
        new(() => nodes.Values.Select(node => node.LoginDomain).OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase));

    private readonly Lazy<Ways> ways = new(() => new Ways(nodes.Values));

    private readonly Lazy<NodeSet> everyNode = new(() => [.. nodes.Values]);

    public string Generation => generation;

    /// <summary>Whether every role and every lock can be read.</summary>
    public bool IsWhole => fault is null;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, Role> Roles => Whole(roles);

    public ImmutableSortedDictionary<string, Node> Nodes => nodes;

    /// <summary>Returns the node with this name, alone; empty if there is none.</summary>
    public ImmutableArray<Node> OnlyNode(string name) => nodes.TryGetValue(name, out var node) ? [node] : [];

    /// <summary>Returns the node with this name and the jump hosts on the way to it; empty if there is none.</summary>
    public ImmutableArray<Node> NodeAndWay(string name) =>
        nodes.TryGetValue(name, out var node) ? [node, .. Ways.To(node) ?? []] : [];

    /// <summary>The ways to nodes that are reached through others.</summary>
    public Ways Ways => ways.Value;

    /// <summary>All readable nodes, by name. A question about one node needs only <see cref="OnlyNode"/>.</summary>
    public NodeSet EveryNode => everyNode.Value;

    /// <summary>All readable groups of nodes.</summary>
    public ImmutableArray<GroupMembers> DeclaredGroups { get; } = [.. groups.Values];

    /// <summary>
    /// The groups that certificates may name; none while a node cannot be read, because it may be one of a group, and denied.
    /// </summary>
    public ImmutableArray<GroupMembers> Groups => lacksNodes ? [] : DeclaredGroups;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, AccessLock> Locks => Whole(locks);

    /// <summary>Returns the locks in force at an instant. They end with time alone, without another change.</summary>
    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public LocksInForce LocksAt(DateTimeOffset now) => LocksInForce.At(Locks.Values, now);

    /// <summary>The login domains of all nodes; two that differ only in case are one.</summary>
    public IReadOnlySet<string> LoginDomains => loginDomains.Value;

    /// <summary>Returns the policy of the next generation, in which one role was stored or removed.</summary>
    /// <param name="next">The number of that generation.</param>
    /// <param name="name">The name of the role.</param>
    /// <param name="role">The role as the table reads it; null if it was removed.</param>
    public Policy With(string next, string name, Role? role) =>
        new(next, Changed(roles, name, role), nodes, groups, locks, fault, lacksNodes);

    /// <inheritdoc cref="With(string, string, Role)"/>
    public Policy With(string next, string name, Node? node)
    {
        var (before, changed) = (nodes.GetValueOrDefault(name), Changed(nodes, name, node));
        return new(next, roles, changed, Following(before, node, changed.Values), locks, fault, lacksNodes);
    }

    /// <inheritdoc cref="With(string, string, Role)"/>
    public Policy With(string next, string name, NodeGroup? group) =>
        new(
            next, roles, nodes, Changed(groups, name, group is null ? null : new GroupMembers(group, nodes.Values)), locks, fault,
            lacksNodes);

    /// <inheritdoc cref="With(string, string, Role)"/>
    public Policy With(string next, string name, AccessLock? one) =>
        new(next, roles, nodes, groups, Changed(locks, name, one), fault, lacksNodes);

    // A group that the node is not in, before or after, has the same members as before.
    private ImmutableSortedDictionary<string, GroupMembers> Following(Node? before, Node? after, IEnumerable<Node> all) =>
        groups.SetItems(
            groups.Where(
                    one => (before is not null && one.Value.Group.Has(before)) || (after is not null && one.Value.Group.Has(after)))
                .Select(one => KeyValuePair.Create(one.Key, new GroupMembers(one.Value.Group, all))));

    private static ImmutableSortedDictionary<string, T> Changed<T>(ImmutableSortedDictionary<string, T> table, string name, T? one)
        where T : class =>
        one is null ? table.Remove(name) : table.SetItem(name, one);

    private T Whole<T>(T table) => fault is null ? table : throw new StoreException(fault.Message, fault);
}

/// <summary>
/// Caches the last generation that was read. A generation number is never used twice, so a cached one can be outdated but not wrong. The
/// writer has a cache of its own, so that readers of an older generation do not replace the policy that a transaction works on.
/// </summary>
internal sealed class PolicyCache
{
    public volatile Policy? Latest;
}
