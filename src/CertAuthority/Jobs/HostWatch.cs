using CertAuthority.Access;
using CertAuthority.Operations;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Looks every few seconds which hosts nothing could be written to for too long, and tells others of those, once each, and when they have the list again.</summary>
internal static class HostWatch
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(20);

    /// <summary>Until stopped. The first look comes after that time: what a daemon that was down has missed it first makes up for.</summary>
    /// <param name="ca">What operations work on now.</param>
    /// <param name="log">Where it is told too.</param>
    /// <param name="stopping">Stops.</param>
    public static Task Run(Func<Ca> ca, ILogger log, CancellationToken stopping) => Periodic.Run(
        Every, atOnce: false, ca().Clock, () => Look(ca(), log), e => log.LogWarning("whether hosts are stale could not be recorded: {Why}", e.Message), stopping);

    internal static async Task Look(Ca ca, ILogger log)
    {
        var now = ca.Now();
        if (ca.Database.Read(Changed) is ([], []))
            return;
        var (stale, fresh) = await ca.Database.Commit(transaction =>
        {
            var (stale, fresh) = Changed(transaction);
            foreach (var node in stale)
                transaction.SetToldStale(node, isTold: true);
            foreach (var node in fresh)
                transaction.SetToldStale(node, isTold: false);
            transaction.TellOfHosts(NoticeEvents.Stale, [.. stale.Select(node => node.Name)], now);
            transaction.TellOfHosts(NoticeEvents.Fresh, [.. fresh.Select(node => node.Name)], now);
            return (stale, fresh);
        });
        if (stale.Length > 0)
            log.LogWarning("nothing could be written for {Limit} or longer, or ever, to {Nodes}", Durations.Show(ca.Push.StaleAfter), string.Join(", ", stale.Select(node => node.Name)));
        if (fresh.Length > 0)
            log.LogInformation("the revocation list is again on {Nodes}", string.Join(", ", fresh.Select(node => node.Name)));

        (Node[] Stale, Node[] Fresh) Changed(Snapshot snapshot)
        {
            var syncs = snapshot.NodeSyncs();
            var changed = snapshot.Policy().Nodes.Values.Where(node => node.Push && syncs.ContainsKey(node.Id) && syncs[node.Id].IsStale(now, ca.Push.StaleAfter) != syncs[node.Id].IsToldStale).ToLookup(node => !syncs[node.Id].IsToldStale);
            return ([.. changed[true]], [.. changed[false]]);
        }
    }
}
