using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks what other daemons have written to the database, and wakes whoever waits for it here.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class OtherDaemons(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromMilliseconds(200), ca.Clock)
{
    private long? seen;

    protected override bool StartsAtOnce => true;

    protected internal override Task Once(CancellationToken stopping)
    {
        var now = ca.Now;
        var last = now.Database.Read(snapshot => snapshot.LastAudit());
        if (seen is { } before && before < last)
        {
            foreach (var request in now.Database.Read(snapshot => snapshot.RequestsIn(before)).Distinct())
                now.Watch.Changed(request);
            now.Database.AuditWatch.Changed();
        }
        seen = last;
        if (now.Follows)
            now.Checkpoints.Follow();
        return Task.CompletedTask;
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("what other daemons wrote could not be looked at: {Why}", Printable.Escape(error.Message));
}
