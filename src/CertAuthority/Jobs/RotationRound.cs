using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;

namespace CertAuthority.Jobs;

/// <summary>
/// Takes the steps of CA key rotations that are scheduled, completes a rotation that was cut short, and once in a run has the host CA key
/// name the keys that are to sign after it.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class RotationRound(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(30), ca.Clock)
{
    private bool hasVouched;

    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        foreach (var key in Enum.GetValues<CaPurpose>())
            try
            {
                await KeyRotations.GoOn(ca.Now, key);
            }
            catch (Exception e) when (IsPassing(e))
            {
                // The next key is not at fault.
                log.LogWarning(
                    "the rotation of the {Key} key does not go on, and is tried again: {Why}", key.Title(), Printable.Escape(e.Message));
            }
        if (hasVouched)
            return;
        foreach (var key in await KeyRotations.Vouch(ca.Now))
            log.LogWarning("whoever has the host CA key signs nothing but certificates, so clients must be told to accept {Key}", key);
        hasVouched = true;
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("a rotation of CA keys does not go on, and is tried again: {Why}", Printable.Escape(error.Message));
}
