using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CertAuthority.Configuration;
using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>Delivers notices to a web server: a POST of signed JSON; a 2xx reply means delivered.</summary>
internal static class Webhook
{
    public const string SignatureHeader = "X-CertAuthority-Signature";
    public const string IdHeader = "X-CertAuthority-Event-Id";

    private const int KeptAnswer = 2000;

    public static async Task<DeliveryResult> Post(WebhookSettings webhook, Attempt attempt, TimeSpan within, CancellationToken stopping)
    {
        using var request = Request(webhook, attempt.Told, attempt.Now);
        return await Post(request, within, stopping);
    }

    /// <summary>Posts JSON that is no notice, signed like one.</summary>
    public static async Task<DeliveryResult> Post(
        WebhookSettings webhook, byte[] body, DateTimeOffset now, TimeSpan within, CancellationToken stopping)
    {
        using var request = Signed(webhook, body, now);
        return await Post(request, within, stopping);
    }

    private static async Task<DeliveryResult> Post(HttpRequestMessage request, TimeSpan within, CancellationToken stopping)
    {
        var answer = await HttpAnswer.To(request, within, stopping);
        return answer.Fault is null
            ? new DeliveryResult()
            : new DeliveryResult(answer.Fault, answer.Body[..Math.Min(answer.Body.Length, KeptAnswer)]);
    }

    /// <summary>Creates the HTTP request.</summary>
    /// <param name="webhook">The address and the signing key.</param>
    /// <param name="told">The event; the text for people is added.</param>
    /// <param name="now">The current time; it is signed too, so that nobody can send the request again later.</param>
    public static HttpRequestMessage Request(WebhookSettings webhook, Notification told, DateTimeOffset now)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(told with { Text = NoticeText.Chat(told) }, ProtocolJson.Strict.Of<Notification>());
        var request = Signed(webhook, body, now);
        request.Headers.Add(IdHeader, told.Id);
        return request;
    }

    private static HttpRequestMessage Signed(WebhookSettings webhook, byte[] body, DateTimeOffset now) => new(HttpMethod.Post, webhook.Url)
    {
        Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        Headers = { { SignatureHeader, Signature(webhook.Key.AsSpan(), now, body) } },
    };

    /// <summary><c>t=SECONDS,v1=HEX</c>: HMAC-SHA256 over the seconds since 1970 in decimal, a dot, and the body.</summary>
    public static string Signature(ReadOnlySpan<byte> key, DateTimeOffset now, ReadOnlySpan<byte> body)
    {
        var seconds = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"t={seconds},v1={Convert.ToHexStringLower(HMACSHA256.HashData(key, [.. Encoding.ASCII.GetBytes($"{seconds}."), .. body]))}";
    }
}
