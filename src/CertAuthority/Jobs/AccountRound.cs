using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>
/// Asks the system regularly which uids the accounts of users have, so that no decision waits for answers about everybody, however slow the
/// directory is.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class AccountRound(CurrentAuthority ca, ILogger log) : Periodic(Every(ca), ca.Clock)
{
    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        if (await Persons.KnowAll(ca.Now, Every(ca)) is { } why)
            log.LogInformation("the uids of some accounts are not known yet: {Why}", Printable.Escape(why));
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("the accounts of users could not be read: {Why}", Printable.Escape(error.Message));

    // Twice within the time for which an answer counts, so that one failure matters to nobody.
    private static TimeSpan Every(CurrentAuthority ca) => (ca.Now.Uids.Known / 2) - TimeSpan.FromSeconds(30);
}
