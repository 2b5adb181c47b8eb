namespace CertAuthority.Tests.EndToEnd;

/// <summary>What waits for a reviewer: how they learn of it, and how they go through it at a terminal.</summary>
public sealed class InboxTests : ReviewSite
{
    private const string Question = "tsh: [a]pprove [l]ess [d]eny [s]kip [q]uit:";

    [PeopleFact]
    public async Task Login_and_status_count_what_waits()
    {
        (await Bob.Types("tsh", "login")).Done();
        Assert.Equal("", (await Bob.Types("tsh", "status")).Error);
        Assert.Equal("0", (await Bob.Types("bash", "-c", "tsh status --format=json | jq .reviewable")).Done().Trim());
        var first = await Request("dba");
        Assert.Equal("tsh: hint: 1 request waits for your review: tsh review\n", (await Bob.Types("tsh", "status")).Error);
        var second = await Request("web");
        await Request("prod-root");
        var login = await Bob.Types("tsh", "login");
        Assert.EndsWith("\ntsh: hint: 3 requests wait for your review: tsh review\n", "\n" + login.Error, StringComparison.Ordinal);
        Assert.Equal("3", (await Bob.Types("bash", "-c", "tsh status --format=json | jq .reviewable")).Done().Trim());
        (await Alice.Types("tsh", "login")).Done();
        Assert.Equal("0", (await Alice.Types("bash", "-c", "tsh status --format=json | jq .reviewable")).Done().Trim());

        // The count is of what the list shows, and a vote takes a request out of both.
        Assert.Equal(
            $"request {first}: vote counted: 1 of 2 approvals; carol can give the next\nrequest {second}: vote counted: 1 of 2 approvals; carol can give the next\n",
            (await Bob.Types("tsh", "request", "review", first, second, "--approve")).Done());
        Assert.Equal("tsh: hint: 1 request waits for your review: tsh review\n", (await Bob.Types("tsh", "status")).Error);
        Assert.Single(await Listed(Bob, "--reviewable"));
        Assert.Equal([second, first], await Listed(Bob, "--reviewed"));
        Assert.Equal([first], await Listed(Bob, "--reviewed --role=dba --state=pending --since=1h"));
        Assert.Empty(await Listed(Bob, "--reviewed --state=approved"));
        (await Carol.Types("tsh", "request", "review", first, "--approve")).Done();
        Assert.Equal([first], await Listed(Bob, "--reviewed --state=approved"));
        Assert.Equal([first], await Listed(Alice, "--state=approved"));
        Assert.Equal([second], await Listed(Alice, "--role=web --since=1h"));
        Assert.Equal([second, first], await Listed(Bob, "--reviewed --node=db1 --requester=alice"));
        Assert.Empty(await Listed(Bob, "--reviewed --node=db9"));
        Assert.Empty(await Listed(Bob, "--reviewed --requester=carol"));
        Assert.Equal(3, (await Daemon.Administrator.Types("bash", "-c", "tctl requests ls --node=db2 --format=json | jq -r '.[].spec.roles[0]'")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("tctl: no requests\n", (await Daemon.Administrator.Types("tctl", "requests", "ls", "--node=db9")).Error);
        Assert.Contains("takes pending, approved, denied, cancelled or expired, not \"open\"", (await Alice.Types("tsh", "request", "ls", "--state=open")).Error, StringComparison.Ordinal);

        // One refused request does not stop the next.
        var several = await Carol.Types("tsh", "request", "review", first, second, "--deny", "--reason=not tonight");
        Assert.Equal((1, $"request {second} has been denied\n"), (several.ExitCode, several.Output));
        Assert.Contains("has been already approved", several.Error, StringComparison.Ordinal);

        // Nobody learns of it from a daemon that is away.
        await Daemon.Stop();
        Assert.DoesNotContain("tsh review", (await Bob.Types("tsh", "status")).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Review_walks_one_request_a_screen()
    {
        var (first, second, third) = (await Request("dba", "migration tonight"), await Request("dba,web"), await Request("prod-root"));
        await using var screen = await Screen.Start(Bob, Socket("bob"), 80);
        await screen.Types("tsh review");
        await screen.Shows(Question);
        var lines = await screen.Lines();
        Assert.Equal([$"request 1 of 3: {first}", "alice asks for dba", "reason: migration tonight"], lines[..3]);
        foreach (var start in (string[])["filed: ", "opens: postgres@db1, postgres@db2 (env=prod)", "for: ", "risk: ", "needs: 0 of 2 approvals; bob and carol can", "history: ", "role dba: all databases"])
            Assert.Contains(lines, line => line.StartsWith(start, StringComparison.Ordinal));
        Assert.True(lines.Length < 24 && Array.TrueForAll(lines, line => line.Length <= 80), string.Join('\n', lines));

        // The vote is said above the next request, of which one role is approved.
        await screen.Types("a");
        await screen.Shows($"request 2 of 3: {second}");
        Assert.StartsWith($"request {first}: vote counted: 1 of 2 approvals; carol can give the next", string.Concat(await screen.Lines()), StringComparison.Ordinal);
        await screen.Types("l");
        await screen.Shows("tsh: which of dba, web? Enter for all:");
        await screen.Types("web");
        await screen.Shows("tsh: for how long, as 30m? Enter for 1h:");
        await screen.Types("soon");
        await screen.Shows("tsh: it takes a duration such as 90s, 15m or 1h30m, not 'soon'");
        await screen.Types("30m");
        await screen.Shows("tsh: from when, as 2027-01-31T18:00:00Z? Enter for at once:");
        await screen.Press("Enter");

        // Root is asked about; no is no, and a denial has a reason.
        await screen.Shows($"request 3 of 3: {third}");
        await screen.Types("a");
        await screen.Shows("tsh: approve the request of alice for prod-root? [y/N]");
        await screen.Types("n");
        await screen.Shows(line => line == Question, "the question again");
        await screen.Types("d");
        await screen.Shows("tsh: why? the requester reads it:");
        await screen.Types("ask again tomorrow");
        await screen.Shows("tsh: 2 approvals, 1 denial, 0 skipped; 0 of 3 still without your review");
        await screen.IsBack();
        Assert.Equal("[[[\"web\"],\"30m\",\"PENDING\"]]", await Reviews(second, "[.spec.reviews[0].roles, .spec.reviews[0].max_duration, .spec.state]"));
        Assert.Equal("[[\"DENIED\",\"ask again tomorrow\"]]", await Reviews(third, "[.spec.state, .spec.resolve_reason]"));
        Assert.Equal((0, "tsh: no request waits for your review\r\n"), await Pty.Run(Bob, "tsh review"));
    }

    [PeopleFact]
    public async Task Request_answered_meanwhile_is_said_and_skipped()
    {
        var (first, second, third) = (await Request("dba"), await Request("web"), await Request("prod-root"));
        using var bob = Pty.Start(Bob, "tsh review");
        await bob.Shows("request 1 of 3");
        (await Daemon.Administrator.Types("tctl", "requests", "deny", first, second)).Done();
        await bob.Press("a\n");
        await bob.Shows($"request {first} was denied by root; skipped");
        await bob.Shows($"request {second} was denied by root; skipped");
        await bob.Shows($"request 3 of 3: {third}");
        await bob.Press("q\n");
        Assert.Equal(0, await bob.Ended());
        Assert.Contains("tsh: 0 approvals, 0 denials, 2 skipped; 3 of 3 still without your review", bob.Shown, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Ctrl_C_ends_the_walk_and_keeps_the_votes()
    {
        var (first, second) = (await Request("dba"), await Request("web"));
        await using var screen = await Screen.Start(Bob, Socket("bob"), 80);
        await screen.Types("tsh review; echo \"exit $?\"");
        await screen.Shows(Question);
        await screen.Types("a");
        await screen.Shows($"request 2 of 2: {second}");
        await screen.Press("C-c");
        await screen.Shows("exit 130");
        Assert.Contains("tsh: 1 approval, 0 denials, 0 skipped; 1 of 2 still without your review", await screen.Lines());
        Assert.Equal([first], await Listed(Bob, "--reviewed"));
    }

    [PeopleFact]
    public async Task No_to_one_of_several_leaves_the_rest()
    {
        var (root, dba) = (await Request("prod-root"), await Request("dba"));
        using var administrator = Pty.Start(Daemon.Administrator, $"tctl requests approve {root} {dba}");
        await administrator.Shows("approve the request of alice for prod-root? [y/N]");
        await administrator.Press("n\n");
        await administrator.Shows($"request {root} has not been approved");
        await administrator.Shows($"request {dba} has been approved");
        Assert.Equal(1, await administrator.Ended());
        Assert.Equal("PENDING\nAPPROVED\n", (await Daemon.Administrator.Types("bash", "-c", $"for id in {root} {dba}; do tctl requests get $id --format=json | jq -r .spec.state; done")).Done());
    }

    [PeopleFact]
    public async Task Review_can_be_limited_to_some_requests()
    {
        var (first, second) = (await Request("dba"), await Request("web"));
        using (var bob = Pty.Start(Bob, $"tsh review {second[..8]}"))
        {
            await bob.Shows($"request 1 of 1: {second}");
            await bob.Press("s\n");
            Assert.Equal(0, await bob.Ended());
            Assert.Contains("tsh: 0 approvals, 0 denials, 1 skipped; 1 of 1 still without your review", bob.Shown, StringComparison.Ordinal);
        }
        (await Bob.Types("tsh", "request", "review", first, "--approve")).Done();
        var (exitCode, shown) = await Pty.Run(Bob, $"tsh review {first}");
        Assert.Equal(1, exitCode);
        Assert.Contains($"request {first} does not wait for your review: user \"bob\" has already reviewed this request", shown, StringComparison.Ordinal);
        var none = await Bob.Types("tsh", "review");
        Assert.Equal(
            (2, "", "tsh: error: tsh review asks at a terminal, and there is none\ntsh: hint: tsh request ls --reviewable lists what waits; tsh request review ID --approve, or --deny, answers it\n"),
            (none.ExitCode, none.Output, none.Error));
    }

    private static async Task<string[]> Listed(Person person, string options) =>
        (await person.Types("bash", "-c", $"tsh request ls {options} --format=json | jq -r '.[].metadata.name'")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task<string> Reviews(string id, string what) =>
        (await Alice.Types("bash", "-c", $"tsh request show {id} --format=json | jq -c '[{what}]'")).Done().Trim();
}
