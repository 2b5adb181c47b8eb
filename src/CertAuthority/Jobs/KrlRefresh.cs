using CertAuthority.Hosting;
using CertAuthority.Protocol;
using CertAuthority.Revocation;

namespace CertAuthority.Jobs;

/// <summary>
/// Rewrites the revocation list regularly: serials leave it a day after they expire, and a host can tell a fresh list from one that nobody
/// maintains any more.
/// </summary>
internal sealed class KrlRefresh(KrlPublisher krl, TimeProvider clock) : Periodic(TimeSpan.FromMinutes(10), clock)
{
    /// <summary>Writes the first list of this process, so that nothing that starts later runs without one.</summary>
    /// <exception cref="StartException">It cannot be written.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await krl.Publish();
        }
        catch (ProblemException e)
        {
            throw new StartException(
                $"{(krl.ForHosts is { Status.Failure: not null } directory ? directory.Path : krl.Path)} cannot be written; the log says why", e);
        }
        await base.StartAsync(cancellationToken);
    }

    protected internal override Task Once(CancellationToken stopping) => krl.Publish();

    protected override void Failed(Exception error)
    {
        // The publisher has logged the reason, and tries again.
    }
}
