using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>Takes the steps of CA key rotations that are scheduled, and completes a rotation that was cut short.</summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class RotationRound(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(30), ca.Clock)
{
    protected override bool StartsAtOnce => true;

    protected internal override Task Once(CancellationToken stopping) => KeyRotations.GoOn(ca.Now);

    protected override void Failed(Exception error) =>
        log.LogWarning("a rotation of CA keys does not go on, and is tried again: {Why}", Printable.Escape(error.Message));
}
