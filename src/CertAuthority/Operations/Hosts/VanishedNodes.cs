using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What nobody heard of for too long, and nodes that ended: shown, and in the end removed.</summary>
internal static class VanishedNodes
{
    // How long before its removal the status names a node.
    private static readonly TimeSpan Soon = TimeSpan.FromDays(1);

    /// <summary>
    /// Removes the nodes whose time is over. Each is decided again in its own transaction, because its host may have been seen meanwhile.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="looking">Since when the daemon looks for hosts without a break.</param>
    /// <param name="now">The current time.</param>
    /// <returns>
    /// What was removed, and why; whether others stay because the daemon is cut off from them; and since when it looks now.
    /// </returns>
    public static async Task<(IReadOnlyList<string> Removed, bool IsCutOff, Looking Looking)> Forget(
        Authority ca, Looking looking, DateTimeOffset now)
    {
        if (ca.ForgetNodesAfter is null)
            return ([], false, looking.At(now));
        var (due, isCutOff, then) = ca.Database.Read(snapshot => Vanishing.Forgotten(
            [.. snapshot.Policy().Nodes.Values.Select(With(snapshot.NodesSeen()))], ca.ForgetNodesAfter, looking, now));
        var removed = new List<string>();
        await ca.Stuck.Each("a node is not removed", due, node => node.Name, async node =>
        {
            var withdrawn = await ca.Database.Commit(transaction =>
            {
                var seen = transaction.NodeSeen(node);
                // A jump host stays as long as hosts behind it name it.
                if (transaction.Policy().Nodes.GetValueOrDefault(node.Name) is not { } still || still.Id != node.Id
                    || transaction.Policy().Ways.DirectlyBehind(node.Name).Any()
                    || !(Vanishing.ForgottenAt(still, seen, ca.ForgetNodesAfter) <= now))
                    return null;
                var why = still.IsOver(now)
                    ? $"it ended at {Instants.Show(still.Expires!.Value)}" : $"it was last seen at {Instants.Show(seen!.Value)}";
                removed.Add($"{node.Name}: {why}");
                return Removals.Remove(ca, transaction, node, why, now);
            }, takesAway: true);
            if (withdrawn is not null)
                await OwedWithdrawals.Finish(ca, Caller.Daemon, withdrawn);
        });
        return (removed, isCutOff, then);
    }

    /// <summary>Returns when a node is removed if nothing is heard of its host; null for never.</summary>
    public static DateTimeOffset? ForgottenAt(Authority ca, Node node, DateTimeOffset? seen) =>
        Vanishing.ForgottenAt(node, seen, ca.ForgetNodesAfter);

    /// <summary>Names the nodes that have ended, and those that are removed soon; null if there are none.</summary>
    public static VanishingStatus? Status(Authority ca, Snapshot snapshot, DateTimeOffset now)
    {
        var seen = snapshot.NodesSeen();
        var nodes = snapshot.Policy().Nodes.Values;
        string[] ended = [.. nodes.Where(node => node.IsOver(now)).Select(node => node.Name)];
        string[] leaving =
        [
            .. nodes.Select(With(seen)).Where(one => !one.Node.IsOver(now) && ForgottenAt(ca, one.Node, one.Seen) <= now + Soon)
                .Select(one => one.Node.Name),
        ];
        return ended is [] && leaving is [] ? null : new VanishingStatus(ended, leaving);
    }

    private static Func<Node, (Node Node, DateTimeOffset? Seen)> With(Dictionary<Guid, DateTimeOffset> seen) =>
        node => (node, seen.TryGetValue(node.Id, out var when) ? when : null);
}
