using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>When nodes of hosts that are gone are removed.</summary>
public static class Vanishing
{
    /// <summary>
    /// How long the daemon looks for hosts without a break before it believes that one is gone. Each host that is there is written to, or
    /// reports, several times within it.
    /// </summary>
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
        after is not { } time ? null
        : node.Expires is { } end && !(seen < end) ? Instants.After(end, time)
        : seen is { } when ? Instants.After(when, time) : null;

    /// <summary>
    /// Selects the nodes to remove. If nearly all hosts that the daemon writes to are gone, then the daemon is cut off from them, and
    /// removes none of them; and the same for hosts that report. A while in which it was cut off, stopped or suspended does not count as
    /// looking: when it is over, only some hosts may have been seen again.
    /// </summary>
    /// <param name="nodes">Every node, with the time when its host was last seen.</param>
    /// <param name="after">How long a host may be gone; null if none is forgotten.</param>
    /// <param name="looking">Since when the daemon looks for hosts without a break.</param>
    /// <param name="now">The current time.</param>
    /// <returns>
    /// The nodes, whether there are more that stay because the daemon is cut off, and since when it looks now.
    /// </returns>
    public static (IReadOnlyList<Node> Nodes, bool IsCutOff, Looking Looking) Forgotten(
        IReadOnlyCollection<(Node Node, DateTimeOffset? Seen)> nodes, TimeSpan? after, Looking looking, DateTimeOffset now)
    {
        var (fromWritten, fromReporting) = (IsCutOff(isWritten: true), IsCutOff(isWritten: false));
        looking = looking.At(now);
        looking = new Looking(fromWritten ? now : looking.Written, fromReporting ? now : looking.Reported, now);
        var due = nodes.Where(one => ForgottenAt(one.Node, one.Seen, after) <= now).Select(one => one.Node).ToList();
        return (
            [.. due.Where(node => node.IsOver(now) || now - (node.Push ? looking.Written : looking.Reported) >= Patience)],
            due.Exists(node => !node.IsOver(now) && (node.Push ? fromWritten : fromReporting)), looking);

        bool IsCutOff(bool isWritten)
        {
            var seen = nodes.Where(one => one.Node.Push == isWritten && one.Seen is not null && !one.Node.IsOver(now)).ToList();
            return seen.Count(one => one.Seen > now - Patience) * OneOf < seen.Count;
        }
    }
}

/// <summary>Since when the daemon looks for hosts without a break.</summary>
/// <param name="Written">For those that it writes to.</param>
/// <param name="Reported">For those that report.</param>
/// <param name="Last">When it looked last.</param>
public sealed record Looking(DateTimeOffset Written, DateTimeOffset Reported, DateTimeOffset Last)
{
    /// <summary>The time between two looks, at most; a longer one is a break.</summary>
    public static readonly TimeSpan Break = TimeSpan.FromMinutes(15);

    /// <summary>A daemon that begins to look.</summary>
    public static Looking Since(DateTimeOffset now) => new(now, now, now);

    /// <summary>The same at the next look: from the beginning after a break, or when the clock was set.</summary>
    public Looking At(DateTimeOffset now) => now < Last || now - Last > Break ? Since(now) : this with { Last = now };
}
