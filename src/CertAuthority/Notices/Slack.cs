using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CertAuthority.Configuration;
using CertAuthority.Store;

namespace CertAuthority.Notices;

/// <summary>
/// Shows notices in Slack by its Web API. A request has one message there, which every later notice about it replaces, so that the channel
/// shows what still waits.
/// </summary>
internal static class Slack
{
    // The message was deleted, or Slack no longer lets anybody change it.
    private static readonly string[] Gone = ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"];

    public static async Task<DeliveryResult> Tell(SlackSettings slack, Attempt attempt, TimeSpan within, CancellationToken stopping)
    {
        var text = NoticeText.Chat(attempt.Told);
        if (attempt.Shown is { } shown)
        {
            var (changed, refused) = await Call(
                slack, "chat.update", new JsonObject { ["channel"] = shown.Channel, ["ts"] = shown.Message, ["text"] = text }, within,
                stopping);
            if (changed is not null || !Gone.Contains(refused.Said))
                return changed is null ? refused : new DeliveryResult(Shown: Message(changed, attempt));
        }
        // Links in free text are not fetched for a preview.
        var (posted, fault) = await Call(
            slack, "chat.postMessage",
            new JsonObject { ["channel"] = slack.Channel, ["text"] = text, ["unfurl_links"] = false, ["unfurl_media"] = false }, within,
            stopping);
        return posted is null ? fault : new DeliveryResult(Shown: Message(posted, attempt));
    }

    // Slack names the channel by its ID, which is what a change needs. A notice about the site is not replaced.
    private static ChatMessage? Message(JsonNode answer, Attempt attempt) =>
        attempt.Told.Request is { } request && Text(answer, "channel") is { } channel && Text(answer, "ts") is { } message
            ? new ChatMessage(channel, message, request.Metadata.Revision)
            : null;

    /// <summary>Calls a method of the API; it answers 200 with <c>ok</c>, also to what it refuses.</summary>
    private static async Task<(JsonNode? Answer, DeliveryResult Refused)> Call(
        SlackSettings slack, string method, JsonObject body, TimeSpan within, CancellationToken stopping)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(slack.Api, method))
        {
            Content = new StringContent(
                body.ToJsonString(), new MediaTypeHeaderValue("application/json", "utf-8")),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", slack.Token) },
        };
        var answer = await HttpAnswer.To(request, within, stopping);
        if (answer.Fault is { } fault)
            return (null, new DeliveryResult(fault));
        return Parsed(answer.Body) switch
        {
            { } said when said["ok"] is JsonValue ok && ok.TryGetValue<bool>(out var done) && done => (said, new DeliveryResult()),
            { } said when Text(said, "error") is { } error => (null, new DeliveryResult($"Slack refused {method}", error)),
            _ => (null, new DeliveryResult($"the answer to {method} is not one of Slack")),
        };
    }

    private static JsonObject? Parsed(string body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonNode node, string member) =>
        node[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
