using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>One message of Slack for each request, with a server that is as strict as Slack.</summary>
public sealed class SlackTests
{
    [Fact]
    public async Task Message_of_a_request_changes_in_place()
    {
        using var scratch = new Scratch();
        using var slack = new TestSlack(scratch);
        await using var daemon = await Start(scratch, slack);
        var id = await Request(daemon, "<!channel> tonight");
        await Eventually.Holds(() => slack.Messages.Count == 1);
        // Killed before it knows that the message arrived, it would send another.
        await Eventually.Holds(() => WebhookTests.Status(daemon, "webhook/team", "waiting") == "0");
        var lines = slack.Messages[0].Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Equal([$"me asks for dba: `&lt;!channel&gt; tonight` (request {id})", "opens `postgres (all hosts)`"], lines[..2]);

        // It is the same message after a restart.
        await daemon.Stop("KILL");
        await daemon.Restart();
        (await daemon.Administrator.Types("tctl", "requests", "approve", "--reason=go", id)).Done();
        await Eventually.Holds(() => slack.Messages[0].EndsWith("\napproved by root: `go`", StringComparison.Ordinal));
        (await daemon.Administrator.Types("tctl", "requests", "deny", "--reason=over", id)).Done();
        await Eventually.Holds(() => slack.Messages[0].EndsWith("\ndenied by root: `over`", StringComparison.Ordinal));
        var other = await Request(daemon, "");
        await Eventually.Holds(() => slack.Messages.Count == 2);
        Assert.Contains(other, slack.Messages[1], StringComparison.Ordinal);
        Assert.Equal(["/api/chat.postMessage ok", "/api/chat.update ok", "/api/chat.update ok", "/api/chat.postMessage ok"], slack.Calls);

        // A message that somebody deleted comes again.
        slack.Delete("1503435956.000002");
        (await daemon.Administrator.Types("tctl", "requests", "deny", other)).Done();
        await Eventually.Holds(() => slack.Messages.Count == 2 && slack.Messages[1].EndsWith("\ndenied by root", StringComparison.Ordinal));
        Assert.Equal(["/api/chat.update message_not_found", "/api/chat.postMessage ok"], slack.Calls[4..]);
        Assert.DoesNotContain("xoxb", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Late_notice_does_not_set_a_message_back()
    {
        using var scratch = new Scratch();
        using var slack = new TestSlack(scratch);
        await using var daemon = await Start(scratch, slack);
        slack.Refuse("ratelimited");
        var id = await Request(daemon, "");
        await Eventually.Holds(() => WebhookTests.Status(daemon, "webhook/team", "last_failure") == "Slack refused chat.postMessage: ratelimited");
        (await daemon.Administrator.Types("tctl", "requests", "deny", id)).Done();
        slack.Refuse(null);
        await Eventually.Holds(() => WebhookTests.Status(daemon, "webhook/team", "waiting") == "0");
        Assert.EndsWith("\ndenied by root", Assert.Single(slack.Messages), StringComparison.Ordinal);
    }

    private static async Task<TestDaemon> Start(Scratch scratch, TestSlack slack)
    {
        scratch.Write("token", "xoxb-1234-abcd\n");
        File.SetUnixFileMode(scratch["token"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var daemon = await TestDaemon.Start(
            scratch,
            configuration: $"notify:\n  before_end: 1s\n  webhooks:\n    - {{name: team, kind: slack, channel: '#ops', token_file: {scratch["token"]}, url: 'http://127.0.0.1:{slack.Port}/api'}}\n");
        await DaemonTests.Setup(daemon);
        return daemon;
    }

    private static async Task<string> Request(TestDaemon daemon, string reason) =>
        (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", $"--reason={reason}", "--nowait", "--force")).Done().Split(' ')[1];

    private sealed class TestSlack(Scratch scratch) : TestReceiver(scratch["slack"], "slack")
    {
        /// <summary>What the channel shows, from the top.</summary>
        public List<string> Messages => [.. Lines("messages").Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!)];

        public List<string> Calls => [.. Lines("calls")];

        public void Refuse(string? error) => Set("refuse", error);

        public void Delete(string message) => Set("deleted", message);

        private string[] Lines(string name) => File.Exists(Path.Combine(Folder, name)) ? File.ReadAllLines(Path.Combine(Folder, name)) : [];

        private void Set(string name, string? text)
        {
            if (text is null)
                File.Delete(Path.Combine(Folder, name));
            else
                File.WriteAllText(Path.Combine(Folder, name), text);
        }
    }
}
