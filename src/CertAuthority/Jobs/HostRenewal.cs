using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>
/// Renews host certificates in the last third of their lifetime, and when the address of their node has changed or another CA key signs,
/// for the same key and lifetime, and keeps them in the directory from which hosts fetch.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class HostRenewal(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromMinutes(10), ca.Clock)
{
    protected override bool StartsAtOnce => true;

    protected internal override Task Once(CancellationToken stopping) => HostCertificates.Renew(ca.Now);

    protected override void Failed(Exception error) =>
        log.LogWarning("host certificates are not renewed, or not where hosts fetch them: {Why}", Printable.Escape(error.Message));
}
