using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks what other daemons have written to the database, and wakes whoever waits for it here. A daemon that leads also writes the
/// revocation lists that the others wait for.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="leads">Whether this daemon leads.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class OtherDaemons(CurrentAuthority ca, bool leads, ILogger log) : Periodic(TimeSpan.FromMilliseconds(200), ca.Clock)
{
    private long? seen;

    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        var now = ca.Now;
        var (last, wanted, published) = now.Database.Read(
            snapshot => (snapshot.LastAudit(), snapshot.WantedKrl(), snapshot.PublishedKrl()));
        if (seen is { } before && before < last)
        {
            foreach (var request in now.Database.Read(snapshot => snapshot.RequestsIn(before)).Distinct())
                now.Watch.Changed(request);
            now.Database.AuditWatch.Changed();
        }
        seen = last;
        if (!leads)
            now.Checkpoints.Follow();
        if (!leads || wanted <= published)
            return;
        await now.Krl.Publish();
        await now.Database.Commit(transaction =>
        {
            transaction.RecordPublishedKrl(now.Krl.Version);
            return true;
        }, takesAway: true);
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("what other daemons wrote could not be looked at: {Why}", Printable.Escape(error.Message));
}
