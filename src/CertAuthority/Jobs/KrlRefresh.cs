using CertAuthority.Revocation;

namespace CertAuthority.Jobs;

/// <summary>
/// Writes the revocation list anew from time to time: serials leave it a day after their end, and a host can tell a fresh
/// list from one that nobody looks after any more.
/// </summary>
internal sealed class KrlRefresh(KrlPublisher krl, TimeProvider clock) : Periodic(TimeSpan.FromMinutes(10), clock)
{
    protected internal override Task Once(CancellationToken stopping) => krl.Publish();

    protected override void Failed(Exception error)
    {
        // The publisher itself has logged why, and tries again.
    }
}
