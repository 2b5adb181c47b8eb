using System.Collections.Immutable;
using CertAuthority.Access.Reach;

namespace CertAuthority.Store;

/// <summary>Reads roles, nodes, groups and locks together, because decisions depend on all of them.</summary>
internal static class PolicyTables
{
    public static Policy Policy(this Snapshot snapshot) => snapshot.PolicyNow ??= snapshot.CachedPolicy() ?? snapshot.ReadPolicy();

    private static Policy ReadPolicy(this Snapshot snapshot)
    {
        StoreException? fault = null;
        var roles = RoleRow.Table.All(snapshot, row => fault ??= row)
            .ToImmutableSortedDictionary(role => role.Name, role => role, StringComparer.Ordinal);
        var locks = LockRow.Table.All(snapshot, row => fault ??= row)
            .ToImmutableSortedDictionary(one => one.Name, one => one, StringComparer.Ordinal);
        var leftOut = new List<StoreException>();
        var nodes = NodeRow.Table.All(snapshot, leftOut.Add)
            .ToImmutableSortedDictionary(node => node.Name, node => node, StringComparer.Ordinal);
        var lacksNodes = leftOut.Count > 0;
        var groups = NodeGroupRow.Table.All(snapshot, leftOut.Add)
            .ToImmutableSortedDictionary(group => group.Name, group => new GroupMembers(group, nodes.Values), StringComparer.Ordinal);
        leftOut.ForEach(snapshot.LeaveOut);
        var policy = new Policy(snapshot.Generation(), roles, nodes, groups, locks, fault, lacksNodes);
        // A row that is repaired by hand does not get a new generation.
        if (fault is null && leftOut.Count == 0)
            snapshot.Policies.Latest = policy;
        return policy;
    }
}
