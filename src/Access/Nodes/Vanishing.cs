namespace CertAuthority.Access.Nodes;

/// <summary>When nodes of hosts that are gone are removed.</summary>
public static class Vanishing
{
    /// <summary>How long the daemon runs before it believes that a host is gone: it must have looked for the host itself.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    // If that many hosts are gone at once, and more than half of all, then something else is wrong: the network, or reports_dir.
    private const int Many = 10;

    /// <summary>Returns when a node is removed if nothing is heard of its host; null for never.</summary>
    /// <param name="node">The node.</param>
    /// <param name="seen">
    /// When the host was last seen; null for never. A host that was never seen is not missed, unless its node has ended.
    /// </param>
    /// <param name="after">How long a host may be gone; null if none is forgotten.</param>
    public static DateTimeOffset? ForgottenAt(Node node, DateTimeOffset? seen, TimeSpan? after) =>
        node.Expires is { } end && !(seen < end) ? end + after : seen + after;

    /// <summary>Selects the nodes to remove.</summary>
    /// <param name="nodes">Every node, with the time when its host was last seen.</param>
    /// <param name="after">How long a host may be gone; null if none is forgotten.</param>
    /// <param name="started">When the daemon started.</param>
    /// <param name="now">The current time.</param>
    /// <returns>The nodes; null if so many are gone that none is removed.</returns>
    public static IReadOnlyList<Node>? Forgotten(
        IReadOnlyCollection<(Node Node, DateTimeOffset? Seen)> nodes, TimeSpan? after, DateTimeOffset started, DateTimeOffset now)
    {
        var due = nodes.Where(one => ForgottenAt(one.Node, one.Seen, after) <= now).ToList();
        var missed = due.Where(one => !one.Node.IsOver(now)).ToList();
        if (missed.Count > 0 && now < started + Patience)
            due = due.FindAll(one => one.Node.IsOver(now));
        else if (missed.Count > Many && missed.Count * 2 > nodes.Count(one => one.Seen is not null && !one.Node.IsOver(now)))
            return null;
        return due.ConvertAll(one => one.Node);
    }
}
