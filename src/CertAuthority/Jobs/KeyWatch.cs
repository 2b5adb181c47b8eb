using CertAuthority.Keys;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks regularly whether each CA key can sign: whether its file is still its own and as it was, whether its agent signs. It writes to the
/// log and the audit when one cannot, and when it can again. Operations refuse without this job: <see cref="CaKey.ExpectUsable"/>.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each change.</param>
internal sealed class KeyWatch(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(10), ca.Clock)
{
    private readonly Dictionary<CaPurpose, string> told = [];

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("whether the CA keys can sign could not be recorded: {Why}", Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        foreach (var key in ca.Now.Keys.All.Select(keys => keys.Signing))
        {
            await key.Check();
            var before = told.GetValueOrDefault(key.Signs);
            if (key.Fault is { } fault)
            {
                if (before is null)
                    log.LogCritical(
                        "the {Key} key signs nothing until this is put right: {Why}", key.Signs.Title(), Printable.Escape(fault));
                if (before != fault)
                    await Record(AuditEvents.CaUnusable, key, fault);
                told[key.Signs] = fault;
            }
            else if (before is not null)
            {
                log.LogWarning("the {Key} key signs again", key.Signs.Title());
                await Record(AuditEvents.CaUsable, key, before);
                told.Remove(key.Signs);
            }
        }
    }

    private Task Record(AuditEvent what, CaKey key, string why)
    {
        var now = ca.Now.Now();
        return ca.Now.Database.Commit(transaction =>
        {
            transaction.Audit(Caller.Daemon.Did(what, now) with
            {
                Resource = $"{key.Signs.FileName()}/{Fingerprint.Compute(key.PublicKey)}",
                Reason = why,
            });
            return true;
        }, takesAway: true);
    }
}
