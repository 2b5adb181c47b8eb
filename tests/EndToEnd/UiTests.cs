using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Tests that share the browsers.</summary>
[CollectionDefinition(nameof(Browsers))]
public sealed class InBrowsers : ICollectionFixture<Browsers>;

/// <summary>The web page of <c>tsh ui</c> and <c>tctl ui</c>, in a real browser.</summary>
[Collection(nameof(Browsers))]
public sealed class UiTests(Browsers browsers, ITestOutputHelper output) : IAsyncLifetime
{
    private const string Resources = """
        {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {env: staging}}}}
        ---
        {kind: role, version: v8, metadata: {name: contractor}, spec: {allow: {request: {roles: [dba, ops, prod-root], search_as_roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba, ops, prod-root]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba, description: "Administers the databases as postgres"}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 2h}}}
        ---
        {kind: role, version: v8, metadata: {name: ops, description: "Restarts services on the web hosts"}, spec: {allow: {logins: [deploy], node_labels: {type: web}}, options: {max_session_ttl: 8h}}}
        ---
        {kind: role, version: v8, metadata: {name: prod-root, description: "root on every production host"}, spec: {allow: {logins: [root], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod, type: db}}, spec: {addr: "db1.example.com:22"}}
        ---
        {kind: node, version: v2, metadata: {name: db2, labels: {env: prod, type: db}}, spec: {addr: "db2.example.com:22"}}
        ---
        {kind: node, version: v2, metadata: {name: web1, labels: {env: staging, type: web}}, spec: {addr: "web1.example.com:22"}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access, contractor]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [access, reviewer]}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [access, contractor]}}
        """;

    private readonly List<Process> pages = [];
    private TestDaemon daemon = null!;

    private Person Alice => daemon.Person(Person.Alice);

