using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;

namespace CertAuthority.Store;

/// <summary>
/// Follows changes of nodes and groups with the members of groups. A host that leaves a group may go on accepting its token for as long as
/// nobody reaches the host, so the group gets another token in the transaction in which the host leaves.
/// </summary>
internal static class GroupChanges
{
    /// <summary>
    /// Follows what the transaction changed so far, and notes in <see cref="Transaction.Touched"/> whose certificates this touches. It is
    /// called before these are reviewed.
    /// </summary>
    public static void FollowGroups(this Transaction transaction)
    {
        var touched = transaction.Touched;
        if (touched.NodesWritten.Count == 0 && touched.Regrouped.Count == 0)
            return;
        var policy = transaction.Policy();
        var groups = policy.DeclaredGroups.ToDictionary(members => members.Group.Id);
        foreach (var members in groups.Values.Where(members => touched.Regrouped.Contains(members.Group.Id)))
            transaction.SetMembers(members.Group, members.Nodes.Values);
        var left = new HashSet<Guid>();
        var wasPushed = new Dictionary<Guid, bool>();
        foreach (var node in touched.Nodes)
            wasPushed.TryAdd(node.Id, node.Push);
        foreach (var (id, name) in touched.NodesWritten)
        {
            var before = transaction.MembershipsOf(id);
            var node = name is not null && policy.Nodes.GetValueOrDefault(name) is { } one && one.Id == id ? one : null;
            // What its host accepts was seen in another way, and its file comes in another way now.
            if (node is not null && wasPushed.TryGetValue(id, out var pushed) && pushed != node.Push && before.Count > 0)
            {
                transaction.SetConfirmed(node, []);
                touched.GroupsOfHosts();
            }
            foreach (var members in groups.Values.Where(members => !touched.Regrouped.Contains(members.Group.Id)))
                switch (before.ContainsKey(members.Group.Id), node is not null && members.Group.Has(node))
                {
                    case (true, false):
                        transaction.RemoveMember(members.Group, id);
                        left.Add(members.Group.Id);
                        break;
                    case (false, true):
                        transaction.AddMember(members.Group, id);
                        touched.GroupsOfHosts();
                        // Certificates that name the group open one host more, which may be denied to their users.
                        if (IsDenied(policy, node!))
                            touched.Group(members.Group);
                        break;
                }
        }
        foreach (var group in left)
            Renew(transaction, groups[group].Group);
    }

    /// <summary>
    /// Gives each group another token whose members are not those on record, or every group. It is called at a start: rows may have been
    /// changed by hand, and a restored database does not know which hosts joined since. The review after a start judges everybody.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="all">Whether to renew every group.</param>
    public static void RenewGroups(this Transaction transaction, bool all)
    {
        foreach (var members in transaction.Policy().DeclaredGroups)
            if (all || !transaction.MembersOf(members.Group).SetEquals(members.Nodes.Values.Select(node => node.Id)))
            {
                transaction.SetMembers(members.Group, members.Nodes.Values);
                Renew(transaction, members.Group);
            }
    }

    private static void Renew(Transaction transaction, NodeGroup group)
    {
        NodeGroupRow.Table.Put(transaction, group with { Token = NodeGroupRow.NewToken(group.Name) });
        transaction.ForgetConfirmed(group);
        transaction.Touched.GroupsOfHosts();
    }

    private static bool IsDenied(Policy policy, Node node) =>
        !policy.IsWhole
        || policy.Roles.Values.Any(role => role.Deny.NodeLabels.Matches(node.Labels))
        || policy.Locks.Values.Any(one => one.Target == new LockTarget(LockKind.Node, node.Name));
}
