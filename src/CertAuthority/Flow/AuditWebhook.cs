using CertAuthority.Configuration;
using CertAuthority.Notices;
using CertAuthority.Store;

namespace CertAuthority.Flow;

/// <summary>A web server that gets entries in signed calls, a number of them in each; a 2xx reply means that it has them.</summary>
/// <param name="webhook">The address, the key that signs, and the events that it wants.</param>
/// <param name="within">How long one call may take.</param>
/// <param name="clock">The time of a call, which is signed too.</param>
internal sealed class AuditWebhook(WebhookSettings webhook, TimeSpan within, TimeProvider clock) : AuditSink(NameOf(webhook))
{
    public override int Most => 100;

    public override TimeSpan LongestPause => TimeSpan.FromHours(1);

    public static string NameOf(WebhookSettings webhook) => $"webhook/{webhook.Name}";

    public override async Task<int> Send(IReadOnlyList<StoredEntry> entries, CancellationToken stopping)
    {
        var wanted = entries.Where(Wants).ToList();
        if (wanted.Count == 0)
            return entries.Count;
        var result = await Webhook.Post(webhook, Body(wanted), clock.GetUtcNow(), within, stopping);
        return result.Fault is { } fault
            ? throw new IOException(result.Said.Length > 0 ? $"{fault}: {result.Said}" : fault)
            : entries.Count;
    }

    // Nobody knows what an entry was that cannot be read, so it is not kept from anybody.
    private bool Wants(StoredEntry stored) => stored.Read() is not { } entry || webhook.Audit.Any(pattern => pattern.Matches(entry.Event));

    private static byte[] Body(List<StoredEntry> entries)
    {
        var body = new MemoryStream();
        body.Write("{\"event\":\"audit.entries\",\"entries\":["u8);
        for (var n = 0; n < entries.Count; n++)
        {
            if (n > 0)
                body.Write(","u8);
            body.Write(entries[n].Line());
        }
        body.Write("]}"u8);
        return body.ToArray();
    }
}
