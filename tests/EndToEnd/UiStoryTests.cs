namespace CertAuthority.Tests.EndToEnd;

/// <summary>People ask, approve, use and deny on the page, each in a browser of their own.</summary>
[Collection(nameof(Browsers))]
public sealed class UiStoryTests(Browsers browsers) : UiSite(browsers)
{
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
        await bob.Types("[data-less] input[name=max_duration]", "20m");
        await bob.Go("[data-card] button.good");
        await bob.Sees("has been approved");
        var shown = (await Alice.Types("tsh", "request", "show", both)).Done();
        Assert.Contains("granted roles: ops\n", shown);
        Assert.Contains(", limited by the review of bob\n", shown);
    }

    [BrowserFact]
    public async Task Reviewer_who_cannot_approve_may_still_deny()
    {
        var id = await File(Alice, "--roles=dba", "before the role changed");
        (await Daemon.Administrator.Types(["tctl", "create", "-f"], "{kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres, root], node_labels: {type: db}}}}")).Done();
        var (bob, root) = (await Enter(Bob), await Enter(Daemon.Administrator, "tctl"));
        foreach (var (tab, path, command) in new[]
        {
            (root, "/", $"tctl requests deny {id}"), (root, $"/request?id={id}", $"tctl requests deny {id}"), (bob, "/", $"tsh request review {id} --deny"), (bob, $"/request?id={id}", $"tsh request review {id} --deny"),
        })
        {
            await tab.Goto(Origin(tab) + path);
            await tab.Sees("the role dba changed after this request was made");
            await tab.Sees(command);
            Assert.Equal("false true", await tab.Js("`${document.querySelector('[data-card] button.good') !== null} ${document.querySelector('[data-card] button.bad') !== null}`"));
        }
        await bob.Types("[data-card] input[name=reason]", "ask again");
        await bob.Go("[data-card] button.bad");
        await bob.Sees("has been denied");
        Assert.Equal("DENIED", await State(id));

        // Somebody who has given their vote can give no other.
        (await Daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: careful}, spec: {allow: {request: {roles: [ops], thresholds: [{approve: 2, deny: 1}]}}}}")).Done();
        (await Daemon.Administrator.Types("tctl", "users", "update", "--set-roles=careful", "carol")).Done();
        var second = await File(Carol, "--roles=ops", "two of you");
        await bob.Goto(Origin(bob));
        await bob.Go("[data-card] button.good");
        await bob.Sees("vote counted");
        await bob.Goto($"{Origin(bob)}/request?id={second}");
        await bob.Sees("user \"bob\" has already reviewed this request");
        Assert.Equal("true", await bob.Js("document.querySelector('[data-card]') !== null && document.querySelector('[data-card] form') === null"));
        Assert.Equal("PENDING", await State(second));
    }

    [BrowserFact]
    public async Task Several_requests_of_one_kind_are_answered_together()
    {
        string[] ids = [await File(Alice, "--roles=dba", "one"), await File(Carol, "--roles=dba", "two")];
        var bob = await Enter(Bob);
        await bob.Sees("2 requests for dba");
        await bob.Click("[data-all]");
        await bob.Go("form.several button.good");
        await bob.Sees("Nothing waits for you.");
        foreach (var id in ids)
            Assert.Equal("APPROVED", await State(id));
    }

    [BrowserFact]
    public async Task Administrator_locks_looks_and_takes_back()
    {
        var id = await File(Alice, "--roles=dba", "please");
        var page = await Serve(Daemon.Administrator, "tctl");
        var root = await Browsers.Open(0);
        await root.Goto(page.Url);
        await root.Sees("please");
        await root.Go("[data-card] button.good");
        (await Alice.Types("tsh", "login", $"--request-id={id}")).Done();
        await root.Goto($"{page.Origin}/who?host=db1");
        await root.Sees("alice");
        await root.Sees("a request");
        await root.Goto($"{page.Origin}/hosts?q=db");
        await root.Holds("document.querySelectorAll('tbody tr').length === 2", "two hosts are left");
        await root.Go("tbody a[href*='db2']");
        await root.Sees("Who can enter db2:");
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
        Assert.Equal(0, await Daemon.Stop());
        await bob.Sees("The daemon does not answer.");
        var late = await bob.Another();
        await late.Goto($"{Origin(bob)}/history");
        await late.Sees("does not work");
        await Daemon.Restart();
        await late.Sees("No request is like that.");
        await bob.Front();
        await File(Alice, "--roles=dba", "after the restart");
        await bob.Sees("after the restart");
        Assert.DoesNotContain("does not answer", await bob.Text());
    }
}
