using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;

namespace CertAuthority.Store;

/// <summary>
/// What a change of the policy can take access away from. Each table of resources notes it with every row that it writes or removes, so
/// that no change can forget to. It may name too much, but never too little.
/// </summary>
internal sealed class Touched
{
    private readonly HashSet<Guid> users = [];
    private readonly HashSet<string> roles = new(StringComparer.Ordinal);
    private readonly List<Node> nodes = [];
    private readonly Dictionary<Guid, string?> written = [];
    private readonly List<NodeGroup> groups = [];
    private readonly HashSet<Guid> regrouped = [];

    /// <summary>Whether the access of every user is touched.</summary>
    public bool IsEverybody { get; private set; }

    /// <summary>Whether the access of nobody is touched.</summary>
    public bool IsNobody => !IsEverybody && users.Count == 0 && roles.Count == 0 && nodes.Count == 0 && groups.Count == 0;

    /// <summary>The IDs of users that were changed or removed.</summary>
    public IReadOnlySet<Guid> Users => users;

    /// <summary>The names of roles that were created, changed, removed or locked.</summary>
    public IReadOnlySet<string> Roles => roles;

    /// <summary>The nodes that were changed or removed, as they were before.</summary>
    public IReadOnlyList<Node> Nodes => nodes;

    /// <summary>The groups whose hosts, or whose token, may have changed, as they were before.</summary>
    public IReadOnlyList<NodeGroup> Groups => groups;

    /// <summary>The IDs of groups whose selector is new.</summary>
    public IReadOnlySet<Guid> Regrouped => regrouped;

    /// <summary>The IDs of nodes that were written or removed, each with the name; null for one that was removed.</summary>
    public IReadOnlyDictionary<Guid, string?> NodesWritten => written;

    /// <summary>Whether hosts are in other groups than before, so that their files change.</summary>
    public bool AreGroupsOfHosts { get; private set; }

    /// <summary>Notes that anybody's access can be less than before.</summary>
    public void Everybody() => IsEverybody = true;

    /// <summary>Notes that the access of one user can be less than before.</summary>
    public void User(Guid user) => users.Add(user);

    /// <summary>Notes that the access of everyone who has a role, by assignment or by request, can be less than before.</summary>
    public void Role(string name) => roles.Add(name);

    /// <summary>Notes that the access to one node can be less than before.</summary>
    public void Node(Node before) => nodes.Add(before);

    /// <summary>Notes that a node was written or removed, so that it may be in other groups.</summary>
    public void NodeWritten(Guid node, string? name) => written[node] = name;

    /// <summary>Notes that certificates which name a group can open less than before, or more than they may.</summary>
    public void Group(NodeGroup before)
    {
        groups.Add(before);
        GroupsOfHosts();
    }

    /// <summary>Notes that a group has another selector, or is new.</summary>
    public void Regroup(Guid group)
    {
        regrouped.Add(group);
        GroupsOfHosts();
    }

    /// <summary>Notes that hosts are in other groups than before.</summary>
    public void GroupsOfHosts() => AreGroupsOfHosts = true;
}
