using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Telling web servers of what happens: real ones, that keep what they are told, fail, hang or are not there.</summary>
public sealed class WebhookTests
{
    [Fact]
    public async Task Each_event_is_posted_as_JSON_with_the_documented_signature()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat");
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(scratch, Hook(scratch, chat.Url, "chat")));
        await DaemonTests.Setup(daemon);
        var id = await Request(daemon, "<!channel> `& <https://evil.example|click>");
        (await daemon.Administrator.Types("tctl", "requests", "approve", "--reason=go", id)).Done();
        await Eventually.Holds(() => chat.Posts.Count == 2);

        Assert.Equal(["request.created", "request.approved"], chat.Posts.Select(post => post.Event));
        Assert.StartsWith(
            $"me asks for dba: `&lt;!channel&gt; '&amp; &lt;https://evil.example|click&gt;` (request {id})\nopens `postgres (all hosts)`\nfor `", chat.Posts[0].Text,
            StringComparison.Ordinal);
        Assert.Equal(4, chat.Posts[0].Text.Split('\n').Length);
        Assert.EndsWith($" (request {id})\napproved by root: `go`", chat.Posts[1].Text, StringComparison.Ordinal);
        foreach (var post in chat.Posts)
        {
            Assert.Equal(("/chat", "application/json", post.Id), (Header(post, "path"), Header(post, "Content-Type"), Header(post, "X-CertAuthority-Event-Id")));
            Assert.Equal(id, post.Body.GetProperty("request").GetProperty("metadata").GetProperty("name").GetString());
            Assert.Equal((0, ""), await Verify(daemon, post, post.BodyFile, scratch["key"]));
        }

        // Neither another body, nor another key, nor another time passes.
        var first = chat.Posts[0];
        var forged = scratch.Write("forged", (await File.ReadAllTextAsync(first.BodyFile)).Replace("\"me\"", "\"us\"", StringComparison.Ordinal));
        Assert.Equal(1, (await Verify(daemon, first, forged, scratch["key"])).ExitCode);
        Assert.Equal(1, (await Verify(daemon, first, first.BodyFile, scratch.Write("other", "fedcba9876543210fedcba9876543210\n"))).ExitCode);
        Assert.Equal(1, (await Verify(daemon, first, first.BodyFile, scratch["key"], signature => signature.Replace("t=1", "t=2", StringComparison.Ordinal))).ExitCode);
        var old = "1000000000." + await File.ReadAllTextAsync(first.BodyFile);
        var signed = Convert.ToHexStringLower(HMACSHA256.HashData("0123456789abcdef0123456789abcdef"u8, Encoding.UTF8.GetBytes(old)));
        Assert.Equal((1, "it is old\n"), await Verify(daemon, first, first.BodyFile, scratch["key"], _ => $"t=1000000000,v1={signed}"));
    }

    [Fact]
    public async Task Failed_webhook_is_retried_with_the_same_ID_until_it_works()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat");
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(scratch, Hook(scratch, chat.Url, "chat")));
        await DaemonTests.Setup(daemon);
        chat.Answer("500\n\nout of\n\u001b[31mpaper");
        await Request(daemon);
        await Eventually.Holds(() => Status(daemon, "webhook/chat", "last_failure") == "it answered 500: out of\n\u001b[31mpaper");
        Assert.Matches(@"\nnotifications \(webhook/chat\): 1 waiting, 0 given up; last failure [-0-9]+T[:0-9]+Z: it answered 500: out of\\n\\u\{1b\}\[31mpaper\n", (await daemon.Administrator.Types("tctl", "status")).Done());

        // Another address is none: what we have to say is for the one in the configuration.
        using var other = new TestWebhook(scratch, "other");
        chat.Answer($"307\nLocation: {other.Url}");
        await Eventually.Holds(() => Status(daemon, "webhook/chat", "last_failure") == "it answered 307");
        chat.Answer("204");
        await Eventually.Holds(() => Status(daemon, "webhook/chat", "waiting") == "0");

        Assert.Empty(other.Posts);
        Assert.Single(chat.Posts.Select(post => post.Id).Distinct());
        Assert.Equal(Enumerable.Range(1, chat.Posts.Count), chat.Posts.Select(post => post.Attempt));
        Assert.DoesNotContain("\u001b", daemon.Log);
        Assert.DoesNotContain("0123456789abcdef", daemon.Log);
    }

    [Fact]
    public async Task Dead_webhooks_delay_nobody_and_show_in_the_status()
    {
        using var scratch = new Scratch();
        using var hangs = new TestWebhook(scratch, "hangs");
        using var works = new TestWebhook(scratch, "works");
        hangs.Answer("hang");
        int closed;
        using (var gone = new TestWebhook(scratch, "gone"))
            closed = gone.Port;
        await using var daemon = await TestDaemon.Start(
            scratch, configuration: Configuration(scratch, Hook(scratch, hangs.Url, "a-hangs"), Hook(scratch, $"http://127.0.0.1:{closed}", "b-gone"), Hook(scratch, works.Url, "works"), timeout: "4m"));
        await DaemonTests.Setup(daemon);
        await Request(daemon);
        await Eventually.Holds(() => hangs.Posts.Count == 1);

        // It hangs for four minutes. Everybody else is served meanwhile.
        await Request(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        await Eventually.Holds(() => works.Posts.Count == 2);
        await Eventually.Holds(() => Status(daemon, "webhook/b-gone", "last_failure") == $"Connection refused (127.0.0.1:{closed})");
        var status = (await daemon.Administrator.Types("tctl", "status")).Done();
        Assert.Contains("\nnotifications (webhook/a-hangs): 2 waiting, 0 given up\n", status);
        Assert.Matches(@"\nnotifications \(webhook/b-gone\): 2 waiting, 0 given up; last failure .*: Connection refused", status);
        Assert.Contains("\nnotifications (webhook/works): 0 waiting, 0 given up\n", status);
        Assert.Equal(0, await daemon.Stop());
    }

    [Fact]
    public async Task Webhook_that_does_not_answer_in_time_has_failed()
    {
        using var scratch = new Scratch();
        using var hangs = new TestWebhook(scratch, "hangs");
        hangs.Answer("hang");
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(scratch, Hook(scratch, hangs.Url, "hangs"), timeout: "1s"));
        await DaemonTests.Setup(daemon);
        await Request(daemon);
        await Eventually.Holds(() => Status(daemon, "webhook/hangs", "last_failure") == "it did not answer within 1 s");
    }

    [Fact]
    public async Task Each_webhook_receives_what_its_filter_allows()
    {
        using var scratch = new Scratch();
        using var answers = new TestWebhook(scratch, "answers");
        using var dba = new TestWebhook(scratch, "dba");
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(
            scratch, Hook(scratch, answers.Url, "answers", "events: [request.denied, request.cancelled]"), Hook(scratch, dba.Url, "dba", "roles: ['d*', '^x$']")));
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: web}, spec: {allow: {logins: [web], node_labels: {'*': '*'}}}}")).Done();
        (await daemon.Administrator.Types(["tctl", "create", "-f"], "{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba, web]}}}}")).Done();
        var web = await Request(daemon, role: "web");
        (await daemon.Administrator.Types("tctl", "requests", "deny", web)).Done();
        var database = await Request(daemon);
        (await daemon.Administrator.Types("tctl", "requests", "approve", database)).Done();
        await Eventually.Holds(() => answers.Posts.Count == 1 && dba.Posts.Count == 2);

        // What is told later comes later, so nothing is on its way any more.
        (await daemon.Administrator.Types("tctl", "requests", "deny", database)).Done();
        await Eventually.Holds(() => answers.Posts.Count == 2 && dba.Posts.Count == 3);
        Assert.Equal([$"request.denied {web}", $"request.denied {database}"], answers.Posts.Select(Show));
        Assert.Equal([$"request.created {database}", $"request.approved {database}", $"request.denied {database}"], dba.Posts.Select(Show));

        static string Show(Post post) => $"{post.Event} {post.Body.GetProperty("request").GetProperty("metadata").GetProperty("name").GetString()}";
    }

    [Fact]
    public async Task Queued_notices_survive_a_kill_but_not_their_receiver()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat");
        using var other = new TestWebhook(scratch, "other");
        chat.Answer("503");
        other.Answer("503");
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(scratch, Hook(scratch, chat.Url, "chat"), Hook(scratch, other.Url, "other")));
        await DaemonTests.Setup(daemon);
        var id = await Request(daemon);
        await Eventually.Holds(() => chat.Posts.Count >= 1 && other.Posts.Count >= 1);
        await daemon.Stop("KILL");

        chat.Answer("200");
        scratch.Write("certauthority.yaml", Configuration(scratch, Hook(scratch, chat.Url, "chat")));
        await daemon.Restart();
        await Eventually.Holds(() => Status(daemon, "webhook/chat", "waiting") == "0");
        Assert.Single(chat.Posts.Select(post => post.Id).Distinct());
        Assert.Contains(id, chat.Posts[^1].Text);
        Assert.Contains("1 notifications that waited for webhook/other were dropped", daemon.Log);
        Assert.DoesNotContain("other", (await daemon.Administrator.Types("tctl", "status")).Done());
    }

    [Fact]
    public async Task Webhook_with_an_untrusted_certificate_receives_nothing()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat", tls: true);
        await using (var daemon = await TestDaemon.Start(scratch, configuration: Configuration(scratch, Hook(scratch, chat.Url, "chat"))))
        {
            await DaemonTests.Setup(daemon);
            await Request(daemon);
            await Eventually.Holds(() => Status(daemon, "webhook/chat", "last_failure")?.StartsWith("no TLS with it: The remote certificate is invalid", StringComparison.Ordinal) == true);
            await daemon.Stop();
        }
        Assert.Empty(chat.Posts);
        await using var trusting = await TestDaemon.Start(scratch, around: ["env", $"SSL_CERT_FILE={scratch["server.pem"]}"], arguments: ["--config", scratch["certauthority.yaml"]]);
        await Eventually.Holds(() => chat.Posts.Count == 1);
    }

    /// <summary>As docs/notices.md has it.</summary>
    private static async Task<(int ExitCode, string Error)> Verify(TestDaemon daemon, Post post, string body, string key, Func<string, string>? changed = null)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(World.Repository, "docs", "notices.md"));
        var script = daemon.Scratch.Write("verify", text.Split("```sh\n#!/bin/sh\n# verify")[1].Split("```\n")[0].Insert(0, "# verify"));
        var run = await daemon.Administrator.Types("sh", script, key, body, (changed ?? (signature => signature))(Header(post, "X-CertAuthority-Signature")));
        Assert.Equal("", run.Output);
        return (run.ExitCode, run.Error);
    }

    private static string Header(Post post, string name) => post.Headers.EnumerateObject().Single(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value.GetString()!;

    internal static string Configuration(Scratch scratch, string first, string second = "", string third = "", string timeout = "10s") =>
        $"notify:\n  timeout: {timeout}\n  before_end: 1s\n  webhooks:\n{first}{second}{third}";

    internal static string Hook(Scratch scratch, string url, string name, string more = "")
    {
        scratch.Write("key", "0123456789abcdef0123456789abcdef\n");
        File.SetUnixFileMode(scratch["key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return $"    - {{name: {name}, url: '{url}', secret_file: {scratch["key"]}{(more.Length > 0 ? $", {more}" : "")}}}\n";
    }

    private static async Task<string> Request(TestDaemon daemon, string reason = "", string role = "dba") =>
        (await daemon.Myself.Types("tsh", "request", "create", $"--roles={role}", $"--reason={reason}", "--nowait", "--force")).Done().Split(' ')[1];

    /// <summary>What the status says of a receiver; null where it says nothing.</summary>
    internal static string? Status(TestDaemon daemon, string receiver, string member)
    {
        var status = JsonDocument.Parse(daemon.Administrator.Types("tctl", "status", "--format=json").Result.Done()).RootElement;
        return status.GetProperty("notifications").EnumerateArray().Single(one => one.GetProperty("name").GetString() == receiver).TryGetProperty(member, out var value) ? value.ToString() : null;
    }
}
