using CertAuthority.Keys;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks regularly whether each CA key can sign: whether its file is still its own and as it was, whether its agent signs. A key that a
/// rotation exchanges for it is looked at in the same way, because it is trusted too. It writes to the log and the audit when one cannot
/// sign, and when it can again. Operations refuse without this job: <see cref="CaKey.ExpectUsable"/>.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each change.</param>
internal sealed class KeyWatch(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(10), ca.Clock)
{
    private readonly Dictionary<CaKey, string> told = [];

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("whether the CA keys can sign could not be recorded: {Why}", Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        var (ring, files) = (ca.Now.Keys, ca.Now.KeyFiles);
        List<(CaKey Key, bool Signs)> watched =
        [
            .. ring.All.Select(keys => (keys.Signing, true)),
            .. ring.All.SelectMany(keys => files.TryGetValue(keys.Purpose, out var own)
                ? ((CaKey?[])[own.Current, own.Next]).OfType<CaKey>().Where(key => key != keys.Signing && keys.Trusts(key.PublicKey))
                    .Select(key => (key, false))
                : []),
        ];
        // All of them first: that one fault cannot be recorded keeps no other from being found.
        foreach (var (key, _) in watched)
            await key.Check();
        foreach (var gone in told.Keys.Except(watched.Select(one => one.Key)).ToList())
            told.Remove(gone);
        foreach (var (key, signs) in watched)
        {
            var before = told.GetValueOrDefault(key);
            if (key.Fault is { } fault)
            {
                if (before is null && signs)
                    log.LogCritical(
                        "the {Key} key signs nothing until this is put right: {Why}", key.Signs.Title(), Printable.Escape(fault));
                else if (before is null)
                    log.LogCritical(
                        "the {Key} key {Fingerprint} is trusted, and a rotation does not go on to it until this is put right: {Why}",
                        key.Signs.Title(), Fingerprint.Compute(key.PublicKey), Printable.Escape(fault));
                if (before != fault)
                    await Record(AuditEvents.CaUnusable, key, fault);
                told[key] = fault;
            }
            else if (before is not null)
            {
                log.LogWarning("the {Key} key {Fingerprint} can sign again", key.Signs.Title(), Fingerprint.Compute(key.PublicKey));
                await Record(AuditEvents.CaUsable, key, before);
                told.Remove(key);
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
