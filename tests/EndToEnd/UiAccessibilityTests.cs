using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The page is for everybody: by keyboard, without a script, for screen readers, in the dark, and on a narrow screen.</summary>
[Collection(nameof(Browsers))]
public sealed class UiAccessibilityTests(Browsers browsers) : UiSite(browsers)
{
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
        await bob.Holds("document.readyState === 'complete'", "the page listens to keys");
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
        var bob = await Browsers.Open(Person.Bob, hasScript: false);
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
        var alice = await Browsers.Open(Person.Alice, hasScript: false);
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
    public async Task No_page_has_a_fault_that_axe_finds()
    {
        var id = await File(Alice, "--roles=prod-root,dba", "please");
        await File(Carol, "--roles=dba", "me too");
        await File(Alice, "--roles=dba", "mine");
        var approved = await File(Alice, "--roles=ops", "restart");
        (await Daemon.Administrator.Types("tctl", "requests", "approve", approved)).Done();
        (await Daemon.Administrator.Types("tctl", "lock", "--login=nobody", "--message=no such login", "--ttl=1h")).Done();
        var (alice, bob, root) = (await Enter(Alice), await Enter(Bob), await Enter(Daemon.Administrator, "tctl"));
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
        var door = await Browsers.Open(Person.Bob, hasScript: true);
        await door.Goto(Origin(bob));
        faults.AddRange((await door.Faults()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>
    /// Every page can be drawn. With <c>CERTAUTHORITY_PICTURES=FOLDER</c>, the pictures stay there for docs/page.md, also dark and narrow.
    /// </summary>
    [BrowserFact]
    public async Task Pages_are_drawn_for_the_documentation()
    {
        var folder = Environment.GetEnvironmentVariable("CERTAUTHORITY_PICTURES") is { Length: > 0 } given ? given : null;
        (bool IsDark, int Width, string Kind)[] looks = [(false, 1120, ""), (true, 1120, "-dark"), (false, 390, "-narrow")];
        await File(Carol, "--roles=dba", "Slow query on db2, looking at its plan");
        await File(Alice, "--roles=dba", "Nightly migration of the orders table, OPS-1432");
        var both = await File(Alice, "--roles=ops,dba", "Release 4.2 needs both");
        var risky = await File(Alice, "--roles=prod-root", "Kernel update tonight");
        (await Daemon.Administrator.Types("tctl", "requests", "approve", both, "--reason=go ahead")).Done();
        (await Alice.Types("tsh", "login", $"--request-id={both}")).Done();
        var (alice, bob, root) = (await Enter(Alice), await Enter(Bob), await Enter(Daemon.Administrator, "tctl"));
        foreach (var (tab, path, name) in new[]
        {
            (bob, "/", "waiting"), (bob, $"/request?id={risky}", "request"), (alice, "/mine", "mine"), (alice, "/ask?q=d&roles=dba&reason=Migration+tonight", "ask"),
            (root, "/history", "history"), (root, "/hosts", "hosts"), (root, "/who?host=db1", "who"), (root, "/locks", "locks"), (root, $"/request?id={both}", "timeline"),
        })
        {
            if (name == "locks")
                (await Daemon.Administrator.Types("tctl", "lock", "--user=carol", "--message=laptop lost", "--ttl=8h")).Done();
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
    }
}