    private Person Bob => daemon.Person(Person.Bob);

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], Resources)).Done();
    }

    public async Task DisposeAsync()
    {
        foreach (var page in pages)
        {
            if (!page.HasExited)
                page.Kill(entireProcessTree: true);
            page.Dispose();
        }
        if (daemon is not null)
            await daemon.DisposeAsync();
    }

    [BrowserFact]
    public async Task Two_people_ask_approve_use_and_deny()
    {
        var bob = await Enter(Bob);
        await bob.Sees("Nothing waits for you.");
        var alice = await Enter(Alice);

        // She searches by a word of the description, and sees what the role would open before she asks.
        await alice.Go("a[href='/ask']");
        await alice.Types("#q", "administers");
        await alice.Holds("document.querySelectorAll('input[name=roles]').length === 1", "one role is left");
        await alice.Click("input[name=roles][value=dba]");
        await alice.Sees("postgres@db1, postgres@db2");
        await alice.Sees("0 of 1 approval; bob can");
        await alice.Types("#reason", "migration tonight");
        await alice.Go("button[formaction='/ask']");
        await alice.Sees("the request is filed");

        // He sees it without a click, and approves.
        await bob.Sees("migration tonight");
        Assert.Equal("(1) Waiting for you - tsh", await bob.Title());
        await bob.Types("[data-card] input[name=reason]", "go ahead");
        await bob.Go("[data-card] button.good");
        await bob.Sees("has been approved");
        await bob.Sees("Nothing waits for you.");

        // She sees that too, and uses it.
        await alice.Sees("bob approved dba");
        await alice.Sees("go ahead");
        await alice.Go("main a[href='/mine']");
        await alice.Sees("not in use");
        await alice.Go("form[action='/use'] button");
        await alice.Sees("tsh ssh postgres@db1");
        Assert.Contains("dba", (await Alice.Types("tsh", "status")).Done());

        // He denies her next request, with a reason.
        var id = await File(Alice, "--roles=ops", "restart");
        await bob.Sees("restart");
        await bob.Types("[data-card] input[name=reason]", "not tonight");
        await bob.Go("[data-card] button.bad");
        await bob.Sees("has been denied");
        await alice.Goto($"{Origin(alice)}/request?id={id}");
        await alice.Sees("not tonight");
        Assert.Contains("state: DENIED", (await Alice.Types("tsh", "request", "show", id)).Done());

        // Dropping revokes, and the request shows it.
        await alice.Goto($"{Origin(alice)}/mine");
        await alice.Go("form[action='/drop'] button");
        await alice.Sees("1 certificate revoked");
    }

    [BrowserFact]
    public async Task Risky_approval_asks_again_and_less_grants_less()
    {
        var risky = await File(Alice, "--roles=prod-root", "kernel update");
        var bob = await Enter(Bob);
        await bob.Go("[data-card] button.good");
        await bob.Sees("Approve this?");
        await bob.Sees("root@db1, root@db2");
        Assert.Equal("PENDING", await State(risky));
        await bob.Go("[data-confirm] button.good");
        Assert.Equal("APPROVED", await State(risky));

        var both = await File(Alice, "--roles=dba,ops", "release");
        await bob.Goto(Origin(bob));
        await bob.Click("[data-less] summary");
        await bob.Click("[data-less] input[value=dba]");
        await bob.Go("[data-less] button");
        await bob.Sees("has been approved");
        Assert.Contains("granted roles: ops\n", (await Alice.Types("tsh", "request", "show", both)).Done());
    }

    [BrowserFact]
    public async Task Several_requests_of_one_kind_are_answered_together()
    {
        string[] ids = [await File(Alice, "--roles=dba", "one"), await File(daemon.Person(Person.Carol), "--roles=dba", "two")];
        var bob = await Enter(Bob);
        await bob.Sees("2 requests for dba");
        await bob.Click("[data-all]");
        await bob.Go("form.several button.good");
        await bob.Sees("Nothing waits for you.");
        foreach (var id in ids)
            Assert.Equal("APPROVED", await State(id));
    }

    [BrowserFact]
    public async Task Texts_of_other_people_are_texts()
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: odd, description: "<script>document.title='taken'</script>\"><img src=x onerror=\"document.title='taken'\">"}, spec: {allow: {logins: [x], node_labels: {type: odd}}}}
            ---
            {kind: node, version: v2, metadata: {name: odd1, labels: {type: odd, note: "<b id=planted>\" onfocus=alert(1) autofocus x=\""}}, spec: {addr: odd1}}
            ---
            {kind: role, version: v8, metadata: {name: odd-asker}, spec: {allow: {request: {roles: [odd], search_as_roles: [odd]}}}}
            ---
            {kind: role, version: v8, metadata: {name: odd-reviewer}, spec: {allow: {review_requests: {roles: [odd]}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=odd-asker", "alice")).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=odd-reviewer", "bob")).Done();
        const string reason = "</bdi></blockquote><script>document.title='taken'</script><b id=planted> javascript:alert(1) &amp; '\"`";
        var id = await File(Alice, "--resource=node/odd1", reason);
        var (alice, bob) = (await Enter(Alice), await Enter(Bob));
        await bob.Sees(reason);
        foreach (var (tab, path) in new[]
        {
            (bob, "/"), (bob, $"/request?id={id}"), (bob, "/history?person=%3Cscript%3Edocument.title='taken'%3C/script%3E&whose=suggested"), (bob, "/?said=%3Cb%20id=planted%3E"),
            (alice, "/mine"), (alice, "/ask?q=%22%3E%3Cb%20id=planted%3E"), (alice, "/ask?hosts=odd1&roles=%3Cb%20id=planted%3E&reason=%22%3E%3Cb%20id=planted%3E"), (alice, "/ask?hosts=odd1"), (alice, $"/request?id={id}%22%3E%3Cb%20id=planted%3E"),
        })
        {
            await tab.Goto(Origin(tab) + path);
            Assert.DoesNotContain("taken", await tab.Title());
            Assert.Equal("true", await tab.Js("document.querySelector('#planted, main script, main img') === null && document.querySelectorAll('script').length === 1"));
        }
    }

    [PeopleFact]
    public async Task Forged_calls_reach_nothing()
    {
        await using var page = await Serve(daemon.Administrator, "tctl");
        var id = await File(Alice, "--roles=dba", "please");
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(page.Origin) };

        var last = "";
        async Task<int> Call(string path, string? form = null, string? host = null, string? origin = "own", string? cookie = null, string type = "application/x-www-form-urlencoded", string method = "")
        {
            using var call = new HttpRequestMessage(new HttpMethod(method.Length > 0 ? method : form is null ? "GET" : "POST"), path);
            if (form is not null)
                call.Content = new StringContent(form, new System.Net.Http.Headers.MediaTypeHeaderValue(type));
            call.Headers.Host = host;
            if (origin is not null && form is not null)
                call.Headers.Add("Origin", origin == "own" ? page.Origin : origin);
            if (cookie is not null)
                call.Headers.Add("Cookie", $"certauthority-{new Uri(page.Origin).Port}={cookie}");
            using var answer = await http.SendAsync(call);
            last = await answer.Content.ReadAsStringAsync();
            if (path == "/enter" && answer.Headers.TryGetValues("Set-Cookie", out var set))
                page.Cookie = set.Single().Split('=')[1].Split(';')[0];
            return (int)answer.StatusCode;
        }

        // Before anybody has entered, and with tokens that are not the token.
        Assert.True(await Call("/") == 401, last);
        Assert.Equal(401, await Call("/approve", $"id={id}"));
        foreach (var wrong in (string[])["", "token=", "token=x", $"token={page.Token[..^1]}", $"token={page.Token}x", $"other={page.Token}"])
            Assert.Equal(403, await Call("/enter", wrong));
        Assert.Equal(400, await Call("/enter", $"token=%00{page.Token}"));
        // The right token, from another page or under another name, is not used up.
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: "http://evil.example"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: "null"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: null));
        Assert.Equal(421, await Call("/enter", $"token={page.Token}", host: "evil.example"));
        Assert.Equal(303, await Call("/enter", $"token={page.Token}"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}"));

        var cookie = page.Cookie!;
        Assert.Equal(43, cookie.Length);
        Assert.Equal(200, await Call("/", cookie: cookie));
        Assert.Equal(401, await Call("/", cookie: cookie[..^1]));
        Assert.Equal(401, await Call("/", cookie: page.Token));
        Assert.Equal(401, await Call("/", cookie: ""));
        var port = new Uri(page.Origin).Port;
        foreach (var host in (string[])["localhost", $"localhost:{port}", "127.0.0.1", $"127.0.0.1:{port + 1}", $"evil.example:{port}", $"127.0.0.1.evil.example:{port}", $"[::1]:{port}"])
            Assert.Equal(421, await Call("/", cookie: cookie, host: host));
        foreach (var origin in (string?[])[null, "null", "http://evil.example", "http://127.0.0.1", $"http://127.0.0.1:{port + 1}", $"http://localhost:{port}", $"https://127.0.0.1:{port}", $"http://127.0.0.1:{port}.evil.example"])
            Assert.Equal(403, await Call("/approve", $"id={id}", origin: origin, cookie: cookie));
        Assert.Equal(415, await Call("/approve", $"id={id}", cookie: cookie, type: "text/plain"));
        Assert.Equal(415, await Call("/approve", $"{{\"id\":\"{id}\"}}", cookie: cookie, type: "application/json"));
        foreach (var method in (string[])["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
            Assert.Equal(405, await Call("/", cookie: cookie, method: method));
        // A GET changes nothing, and a page of the other program does not exist.
        Assert.Equal(404, await Call($"/approve?id={id}&sure=yes", cookie: cookie));
        Assert.Equal(404, await Call("/use", $"id={id}", cookie: cookie));
        Assert.Equal("PENDING", await State(id));

        Assert.Equal(303, await Call("/approve", $"id={id}&back=//evil.example", cookie: cookie));
        Assert.Equal("APPROVED", await State(id));
    }

    [PeopleFact]
    public async Task Page_is_for_the_account_that_started_it()
    {
        await using var page = await Serve(Alice, "tsh");
        foreach (var person in (Person[])[Bob, daemon.Administrator])
        {
            var enters = await person.Types("curl", "-s", "-i", $"{page.Origin}/enter", "-H", $"Origin: {page.Origin}", "-d", $"token={page.Token}");
            Assert.StartsWith("HTTP/1.1 403 ", enters.Done(), StringComparison.Ordinal);
            Assert.Contains("belongs to another account", enters.Output);
        }
        Assert.StartsWith("HTTP/1.1 303 ", (await Alice.Types("curl", "-s", "-i", $"{page.Origin}/enter", "-H", $"Origin: {page.Origin}", "-d", $"token={page.Token}")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Every_answer_has_the_headers_that_fence_it()
    {
        await using var page = await Serve(daemon.Administrator, "tctl");
        using var http = new HttpClient { BaseAddress = new Uri(page.Origin) };
        foreach (var path in (string[])["/", "/style.css", "/page.js", "/icon.svg", "/nothing"])
        {
            using var answer = await http.GetAsync(path);
            Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
            Assert.Equal("default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
            foreach (var (name, value) in new[] { ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin") })
                Assert.Equal(value, answer.Headers.GetValues(name).Single());
        }
    }

    [BrowserFact]
    public async Task Two_tabs_show_the_same_and_one_answer_counts()
    {
        var id = await File(Alice, "--roles=dba", "please");
        var one = await Enter(Bob);
        var other = await one.Another();
        await other.Goto(Origin(one));
        await other.Sees("please");
        await one.Go("[data-card] button.good");
        await one.Sees("has been approved");
        await other.Sees("Nothing waits for you.");
        // A tab that does not know it yet is told.
        await other.Js($"(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = '/deny'; form.id = 'late'; form.innerHTML = '<input name=id value={id}><button>late</button>'; document.querySelector('main').append(form); }})()");
        await other.Go("#late button");
        await other.Sees("the access request has been already approved");
        Assert.Equal("APPROVED", await State(id));
    }

    [BrowserFact]
    public async Task Restart_of_the_daemon_is_said_and_survived()
    {
        var bob = await Enter(Bob);
        await bob.Sees("Nothing waits for you.");
        Assert.Equal(0, await daemon.Stop());
        await bob.Sees("The daemon does not answer.");
        var late = await bob.Another();
        await late.Goto($"{Origin(bob)}/history");
        await late.Sees("does not work");
        await daemon.Restart();
        await late.Sees("No request is like that.");
        await bob.Front();
        await File(Alice, "--roles=dba", "after the restart");
        await bob.Sees("after the restart");
        Assert.DoesNotContain("does not answer", await bob.Text());
    }

    [BrowserFact]
    public async Task Page_ends_when_its_owner_leaves()
    {
        var (page, bob) = await EnterPage(Bob);
        await bob.Go(".leave button");
        await bob.Sees("The page has ended");
        await page.Process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, page.Process.ExitCode);

        await using var other = await Serve(Bob, "tsh");
        using (var kill = Process.Start("kill", ["-s", "INT", other.Process.Id.ToString()]))
            await kill.WaitForExitAsync();
        await other.Process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, other.Process.ExitCode);
    }

    [BrowserFact]
    public async Task Keyboard_is_enough()
    {
        string[] ids = [await File(Alice, "--roles=dba", "first"), await File(Alice, "--roles=ops", "second"), await File(Alice, "--roles=prod-root", "third")];
        var bob = await Enter(Bob);
        await bob.Sees("third");
        await bob.Press("Tab");
        Assert.Equal("Skip to the content", await bob.Js("document.activeElement.innerText"));
        // y asks again, because it is root.
        await Reach("third");
        await bob.Press("y");
        await bob.Sees("Approve this?");
        await bob.Press("y");
        await bob.Sees("has been approved");
        await Reach("first");
        await bob.Press("n");
        foreach (var letter in "busy")
            await bob.Press($"{letter}");
        await bob.Press("Enter");
        await bob.Sees("has been denied");
        Assert.Equal(("DENIED", "PENDING", "APPROVED"), (await State(ids[0]), await State(ids[1]), await State(ids[2])));
        // Switched off, a letter is a letter.
        await bob.Click("#keys-toggle");
        await bob.Press("j");
        await bob.Press("y");
        await bob.Sees("Keys off");
        Assert.Equal("PENDING", await State(ids[1]));

        // Requests of one second are in no order that a person could know.
        async Task Reach(string reason)
        {
            await bob.Has("[data-card]");
            for (var i = 0; i < 3 && await bob.Js($"document.activeElement.closest('[data-card]')?.innerText.includes('{reason}')") != "true"; i++)
                await bob.Press("j");
        }
    }

    [BrowserFact]
    public async Task Reading_and_deciding_need_no_script()
    {
        var id = await File(Alice, "--roles=dba,ops", "please");
        var page = await Serve(Bob, "tsh");
        var bob = await browsers.Open(Person.Bob, hasScript: false);
        await bob.Goto($"{page.Origin}/#{page.Token}");
        await bob.Types("#token", page.Token);
        await bob.Go("#enter button");
        await bob.Sees("please");
        await bob.Go("[data-card] a[href^='/request']");
        await bob.Sees("What happened");
        await bob.Types("input[name=reason]", "fine");
        await bob.Go("[data-card] .buttons button.good");
        await bob.Sees("approved dba, ops");
        Assert.Equal("APPROVED", await State(id));
        await bob.Go("nav a[href='/history']");
        await bob.Goto($"{page.Origin}/history?whose=suggested&state=denied");
        await bob.Sees("No request is like that.");

        var ask = await Serve(Alice, "tsh");
        var alice = await browsers.Open(Person.Alice, hasScript: false);
        await alice.Goto($"{ask.Origin}/");
        await alice.Types("#token", $"#{ask.Token}");
        await alice.Go("#enter button");
        await alice.Go("nav a[href='/ask']");
        await alice.Click("input[name=hosts][value=db2]");
        await alice.Go("#ask .buttons button:not(.good)");
        await alice.Sees("postgres@db2");
        await alice.Types("#reason", "one host");
        await alice.Go("button[formaction='/ask']");
        await alice.Sees("the request is filed");
    }

    [BrowserFact]
    public async Task Administrator_locks_looks_and_takes_back()
    {
        var id = await File(Alice, "--roles=dba", "please");
        var page = await Serve(daemon.Administrator, "tctl");
        var root = await browsers.Open(0);
        await root.Goto(page.Url);
        await root.Sees("please");
        await root.Go("[data-card] button.good");
        (await Alice.Types("tsh", "login", $"--request-id={id}")).Done();
        await root.Goto($"{page.Origin}/who?host=db1");
        await root.Sees("alice");
        await root.Sees("a request");
        await root.Goto($"{page.Origin}/hosts?q=db");
        await root.Sees("2 of 3");
        await root.Goto($"{page.Origin}/request?id={id}");
        await root.Types("#reason", "enough");
        await root.Go("main form[action='/deny'] button");
        await root.Sees("1 certificate revoked");
        await root.Sees("denied by root");
        await root.Goto($"{page.Origin}/locks");
        await root.Types("#name", "alice");
        await root.Types("#message", "laptop lost");
        await root.Go("form[action='/lock'] button");
        await root.Sees("user alice is locked");
        Assert.Equal(1, (await Alice.Types("tsh", "login")).ExitCode);
        await root.Go("form[action='/lift'] button");
        await root.Sees("Nothing is locked.");
        await root.Goto($"{page.Origin}/history?person=alice&state=denied");
        await root.Sees("please");
    }

    [BrowserFact]
    public async Task No_page_has_a_fault_that_axe_finds()
    {
        var id = await File(Alice, "--roles=prod-root,dba", "please");
        await File(daemon.Person(Person.Carol), "--roles=dba", "me too");
        await File(Alice, "--roles=dba", "mine");
        var approved = await File(Alice, "--roles=ops", "restart");
        (await daemon.Administrator.Types("tctl", "requests", "approve", approved)).Done();
        (await daemon.Administrator.Types("tctl", "lock", "--login=nobody", "--message=no such login", "--ttl=1h")).Done();
        var (alice, bob, root) = (await Enter(Alice), await Enter(Bob), await Enter(daemon.Administrator, "tctl"));
        var stranger = await bob.Another();
        var faults = new List<string>();
        foreach (var (tab, paths) in new (Tab, string[])[]
        {
            (bob, ["/", $"/request?id={id}", "/history", "/nothing"]),
            (alice, ["/mine", "/ask?roles=dba", "/ask?roles=none", "/history", $"/request?id={approved}"]),
            (root, ["/", $"/request?id={approved}", "/history", "/hosts", "/who?host=db1", "/locks"]),
        })
            foreach (var path in paths)
            {
                await tab.Goto(Origin(tab) + path);
                foreach (var isDark in (bool[])[false, true])
                {
                    await tab.Looks(isDark);
                    faults.AddRange((await tab.Faults()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(fault => $"{path} {(isDark ? "dark" : "light")} {fault}"));
                }
            }
        // The question before a risky approval, and the door.
        await bob.Goto(Origin(bob));
        await bob.Go("[data-card] button.good[data-key]");
        faults.AddRange((await bob.Faults()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var door = await browsers.Open(Person.Bob, hasScript: true);
        await door.Goto(Origin(bob));
        faults.AddRange((await door.Faults()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [BrowserFact]
    public async Task Ten_thousand_requests_are_searched_a_page_at_a_time()
    {
        var id = await File(Alice, "--roles=dba", "the needle");
        (await daemon.Administrator.Types("tctl", "requests", "deny", id)).Done();
        await daemon.Stop();
        await Multiply(id, 10_000);
        await daemon.Restart();
        var (root, alice) = (await Enter(daemon.Administrator, "tctl"), await Enter(Alice));
        foreach (var (tab, path, rows) in new[]
        {
            (root, "/history", 50), (root, "/history?person=alice&role=dba&state=denied&since=7d", 50), (root, "/history?person=nobody", 0), (root, "/history?host=db1", 0),
            (alice, "/history", 50), (alice, "/history?state=denied", 50), (alice, "/history?state=pending", 0), (alice, "/mine", 40), (alice, "/", 0),
        })
        {
            // The time of the whole answer, as the browser measures it; the machine may be busy, so it is only reported.
            var taken = await tab.Js($"(async () => {{ const start = performance.now(); const text = await (await fetch('{path}')).text(); window.text = text; return Math.round(performance.now() - start); }})()");
            output.WriteLine($"{path}: {taken} ms");
            Assert.Equal($"{rows}", await tab.Js("new DOMParser().parseFromString(window.text, 'text/html').querySelectorAll('tbody tr').length"));
        }
        // The second page goes on where the first ends; the file has everything.
        await root.Goto($"{Origin(root)}/history?person=alice");
        var first = await root.Js("document.querySelector('tbody a').href");
        await root.Go("#results .button");
        Assert.NotEqual(first, await root.Js("document.querySelector('tbody a').href"));
        Assert.Equal("10002", await root.Js("fetch('/history.csv?person=alice').then(answer => answer.text()).then(text => text.split('\\r\\n').length - 1)"));
    }

    // Requests that were filed one a minute before the one that there is, by the same person.
    private async Task Multiply(string id, int count)
    {
        await using var database = new SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False");
        await database.OpenAsync();
        await using var transaction = await database.BeginTransactionAsync();
        await using var command = database.CreateCommand();
        command.CommandText = $"CREATE TEMP TABLE one AS SELECT * FROM requests WHERE id = '{id}'";
        await command.ExecuteNonQueryAsync();
        for (var i = 0; i < count; i++)
        {
            command.CommandText = $"UPDATE one SET id = '{Guid.NewGuid()}', created = created - 60, pending_until = pending_until - 60, access_until = access_until - 60; INSERT INTO requests SELECT * FROM one";
            await command.ExecuteNonQueryAsync();
        }
        await transaction.CommitAsync();
    }

    /// <summary>
    /// Every page can be drawn. With <c>CERTAUTHORITY_PICTURES=FOLDER</c>, the pictures stay there for docs/page.md, also dark and narrow.
    /// </summary>
    [BrowserFact]
    public async Task Pages_are_drawn_for_the_documentation()
    {
        var folder = Environment.GetEnvironmentVariable("CERTAUTHORITY_PICTURES") is { Length: > 0 } given ? given : null;
        (bool IsDark, int Width, string Kind)[] looks = [(false, 1120, ""), (true, 1120, "-dark"), (false, 390, "-narrow")];
        await File(daemon.Person(Person.Carol), "--roles=dba", "Slow query on db2, looking at its plan");
        await File(Alice, "--roles=dba", "Nightly migration of the orders table, OPS-1432");
        var both = await File(Alice, "--roles=ops,dba", "Release 4.2 needs both");
        var risky = await File(Alice, "--roles=prod-root", "Kernel update tonight");
        (await daemon.Administrator.Types("tctl", "requests", "approve", both, "--reason=go ahead")).Done();
        (await Alice.Types("tsh", "login", $"--request-id={both}")).Done();
        (await daemon.Administrator.Types("tctl", "lock", "--user=carol", "--message=laptop lost", "--ttl=8h")).Done();
        var (alice, bob, root) = (await Enter(Alice), await Enter(Bob), await Enter(daemon.Administrator, "tctl"));
        foreach (var (tab, path, name) in new[]
        {
            (bob, "/", "waiting"), (bob, $"/request?id={risky}", "request"), (alice, "/mine", "mine"), (alice, "/ask?q=d&roles=dba&reason=Migration+tonight", "ask"),
            (root, "/history", "history"), (root, "/hosts", "hosts"), (root, "/who?host=db1", "who"), (root, "/locks", "locks"), (root, $"/request?id={both}", "timeline"),
        })
            foreach (var (isDark, width, kind) in folder is null ? looks[..1] : looks)
            {
                await tab.Front();
                await tab.Looks(isDark, width, width < 500 ? 844 : 760, 1.25);
                await tab.Goto(Origin(tab) + path);
                await tab.Has("h1");
                var picture = await tab.Screenshot();
                Assert.Equal("\u0089PNG", Encoding.Latin1.GetString(picture.AsSpan(0, 4)));
                // A picture of one colour is smaller.
                Assert.InRange(picture.Length, 20_000, 1_000_000);
                if (folder is not null)
                    await System.IO.File.WriteAllBytesAsync(Path.Combine(folder, $"{name}{kind}.png"), picture);
            }
    }

    private string Origin(Tab tab) => origins[tab];

    private readonly Dictionary<Tab, string> origins = [];

    private async Task<Tab> Enter(Person person, string program = "tsh") => (await EnterPage(person, program)).Tab;

    private async Task<(Page Page, Tab Tab)> EnterPage(Person person, string program = "tsh")
    {
        var page = await Serve(person, program);
        var tab = await browsers.Open(person.Uid ?? 0);
        await tab.Goto(page.Url);
        await tab.Has("nav");
        Assert.DoesNotContain(page.Token, await tab.Js("location.href"));
        origins[tab] = page.Origin;
        return (page, tab);
    }

    private async Task<Page> Serve(Person person, string program)
    {
        var process = person.Start(program, "ui", "--no-open");
        pages.Add(process);
        var url = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ?? $"nothing: {await process.StandardError.ReadToEndAsync()}";
        Assert.Matches(new Regex("^http://127\\.0\\.0\\.1:[0-9]+/#[A-Za-z0-9_-]{43}$"), url);
        return new Page(process, url);
    }

    private static async Task<string> File(Person person, string what, string reason) =>
        (await person.Types("tsh", "request", "create", what, $"--reason={reason}", "--nowait")).Done().Split(' ')[1];

    private async Task<string> State(string id) =>
        Regex.Match((await daemon.Administrator.Types("tctl", "requests", "get", id)).Done(), "(?m)^state: (?<state>[A-Z]+)$").Groups["state"].Value;

    private sealed record Page(Process Process, string Url) : IAsyncDisposable
    {
        public string Origin => Url[..Url.IndexOf("/#", StringComparison.Ordinal)];

        public string Token => Url[(Url.IndexOf('#') + 1)..];

        public string? Cookie { get; set; }

        public ValueTask DisposeAsync()
        {
            if (!Process.HasExited)
                Process.Kill();
            return ValueTask.CompletedTask;
        }
    }
}
