using System.Net.Http.Headers;
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
    private const int KeptAnswer = 2000;

    public override int Most => 100;

    public override TimeSpan LongestPause => TimeSpan.FromHours(1);

    public static string NameOf(WebhookSettings webhook) => $"webhook/{webhook.Name}";

    public override async Task<int> Send(IReadOnlyList<StoredEntry> entries, CancellationToken stopping)
    {
        var wanted = entries.Where(Wants).ToList();
        if (wanted.Count == 0)
            return entries.Count;
        var body = Body(wanted);
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            Headers = { { Webhook.SignatureHeader, Webhook.Signature(webhook.Key.AsSpan(), clock.GetUtcNow(), body) } },
        };
        var answer = await HttpAnswer.To(request, within, stopping);
        var said = answer.Body[..Math.Min(answer.Body.Length, KeptAnswer)];
        return answer.Fault is null ? entries.Count : throw new IOException(said.Length > 0 ? $"{answer.Fault}: {said}" : answer.Fault);
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
