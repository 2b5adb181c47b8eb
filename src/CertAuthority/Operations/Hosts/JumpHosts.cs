using CertAuthority.Access.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Checks nodes against each other, so that the way to each of them exists, and shows the ways to users.</summary>
internal static class JumpHosts
{
    /// <summary>Rejects a node if the way to it, or to a node behind it, cannot be used.</summary>
    /// <param name="snapshot">The database, with everything in the file already stored.</param>
    /// <param name="node">The node that was created or changed.</param>
    /// <exception cref="ProblemException">A way is broken, too long, or leads in a circle; or too many hosts share a jump host.</exception>
    public static void Expect(Snapshot snapshot, Node node)
    {
        var policy = snapshot.Policy();
        foreach (var one in policy.Ways.Behind(node.Name).Insert(0, node))
            if (policy.Ways.Fault(one, policy.Nodes) is { } fault)
                throw Problems.Refused(fault);
        if (node.Via is { } via && policy.Ways.Fault(policy.Nodes[via], policy.Nodes) is { } crowded)
            throw Problems.Refused(crowded);
    }

    /// <summary>Rejects the removal of jump hosts while other nodes are reached through them.</summary>
    /// <param name="snapshot">The database, with the removals already made.</param>
    /// <param name="kind">The kind of what was removed.</param>
    /// <param name="removed">The names of what was removed.</param>
    /// <exception cref="ProblemException">A node is reached through one of them.</exception>
    public static void ExpectUnused(Snapshot snapshot, string kind, IEnumerable<string> removed)
    {
        if (kind != ResourceKinds.Node)
            return;
        foreach (var name in removed)
            if (snapshot.Policy().Ways.DirectlyBehind(name).Select(node => node.Name).Order(StringComparer.Ordinal).ToList()
                is [var first, ..] behind)
                throw new ProblemException(new Problem(
                    ProblemCode.Conflict,
                    $"{Access.Values.Names.Few(behind)} {(behind.Count == 1 ? "is" : "are")} reached through node \"{name}\"",
                    "give them another spec.via, or remove them first", Next: [new NextStep.Edit($"node/{first}")]));
    }

    /// <summary>
    /// Returns the jump hosts on the way to a node, the first to connect to first, for those who may enter the node; null for none.
    /// </summary>
    public static JumpHost[]? To(Snapshot snapshot, Node node) =>
        snapshot.Policy().Ways.To(node) is [_, ..] way ? [.. way.Select(Show)] : null;

    /// <summary>Returns the jump hosts on the ways to several nodes, sorted by name; null for none.</summary>
    public static JumpHost[]? To(Snapshot snapshot, IEnumerable<Node> nodes)
    {
        var ways = snapshot.Policy().Ways;
        return nodes.Where(node => node.Via is not null).DistinctBy(node => node.Via).SelectMany(node => ways.To(node) ?? [])
            .DistinctBy(jump => jump.Name).OrderBy(jump => jump.Name, StringComparer.Ordinal).Select(Show).ToArray() is [_, ..] jumps
            ? jumps
            : null;
    }

    private static JumpHost Show(Node jump) => new(jump.Name, jump.Address, jump.Via);
}
