using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>Records every few seconds how many refusals were left out of the audit, for each account whose minute is over.</summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class RefusalCounts(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(5), ca.Clock)
{
    protected override void Failed(Exception error) =>
        log.LogWarning("how many refusals were left out could not be recorded; it is tried again: {Why}", Printable.Escape(error.Message));

    protected internal override Task Once(CancellationToken stopping) => Refusals.RecordLeftOut(ca.Now);
}
