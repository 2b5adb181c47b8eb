using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A reviewer has ten seconds: what they read of a request without scrolling, wherever they read it.</summary>
[Collection(nameof(Browsers))]
public sealed class FirstScreenTests(Browsers browsers, ITestOutputHelper output) : UiSite(browsers), IDisposable
{
    private const int Rows = 24;
    private const int Columns = 80;

    private readonly Scratch scratch = new();
    private TestMailServer? mail;
    private TestWebhook? chat;

    private protected override string Resources => """
        {kind: role, version: v8, metadata: {name: asker}, spec: {allow: {request: {roles: [dba, prod-root, deployer], search_as_roles: [web]}}}}
        ---
        {kind: role, version: v8, metadata: {name: release-asker}, spec: {allow: {request: {roles: [release], thresholds: [{approve: 2, deny: 1}]}}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: ['*']}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba, description: Administers the databases as postgres}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 2h}}}
        ---
        {kind: role, version: v8, metadata: {name: prod-root, description: For emergencies; tell the team afterwards}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: role, version: v8, metadata: {name: web, description: Restarts services on the web hosts}, spec: {allow: {logins: [deploy], node_labels: {type: web}}, options: {max_session_ttl: 8h}}}
        ---
        {kind: role, version: v8, metadata: {name: deployer, description: Brings the newest build to the web hosts}, spec: {allow: {logins: [deploy], node_labels: {type: web}}, options: {max_session_ttl: 30m, force_command: /usr/local/bin/deploy}}}
        ---
        {kind: role, version: v8, metadata: {name: release, description: Signs and publishes a release}, spec: {allow: {logins: [release], node_labels: {type: build}}, options: {max_session_ttl: 4h}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod, type: db}}, spec: {addr: db1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: db2, labels: {env: prod, type: db}}, spec: {addr: db2.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: web1, labels: {type: web}}, spec: {addr: web1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: web2, labels: {type: web}}, spec: {addr: web2.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: build1, labels: {type: build}}, spec: {addr: build1.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [asker, release-asker]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer], traits: {email: [bob@example.com]}}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer], traits: {email: [carol@example.com]}}}
        """;

    private protected override string Configure()
    {
        (mail, chat) = (new TestMailServer(scratch, "none"), new TestWebhook(scratch, "chat"));
        return TestDaemon.ManyLogins + WebhookTests.Configuration(scratch, WebhookTests.Hook(scratch, chat.Url, "chat")) + $"  mail: {{server: 127.0.0.1, port: {mail.Port}, tls: none, from: ca@example.com}}\n";
    }

    public void Dispose()
    {
        mail?.Dispose();
        chat?.Dispose();
        scratch.Dispose();
    }

    [BrowserFact]
    public async Task Facts_of_five_requests_are_on_the_first_screen()
    {
        // She asked for it often, and got it.
        for (var i = 0; i < 6; i++)
        {
            var earlier = await File(Alice, "--roles=release", $"release 4.{i}");
            (await Daemon.Administrator.Types("tctl", "requests", i % 2 == 0 ? "approve" : "deny", earlier)).Done();
        }
        Asked[] five =
        [
            new("a role that opens two hosts by label", await File(Alice, "--roles=dba", "Slow query on db2"),
                "postgres@db1, postgres@db2 (env=prod, type=db)", "2h, until ", "alice was not granted dba within a year", "0 of 1 approval", "bob and carol can", "not granted within a year", "role dba: Administers the databases as postgres"),
            new("root on all hosts", await File(Alice, "--roles=prod-root", "Kernel update"),
                "root (all hosts)", "1h, until ", "role prod-root grants root", "0 of 1 approval", "bob and carol can", "not granted within a year", "role prod-root: For emergencies; tell the team afterwards"),
            new("one host by name", await File(Alice, "--resource=node/web1", "nginx hangs"),
                "deploy@web1 (type=web)", "8h, until ", "alice was not granted web within a year", "0 of 1 approval", "bob and carol can", "not granted within a year", "role web: Restarts services on the web hosts"),
            new("a role with a forced command", await File(Alice, "--roles=deployer", "Build 812"),
                "deploy@web1, deploy@web2 (type=web), runs only /usr/local/bin/deploy", "30m, until ", "sessions run only /usr/local/bin/deploy", "0 of 1 approval", "bob and carol can", "not granted within a year", "role deployer: Brings the newest build to the web hosts"),
            new("the second of two approvals, for somebody who asked often", await File(Alice, "--roles=release", "release 5.0"),
                "release@build1 (type=build)", "4h, until ", null, "1 of 2 approvals: bob", "carol can", "last granted for a request of ", "role release: Signs and publishes a release"),
        ];
        await Eventually.Holds(() => five.All(asked => Chat(asked).Length > 0 && Mail(asked).Length > 0));
        // Mail and the chat are about the moment in which it was filed.
        Asked[] atFirst = [.. five[..4], five[4] with { Needs = "0 of 2 approvals", Who = "bob and carol can" }];
        (await Bob.Types("tsh", "request", "review", five[4].Id, "--approve")).Done();

        var (carol, root) = (await Enter(Carol), await Enter(Daemon.Administrator, "tctl"));
        var faults = new List<string>();
        for (var i = 0; i < five.Length; i++)
        {
            var id = five[i].Id;
            var (approves, decides) = ($"tsh request review {id} --approve", $"tctl requests approve {id}");
            Look("terminal, tsh", five[i], await Terminal(Carol, $"tsh request show {id}"), $"to answer: {approves}");
            Look("terminal, tctl", five[i], await Terminal(Daemon.Administrator, $"tctl requests get {id}"), $"to answer: {decides}");
            Look("mail", atFirst[i], Mail(five[i]), $"to approve it: {approves}");
            Look("page, tsh", five[i], await Page(carol, $"/request?id={id}"), approves);
            Look("page, tctl", five[i], await Page(root, $"/request?id={id}"), decides);
            // Four lines by design: neither the history nor the description, and the ID instead of a command.
            var lines = Chat(five[i]).Replace("`", "", StringComparison.Ordinal);
            Assert.Equal(4, lines.Split('\n').Length);
            Look("chat", atFirst[i] with { History = null, Role = null }, Regex.Replace(lines, "(?m)^(opens|for|needs) |(?<=; )risk: ", match => $"\n{match.Value.TrimEnd(' ', ':')}: "), $"(request {id})");
        }
        // The first of the list, too; requests of one second are in no order that a person could know.
        var list = await Page(carol, "/");
        var first = (await carol.Js("document.querySelector('[data-card] h3').id"))["h-".Length..];
        // Its buttons decide; the command stands below them, further down the more there is to say.
        Look("page, the list", five.Single(one => one.Id == first), list, "Approve");
        Assert.True(faults.Count == 0, string.Join('\n', faults));

        void Look(string where, Asked asked, string screen, string command)
        {
            (string Fact, string? Text)[] facts =
            [
                ("opens", $"opens: {asked.Opens}"), ("for how long", $"for: {asked.For}"), ("risk", asked.Risk is null ? null : $"risk: {asked.Risk}"), ("needs", $"needs: {asked.Needs}"), ("who can approve", asked.Who),
                ("history", asked.History is null ? null : $"history: {asked.History}"), ("description", asked.Role), ("command", command),
            ];
            var seen = Plain(screen);
            string[] missing = [.. facts.Where(fact => fact.Text is not null && !(fact.Fact == "risk" ? Regex.IsMatch(seen, $"risk:.*{Regex.Escape(Plain(asked.Risk!))}") : seen.Contains(Plain(fact.Text), StringComparison.Ordinal))).Select(fact => fact.Fact)];
            output.WriteLine($"{asked.What} | {where} | {(missing is [] ? string.Join(", ", facts.Where(fact => fact.Text is not null).Select(fact => fact.Fact)) : $"without {string.Join(", ", missing)}")}");
            if (missing is not [])
                faults.Add($"{asked.What}, {where}: without {string.Join(", ", missing)}:\n{screen}");
        }
    }

