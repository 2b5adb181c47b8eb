using System.Globalization;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>How the page begins and ends.</summary>
[Collection(nameof(Browsers))]
public sealed class UiLifeTests(Browsers browsers) : UiSite(browsers)
{
    [BrowserFact]
    public async Task Page_ends_when_its_owner_leaves()
    {
        var (page, bob) = await EnterPage(Bob);
        await bob.Go(".leave button");
        await bob.Sees("The page has ended");
        var ended = await page.Ended();
        Assert.Equal(0, ended.ExitCode);
        Assert.EndsWith("tsh: a browser has the page now\ntsh: the page has ended: you left it\n", ended.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Ctrl_C_ends_the_page_with_130()
    {
        var page = await Serve(Bob, "tsh");
        await page.Signal("INT");
        var ended = await page.Ended();
        Assert.Equal((130, ""), (ended.ExitCode, ended.Output));
        Assert.EndsWith("tsh: the page has ended: interrupted\n", ended.Error, StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task Page_that_nobody_uses_ends()
    {
        var page = await Serve(Bob, ["tsh", "ui", "--no-open", "--idle=4s"]);
        var bob = await EnterPage(page, Person.Bob);
        // The open page asks for news all the time, which is no use.
        await bob.Holds("performance.getEntriesByType('resource').some(entry => entry.name.includes('/live'))", "the page asks for news");
        var ended = await page.Ended();
        Assert.Equal(0, ended.ExitCode);
        Assert.EndsWith("tsh: the page has ended: nobody used it\n", ended.Error, StringComparison.Ordinal);
        await bob.Sees("The page has ended. Start it again in the terminal.");
        foreach (var wrong in (string[])["0s", "25h", "120", "2x", "s", "1m1h"])
            Assert.Equal(
                (2, $"tsh: error: --idle takes a duration such as 90s, 15m or 1h30m, up to 24h, not '{wrong}'\ntsh: hint: tsh ui --help\n"),
                (await Bob.Types("tsh", "ui", "--no-open", $"--idle={wrong}")) is var refused ? (refused.ExitCode, refused.Error) : default);
    }

    /// <summary>A page that can do nothing is neither served nor opened: the daemon is asked first.</summary>
    [PeopleFact]
    public async Task Page_that_could_do_nothing_does_not_begin()
    {
        var away = await Bob.Types("timeout", "20", "tsh", "ui", "--server=unix:/nosuch");
        Assert.Equal((3, ""), (away.ExitCode, away.Output));
        Assert.StartsWith("tsh: error: ", away.Error, StringComparison.Ordinal);
        var denied = await Bob.Types("timeout", "20", "tctl", "ui", "--no-open");
        var other = await Bob.Types("tctl", "requests", "ls");
        Assert.Equal((1, "", other.Error), (denied.ExitCode, denied.Output, denied.Error));
        var nobody = await Daemon.Administrator.Types("timeout", "20", "tsh", "ui", "--no-open");
        other = await Daemon.Administrator.Types("tsh", "request", "ls");
        Assert.Equal((1, "", other.Error), (nobody.ExitCode, nobody.Output, nobody.Error));
    }

    [PeopleFact]
    public async Task Logout_ends_the_pages_of_this_login()
    {
        (await Alice.Types("tsh", "login")).Done();
        (await Alice.Types("tsh", "--profile=work", "login")).Done();
        (await Bob.Types("tsh", "login")).Done();
        var (first, second) = (await Serve(Alice, "tsh"), await Serve(Alice, "tsh"));
        var (profile, other) = (await Serve(Alice, ["tsh", "--profile=work", "ui", "--no-open"]), await Serve(Bob, "tsh"));
        (await Alice.Types("tsh", "logout")).Done();
        foreach (var page in (ServedPage[])[first, second])
        {
            var ended = await page.Ended();
            Assert.Equal(0, ended.ExitCode);
            Assert.EndsWith("tsh: the page has ended: you logged out\n", ended.Error, StringComparison.Ordinal);
        }
        Assert.False(profile.Process.HasExited || other.Process.HasExited);
        (await Alice.Types("tsh", "--profile=work", "logout")).Done();
        Assert.EndsWith("tsh: the page has ended: you logged out\n", (await profile.Ended()).Error, StringComparison.Ordinal);
        Assert.False(other.Process.HasExited);
    }

    [PeopleFact]
    public async Task Address_is_opened_where_there_is_a_desktop()
    {
        var folder = Directory.CreateDirectory(Daemon.Scratch["desktop"]).FullName;
        System.IO.File.WriteAllText(Path.Combine(folder, "xdg-open"), $"#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >{folder}/opened.new && mv {folder}/opened.new {folder}/opened\n");
        System.IO.File.SetUnixFileMode(Path.Combine(folder, "xdg-open"), (UnixFileMode)0b111_101_101);
        System.IO.File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        var opened = Path.Combine(folder, "opened");
        (string, string) path = ("PATH", $"{folder}:{World.Programs}:/usr/bin:/bin");
        (string, string)[] nothing = [path, ("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("SSH_CONNECTION", ""), ("SSH_TTY", "")];
        foreach (var display in (string[])["DISPLAY", "WAYLAND_DISPLAY"])
        {
            var page = await Serve(Alice with { Environment = [.. nothing, (display, "0")] }, ["tsh", "ui"]);
            await Eventually.Holds(() => System.IO.File.Exists(opened));
            Assert.Equal($"1\n{page.Url}\n", await System.IO.File.ReadAllTextAsync(opened));
            System.IO.File.Delete(opened);
        }
        // Without a desktop, over ssh, and if somebody says so, the address is only printed; also if there is no xdg-open.
        var without = Directory.CreateDirectory(Path.Combine(folder, "without")).FullName;
        System.IO.File.CreateSymbolicLink(Path.Combine(without, "setsid"), "/usr/bin/setsid");
        foreach (var (more, words) in new ((string, string)[], string[])[]
        {
            ([], ["tsh", "ui"]),
            ([("DISPLAY", "0"), ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")], ["tsh", "ui"]),
            ([("DISPLAY", "0"), ("SSH_TTY", "/dev/pts/0")], ["tsh", "ui"]),
            ([("DISPLAY", "0")], ["tsh", "ui", "--no-open"]),
            ([("DISPLAY", "0"), ("PATH", without)], ["tsh", "ui"]),
            ([("DISPLAY", "0"), ("PATH", "/nowhere")], ["tsh", "ui"]),
        })
        {
            var page = await Serve(Alice with { Environment = [.. nothing, .. more] }, words);
            Assert.StartsWith("HTTP/1.1 401 ", (await Alice.Types("curl", "-s", "-i", page.Origin)).Done(), StringComparison.Ordinal);
            await page.Signal("INT");
            Assert.Equal(130, (await page.Ended()).ExitCode);
            Assert.False(System.IO.File.Exists(opened));
        }
    }

    [BrowserFact]
    public async Task Page_of_a_profile_logs_in_there()
    {
        var id = await File(Alice, "--roles=dba", "please");
        (await Daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var alice = await EnterPage(await Serve(Alice, ["tsh", "--profile=work", "ui", "--no-open"]), Person.Alice);
        await alice.Goto($"{Origin(alice)}/mine");
        await alice.Sees($"tsh --profile=work login --request-id={id}");
        await alice.Go("form[action='/use'] button");
        await alice.Sees("tsh --profile=work ssh postgres@db1");
        Assert.Contains("dba", (await Alice.Types("tsh", "--profile=work", "status")).Done(), StringComparison.Ordinal);
        Assert.Equal(1, (await Alice.Types("tsh", "status")).ExitCode);
    }

    [BrowserFact]
    public async Task Page_speaks_to_a_daemon_over_ssh()
    {
        await using var laptop = await Laptop.Create(Daemon);
        var alice = await EnterPage(await Serve(laptop.Alice, ["tsh", "ui", "--no-open", $"--server={Laptop.Server}"]), Person.Alice);
        await alice.Go("nav a[href='/ask']");
        await alice.Click("input[name=roles][value=dba]");
        await alice.Sees("postgres@db1, postgres@db2");
        await alice.Types("#reason", "from far away");
        await alice.Go("button[formaction='/ask']");
        await alice.Sees("the request is filed");
        var id = await alice.Js("new URLSearchParams(location.search).get('id')");
        (await Daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        await alice.Goto($"{Origin(alice)}/mine");
        await alice.Go("form[action='/use'] button");
        await alice.Sees("tsh ssh postgres@db1");
        Assert.Contains("dba", (await laptop.Alice.Types("tsh", "status")).Done(), StringComparison.Ordinal);
        // A page that cannot get there says so, and goes on when it can again.
        await laptop.StopSshd();
        await alice.Goto($"{Origin(alice)}/mine");
        await alice.Sees("auth1 cannot be reached");
        await laptop.StartSshd();
        await alice.Sees("tsh ssh postgres@db1");
    }

    [BrowserFact]
    public async Task Copy_buttons_copy_the_command()
    {
        var id = await File(Alice, "--roles=dba", "please");
        var bob = await Enter(Bob);
        await bob.MayReadTheClipboard();
        foreach (var (place, command) in new[] { ("[data-card] .copy", $"tsh request review {id} --approve"), (".same .copy", "tsh request ls --reviewable") })
        {
            await bob.Click(place);
            await bob.Holds($"document.querySelector('{place}').innerText.startsWith('Copied')", "the button says so");
            Assert.Equal(command, await bob.Js("navigator.clipboard.readText()"));
        }
        await bob.Holds("[...document.querySelectorAll('.copy')].every(button => button.innerText.startsWith('Copy') && !button.innerText.startsWith('Copied'))", "the buttons are as before");
        Assert.True(int.Parse(await bob.Js("document.querySelectorAll('.copy').length"), CultureInfo.InvariantCulture) >= 2);
    }
}
