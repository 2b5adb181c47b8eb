using CertAuthority.Hosting;
using CertAuthority.Protocol;
using CertAuthority.Revocation;

namespace CertAuthority.Jobs;

/// <summary>
/// Writes the revocation list anew from time to time: serials leave it a day after their end, and a host can tell a fresh
/// list from one that nobody looks after any more.
/// </summary>
internal sealed class KrlRefresh(KrlPublisher krl, TimeProvider clock) : Periodic(TimeSpan.FromMinutes(10), clock)
{
    /// <summary>Writes the first list of this process, so that nothing that starts later works without one.</summary>
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
        // The publisher itself has logged why, and tries again.
    }
}
