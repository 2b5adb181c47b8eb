using CertAuthority.Access.Nodes;

namespace CertAuthority.Store;

/// <summary>When hosts were last seen: by a write to them, or by a report of theirs.</summary>
internal static class NodeSightings
{
    /// <summary>Returns when each host was last seen, by the ID of its node; those never seen are left out.</summary>
    public static Dictionary<Guid, DateTimeOffset> NodesSeen(this Snapshot snapshot)
    {
        var seen = snapshot.NodeReports().ToDictionary(one => one.Key, one => one.Value.Time);
        foreach (var (node, sync) in snapshot.NodeSyncs())
            if (sync.Synced is { } when && !(seen.GetValueOrDefault(node) > when))
                seen[node] = when;
        return seen;
    }

    /// <summary>Returns when a host was last seen; null for never.</summary>
    public static DateTimeOffset? NodeSeen(this Snapshot snapshot, Node node) => Later(
        snapshot.NodeSync(node)?.Synced, snapshot.NodeReport(node.Id)?.Time);

    /// <summary>Returns the later of two times; null only if both are.</summary>
    public static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one > other || other is null ? one : other;
}
