namespace CertAuthority.Access.Nodes;

/// <summary>When nodes of hosts that are gone are removed.</summary>
public static class Vanishing
{
    /// <summary>How long the daemon runs before it believes that a host is gone: it must have looked for the host itself.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    // Of the hosts that are seen in the same way, how many must be there lately for the others to count as gone: one of so many.
    private const int OneOf = 10;

    /// <summary>Returns when a node is removed if nothing is heard of its host; null for never.</summary>
    /// <param name="node">The node.</param>
    /// <param name="seen">
    /// When the host was last seen; null for never. A host that was never seen is not missed, unless its node has ended.
    /// </param>
    /// <param name="after">How long a host may be gone; null if none is forgotten.</param>
    public static DateTimeOffset? ForgottenAt(Node node, DateTimeOffset? seen, TimeSpan? after) =>
        node.Expires is { } end && !(seen < end) ? end + after : seen + after;

    /// <summary>
    /// Selects the nodes to remove. If nearly all hosts that the daemon writes to are gone, then the daemon is cut off from them, and
    /// removes none of them; and the same for hosts that report.
    /// </summary>
    /// <param name="nodes">Every node, with the time when its host was last seen.</param>
    /// <param name="after">How long a host may be gone; null if none is forgotten.</param>
    /// <param name="started">When the daemon started.</param>
    /// <param name="now">The current time.</param>
    /// <returns>The nodes, and whether there are more that stay because the daemon is cut off.</returns>
    public static (IReadOnlyList<Node> Nodes, bool IsCutOff) Forgotten(
        IReadOnlyCollection<(Node Node, DateTimeOffset? Seen)> nodes, TimeSpan? after, DateTimeOffset started, DateTimeOffset now)
    {
        var due = nodes.Where(one => ForgottenAt(one.Node, one.Seen, after) <= now).ToList();
        var hasLooked = now >= started + Patience;
        var cutOff = due.Where(one => !one.Node.IsOver(now)).Select(one => one.Node.Push).Distinct().Where(IsCutOff).ToHashSet();
        return (
            [.. due.Select(one => one.Node).Where(node => node.IsOver(now) || (hasLooked && !cutOff.Contains(node.Push)))],
            hasLooked && cutOff.Count > 0);

        bool IsCutOff(bool isWritten)
        {
            var seen = nodes.Where(one => one.Node.Push == isWritten && one.Seen is not null && !one.Node.IsOver(now)).ToList();
            return seen.Count(one => one.Seen > now - Patience) * OneOf < seen.Count;
        }
    }
}