    // Lines are broken wherever the screen ends.
    private static string Plain(string text) => Regex.Replace(text, "\\s", "");

    private async Task<string> Terminal(Person person, string command)
    {
        var folder = Directory.CreateDirectory(Daemon.Scratch["sockets"]).FullName;
        System.IO.File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        await using var screen = await Screen.Start(person, Path.Combine(folder, $"{Guid.NewGuid():n}"), Columns);
        await screen.Types(command);
        await screen.Shows("to answer: ");
        await screen.IsBack();
        var lines = await screen.Lines();
        // Nothing has left the screen at its top.
        Assert.StartsWith($"$ {command}", lines[0], StringComparison.Ordinal);
        Assert.True(lines.Length <= Rows, string.Join('\n', lines));
        return string.Join('\n', lines);
    }

    private string Mail(Asked asked) =>
        mail!.Letters.FirstOrDefault(letter => letter.To == "carol@example.com" && letter.Text.Contains(asked.Id, StringComparison.Ordinal)) is { } letter
            ? string.Join('\n', Body(letter).Split('\n').SelectMany(line => line.Chunk(Columns).Select(piece => new string(piece)).DefaultIfEmpty("")).Take(Rows))
            : "";

    private static string Body(Letter letter)
    {
        var text = letter.Text[(letter.Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        return (letter.Header("Content-Transfer-Encoding") == "quoted-printable" ? text.Replace("=\r\n", "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal) : text).Replace("\r", "", StringComparison.Ordinal);
    }

    private string Chat(Asked asked) =>
        chat!.Posts.FirstOrDefault(post => post.Event == "request.created" && post.Text.Contains(asked.Id, StringComparison.Ordinal))?.Text ?? "";

    // What a window of 1280 x 720 shows without scrolling, and nothing else covers.
    private async Task<string> Page(Tab tab, string path)
    {
        await tab.Looks(isDark: false, 1280, 720);
        await tab.Goto(Origin(tab) + path);
        await tab.Has("[data-card] .command");
        var seen = await tab.Js(
            """
            [...document.querySelectorAll('.facts > div, .command code, button.good, button.bad')].filter(one => {
                const box = one.getBoundingClientRect();
                const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return box.width > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth && one.contains(middle);
            }).map(one => one.matches('div') ? `${one.children[0].innerText}: ${one.children[1].innerText}` : one.innerText).join('\n')
            """);
        Assert.True(seen.Contains("Approve", StringComparison.Ordinal) && seen.Contains("Deny", StringComparison.Ordinal), $"the buttons are not on the first screen:\n{seen}");
        return seen;
    }

    /// <summary>A request, and what a reviewer must read about it; null for a fact that it does not have.</summary>
    private sealed record Asked(string What, string Id, string Opens, string For, string? Risk, string Needs, string Who, string? History, string? Role);
}
