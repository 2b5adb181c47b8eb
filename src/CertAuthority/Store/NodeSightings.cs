using CertAuthority.Access.Nodes;

namespace CertAuthority.Store;

/// <summary>
/// When hosts were last seen, by the clock of the daemon: by a write to them, by a report that it took, or when they joined.
/// </summary>
internal static class NodeSightings
{
    /// <summary>Returns when each host was last seen, by the ID of its node; those never seen are left out.</summary>
    public static Dictionary<Guid, DateTimeOffset> NodesSeen(this Snapshot snapshot)
    {
        var seen = snapshot.NodeReports().ToDictionary(one => one.Key, one => one.Value.Received);
        foreach (var (node, sync) in snapshot.NodeSyncs())
            if (sync.Synced is { } when && !(seen.GetValueOrDefault(node) > when))
                seen[node] = when;
        foreach (var join in snapshot.Joins())
            if (join is { Node: { } node, Decided: { } when } && !(seen.GetValueOrDefault(node) > when))
                seen[node] = when;
        return seen;
    }

    /// <summary>Returns when a host was last seen; null for never.</summary>
    public static DateTimeOffset? NodeSeen(this Snapshot snapshot, Node node) => Later(
        Later(snapshot.NodeSync(node)?.Synced, snapshot.NodeReport(node.Id)?.Received),
        snapshot.Join(node.Name) is { } join && join.Node == node.Id ? join.Decided : null);

    /// <summary>Returns the later of two times; null only if both are.</summary>
    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one > other || other is null ? one : other;
}
