using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>
/// Reviews everybody's access once after each start, because rows may have been changed by hand and another version may have other rules.
/// From then on it finishes withdrawals that failed, or that the daemon did not finish before it stopped.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about what was taken back, and about each failure.</param>
internal sealed class PolicyReview(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(15), ca.Clock)
{
    private bool isFirst = true;

    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        var withdrawn = await OwedWithdrawals.FinishLeftOver(ca.Now, always: isFirst);
        isFirst = false;
        if (withdrawn.Ended.Length + withdrawn.Shortened.Length + withdrawn.Revoked.Length > 0)
            log.LogWarning(
                "took back what the policy no longer permits: {Revoked} certificates revoked, {Ended} requests ended, {Shortened} requests shortened",
                withdrawn.Revoked.Length, withdrawn.Ended.Length, withdrawn.Shortened.Length);
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("what the policy no longer permits is not all taken back yet: {Why}", Printable.Escape(error.Message));
}
