using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Notices;

namespace CertAuthority.Tests.Unit.Notices;

public class WebhookTests
{
    // printf '1772366400.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    [Fact]
    public void The_signature_is_the_HMAC_of_the_time_a_dot_and_the_body() =>
        Assert.Equal(
            "t=1772366400,v1=d6f102980dc74a35254b9d465a225d98d889d9eee2db5b09eba162bf9a82a00f",
            Webhook.Signature("0123456789abcdef0123456789abcdef"u8, DateTimeOffset.FromUnixTimeSeconds(1772366400), "{\"a\":1}"u8));

    [Fact]
    public async Task Post_has_the_event_and_its_text_as_JSON_and_a_signature()
    {
        const string key = "0123456789abcdef";
        using var request = Webhook.Request(Told.Webhook(key), Told.Of("request.created", "<b>"), Told.Now);
        var body = await request.Content!.ReadAsByteArrayAsync();
        Assert.Equal(("POST", "https://chat.example.com/hook", "application/json"), (request.Method.Method, request.RequestUri!.AbsoluteUri, request.Content.Headers.ContentType!.ToString()));
        Assert.Equal(Webhook.Signature(Encoding.UTF8.GetBytes(key), Told.Now, body), Assert.Single(request.Headers.GetValues("X-CertAuthority-Signature")));
        Assert.Equal(Told.Id, Assert.Single(request.Headers.GetValues("X-CertAuthority-Event-Id")));
        var json = JsonNode.Parse(body)!.AsObject();
        Assert.Equal(["id", "attempt", "event", "time", "request", "text"], json.Select(member => member.Key));
        Assert.Equal("alice asks for dba, web: `&lt;b&gt;` (request b48cc9ff-d730-4f59-a5fd-e60383ff6ce2)", (string)json["text"]!);
        Assert.Equal("<b>", (string)json["request"]!["spec"]!["request_reason"]!);
    }

    [Fact]
    public async Task Post_about_hosts_has_their_names_instead_of_a_request()
    {
        using var request = Webhook.Request(Told.Webhook("0123456789abcdef"), Told.OfHosts("hosts.fresh", "db1", "web1"), Told.Now);
        Assert.Equal(
            $"{{\"id\":\"{Told.Id}\",\"attempt\":2,\"event\":\"hosts.fresh\",\"time\":\"2026-03-01T12:00:00Z\",\"hosts\":[\"db1\",\"web1\"],\"text\":\"2 hosts have the revocation list again: db1 and web1\"}}",
            await request.Content!.ReadAsStringAsync());
    }
}
