using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;

namespace CertAuthority.Store;

/// <summary>The table of which hosts are in which groups, and of what they were seen to accept.</summary>
internal static class NodeGroupTable
{
    /// <summary>Replaces the members of a group. None of them was seen to accept its token.</summary>
    public static void SetMembers(this Transaction transaction, NodeGroup group, IEnumerable<Node> members)
    {
        transaction.Execute("DELETE FROM node_group_members WHERE group_id = $1", group.Id);
        foreach (var node in members)
            transaction.AddMember(group, node.Id);
    }

    public static void AddMember(this Transaction transaction, NodeGroup group, Guid node) =>
        transaction.Execute("INSERT INTO node_group_members (group_id, node_id) VALUES ($1, $2)", group.Id, node);

    public static void RemoveMember(this Transaction transaction, NodeGroup group, Guid node) =>
        transaction.Execute("DELETE FROM node_group_members WHERE group_id = $1 AND node_id = $2", group.Id, node);

    /// <summary>Returns the IDs of the members of a group.</summary>
    public static HashSet<Guid> MembersOf(this Snapshot snapshot, NodeGroup group) =>
        [.. snapshot.Query("SELECT node_id FROM node_group_members WHERE group_id = $1", row => row.Id("node_id"), group.Id)];

    /// <summary>Returns the IDs of the groups of a node, each with whether its host was seen to accept the token of the group.</summary>
    public static Dictionary<Guid, bool> MembershipsOf(this Snapshot snapshot, Guid node) =>
        snapshot.Query(
            "SELECT group_id, confirmed FROM node_group_members WHERE node_id = $1",
            row => (Id: row.Id("group_id"), Is: row.Flag("confirmed")), node).ToDictionary(row => row.Id, row => row.Is);

    /// <summary>Returns the groups of a node, and whether its host was seen to accept the token of each.</summary>
    public static ImmutableArray<(NodeGroup Group, bool IsConfirmed)> GroupsOf(this Snapshot snapshot, Node node)
    {
        var groups = snapshot.Policy().Groups;
        if (groups.IsEmpty)
            return [];
        var known = snapshot.MembershipsOf(node.Id);
        return [.. groups.Where(one => known.ContainsKey(one.Group.Id)).Select(one => (one.Group, known[one.Group.Id]))];
    }

    /// <summary>Returns the groups of every node that is in any, by its ID, as <see cref="GroupsOf"/> does for one.</summary>
    public static Dictionary<Guid, ImmutableArray<(NodeGroup Group, bool IsConfirmed)>> GroupsOfNodes(this Snapshot snapshot)
    {
        var groups = snapshot.Policy().Groups.ToDictionary(one => one.Group.Id, one => one.Group);
        return groups.Count == 0
            ? []
            : snapshot.Query(
                    "SELECT group_id, node_id, confirmed FROM node_group_members",
                    row => (Group: row.Id("group_id"), Node: row.Id("node_id"), Is: row.Flag("confirmed")))
                .Where(row => groups.ContainsKey(row.Group)).GroupBy(row => row.Node)
                .ToDictionary(
                    node => node.Key,
                    node => node.Select(row => (Group: groups[row.Group], row.Is)).OrderBy(one => one.Group.Name, StringComparer.Ordinal)
                        .ToImmutableArray());
    }

    /// <summary>Forgets which hosts accept the token of a group, because it has another one.</summary>
    public static void ForgetConfirmed(this Transaction transaction, NodeGroup group) =>
        transaction.Execute("UPDATE node_group_members SET confirmed = 0 WHERE group_id = $1", group.Id);

    /// <summary>
    /// Records which tokens the sshd of a host accepts, as they were read back there, or as the host reported. It does nothing for a node
    /// that was removed meanwhile, or that was written to then and fetches now, or the other way round.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="node">The host, as it was when it was looked at.</param>
    /// <param name="tokens">The tokens; those that are over meanwhile count for nothing.</param>
    public static void SetConfirmed(this Transaction transaction, Node node, ImmutableArray<string> tokens)
    {
        var policy = transaction.Policy();
        if (policy.DeclaredGroups.IsEmpty || policy.Nodes.GetValueOrDefault(node.Name) is not { } now || now.Id != node.Id
            || now.Push != node.Push)
            return;
        var accepted = policy.Groups.Where(one => tokens.Contains(one.Group.Token)).Select(one => one.Group.Id).ToHashSet();
        foreach (var (group, before) in transaction.MembershipsOf(node.Id).Where(one => accepted.Contains(one.Key) != one.Value))
            transaction.Execute(
                "UPDATE node_group_members SET confirmed = $3 WHERE group_id = $1 AND node_id = $2", group, node.Id, !before);
    }

    /// <summary>
    /// Returns the tokens that each host may get now, by the ID of its node; null if hosts keep what they have: while a withdrawal is owed,
    /// because certificates may then be live that some host of their group must not accept, and while a node cannot be read.
    /// </summary>
    public static IReadOnlyDictionary<Guid, ImmutableArray<string>>? GroupTokens(this Snapshot snapshot) =>
        snapshot.Policy() is { DeclaredGroups.IsEmpty: true } ? ImmutableDictionary<Guid, ImmutableArray<string>>.Empty
        : snapshot.Policy().Groups.IsEmpty || snapshot.OwedWithdrawals().Count > 0 ? null
        : snapshot.Tokens(areConfirmed: false);

    /// <summary>Returns the tokens that each host was seen to accept, by the ID of its node.</summary>
    public static IReadOnlyDictionary<Guid, ImmutableArray<string>> ConfirmedTokens(this Snapshot snapshot) =>
        snapshot.Policy().Groups.IsEmpty
            ? ImmutableDictionary<Guid, ImmutableArray<string>>.Empty
            : snapshot.Tokens(areConfirmed: true);

    /// <summary>Returns the members of these groups that were not seen to accept the token of the group.</summary>
    public static HashSet<(Guid Group, Guid Node)> Unconfirmed(this Snapshot snapshot, IEnumerable<NodeGroup> groups) =>
    [
        .. groups.SelectMany(
            group => snapshot.Query(
                "SELECT node_id FROM node_group_members WHERE group_id = $1 AND confirmed = 0", row => (group.Id, row.Id("node_id")),
                group.Id)),
    ];

    private static Dictionary<Guid, ImmutableArray<string>> Tokens(this Snapshot snapshot, bool areConfirmed)
    {
        var tokens = snapshot.Policy().Groups.ToDictionary(one => one.Group.Id, one => one.Group.Token);
        return snapshot.Query(
                "SELECT group_id, node_id FROM node_group_members WHERE confirmed >= $1",
                row => (Group: row.Id("group_id"), Node: row.Id("node_id")), areConfirmed)
            .Where(row => tokens.ContainsKey(row.Group)).GroupBy(row => row.Node, row => tokens[row.Group])
            .ToDictionary(
                node => node.Key,
                node => node.Order(StringComparer.Ordinal).Take(NodeGroup.MostOfAHost).ToImmutableArray());
    }
}
