using CertAuthority.Access.Nodes;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Checks every few seconds which hosts could not be written to for too long, and which hosts have another daemon's list. It sends one
/// notice for each, and another when a stale host has the list again.
/// </summary>
/// <remarks>The first check comes after one interval, so that a daemon that was down can first make up for what it missed.</remarks>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about those hosts too.</param>
internal sealed class HostWatch(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(20), ca.Clock)
{
    protected internal override Task Once(CancellationToken stopping) => Look(ca.Now, log);

    protected override void Failed(Exception error) =>
        log.LogWarning("whether hosts are stale could not be recorded: {Why}", Printable.Escape(error.Message));

    internal static async Task Look(Authority ca, ILogger log)
    {
        var now = ca.Now();
        if (ca.Database.Read(Changed) is ([], []) && ca.Database.Read(Contested) is ([], []))
            return;
        var (stale, fresh, contested) = await ca.Database.Commit(transaction =>
        {
            var (stale, fresh) = Changed(transaction);
            foreach (var node in stale)
                transaction.SetToldStale(node, isTold: true);
            foreach (var node in fresh)
                transaction.SetToldStale(node, isTold: false);
            var (contested, settled) = Contested(transaction);
            foreach (var node in contested)
                transaction.SetToldContested(node, isTold: true);
            foreach (var node in settled)
                transaction.SetToldContested(node, isTold: false);
            transaction.TellOfHosts(NoticeEvents.Contested, [.. contested.Select(node => node.Name)], now);
            transaction.TellOfHosts(NoticeEvents.Stale, [.. stale.Select(node => node.Name)], now);
            transaction.TellOfHosts(NoticeEvents.Fresh, [.. fresh.Select(node => node.Name)], now);
            return (stale, fresh, contested);
        });
        if (contested.Length > 0)
            log.LogError(
                "the revocation list of another daemon is on {Nodes}, and this one writes nothing there",
                string.Join(", ", contested.Select(node => node.Name)));
        if (stale.Length > 0)
            log.LogWarning(
                "no new revocation list could be written for {Limit} or more to {Nodes}", Durations.Show(ca.Push.StaleAfter),
                string.Join(", ", stale.Select(node => node.Name)));
        if (fresh.Length > 0)
            log.LogInformation("the revocation list is again on {Nodes}", string.Join(", ", fresh.Select(node => node.Name)));

        (Node[] Stale, Node[] Fresh) Changed(Snapshot snapshot) =>
            Differ(snapshot, sync => sync.IsStale(now, ca.Push.StaleAfter), sync => sync.IsToldStale);

        static (Node[] Contested, Node[] Settled) Contested(Snapshot snapshot) =>
            Differ(snapshot, sync => sync.IsContested, sync => sync.IsToldContested);
    }

    /// <summary>Finds the hosts that are in a state without a notice about it, and those that left it with one.</summary>
    private static (Node[] Now, Node[] NoMore) Differ(Snapshot snapshot, Func<NodeSync, bool> isSo, Func<NodeSync, bool> isTold)
    {
        var syncs = snapshot.NodeSyncs();
        var changed = snapshot.Policy().Nodes.Values.Where(
            node => node.Push && syncs.TryGetValue(node.Id, out var sync) && isSo(sync) != isTold(sync))
            .ToLookup(node => isSo(syncs[node.Id]));
        return ([.. changed[true]], [.. changed[false]]);
    }
}
