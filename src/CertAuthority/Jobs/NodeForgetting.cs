using CertAuthority.Access.Nodes;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>Removes the nodes of hosts that were not seen for too long, and nodes that ended, if the configuration says so.</summary>
/// <remarks>The first look is one interval after the start, when hosts that are there were seen again.</remarks>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each node.</param>
internal sealed class NodeForgetting(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromMinutes(5), ca.Clock)
{
    private bool isTold;

    // Only in memory: a daemon that starts looks from the beginning.
    private Looking looking = Looking.Since(ca.Clock.GetUtcNow());

    protected internal override async Task Once(CancellationToken stopping)
    {
        var now = ca.Now;
        var (removed, isCutOff, then) = await VanishedNodes.Forget(now, looking, now.Now());
        looking = then;
        foreach (var one in removed)
            log.LogWarning("removed the node {Node}", one);
        if (isCutOff && !isTold)
            log.LogError("nearly no host was seen within the last hour, so none is removed; is the daemon cut off from them?");
        isTold = isCutOff;
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("nodes that are gone are not removed, and are tried again: {Why}", Printable.Escape(error.Message));
}
