namespace CertAuthority.Tests.EndToEnd;

/// <summary>Waiting for an answer: what it survives, how it ends, and what it shows. Nothing sleeps: each test goes on when tsh has said the line it waits for.</summary>
public sealed class WaitingTests
{
    public static TheoryData<string, string> Waits => new()
    {
        { "tsh request create --roles=dba", "TERM" },
        { "tsh request create --roles=dba", "KILL" },
        { "tsh login --request-roles=dba", "TERM" },
        { "tsh login --request-roles=dba", "KILL" },
    };

    [PeopleTheory]
    [MemberData(nameof(Waits))]
    public async Task Wait_survives_a_restart_and_ends_with_the_later_answer(string command, string signal)
    {
        await using var daemon = await Prepared();
        using var wait = Wait.Start(daemon.Person(Person.Alice), command);
        var id = await wait.Filed();

        await daemon.Stop(signal);
        var away = await wait.NextTalk();
        await daemon.Restart();
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();

        var ended = await wait.Ended();
        Assert.Equal(0, ended.ExitCode);
        Assert.Matches($"^tsh: warning: (no daemon answers at {daemon.Server}|the daemon broke off the connection); still waiting for request {id}$", away);
        // Said once, however often it asks.
        Assert.DoesNotContain("warning", ended.Error);
        Assert.Contains(command.Contains("login") ? "roles: contractor, dba" : $"request {id} is APPROVED", ended.Output);
    }

    [PeopleFact]
    public async Task An_answer_between_filing_and_waiting_is_not_lost()
    {
        await using var daemon = await Prepared();
        using var wait = Wait.Start(daemon.Person(Person.Alice), "tsh request create --roles=dba");
        var id = await wait.Filed();
        await wait.Signal("STOP");
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        await wait.Signal("CONT");

        var ended = await wait.Ended();

        Assert.Equal((0, $"request {id} is APPROVED\n", $"tsh: hint: request {id} (dba) is approved and ready: tsh login --request-id={id}\n"), (ended.ExitCode, ended.Output, ended.Error));
    }

    [PeopleTheory]
    [InlineData("tsh request create --roles=dba --wait=1s")]
    [InlineData("tsh login --request-roles=dba --wait=1s")]
    public async Task Timed_out_wait_says_how_to_continue(string command)
    {
        await using var daemon = await Prepared();
        var alice = daemon.Person(Person.Alice);
        using var wait = Wait.Start(alice, command);
        var id = await wait.Filed();

        var ended = await wait.Ended();

        Assert.Equal((4, $"tsh: error: gave up waiting for request {id}\ntsh: hint: the request stays; to wait on: tsh request show {id} --wait\n"), (ended.ExitCode, ended.Error));
        Assert.Contains("state: PENDING", (await alice.Types("tsh", "request", "show", id)).Done());
        using var again = Wait.Start(alice, $"tsh request show {id} --wait");
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        Assert.Contains("state: APPROVED", (await again.Ended()).Done());
    }

    [PeopleFact]
    public async Task Wait_that_times_out_without_a_daemon_says_how_to_continue()
    {
        await using var daemon = await Prepared();
        using var wait = Wait.Start(daemon.Person(Person.Alice), "tsh request create --roles=dba --wait=3s");
        var id = await wait.Filed();
        await daemon.Stop("KILL");

        var ended = await wait.Ended();

        Assert.Equal(4, ended.ExitCode);
        Assert.EndsWith($"tsh: error: gave up waiting for request {id}\ntsh: hint: the request stays; to wait on: tsh request show {id} --wait\n", ended.Error);
    }

    [PeopleTheory]
    [InlineData("tsh request create --roles=dba")]
    [InlineData("tsh login --request-roles=dba")]
    public async Task Ctrl_C_leaves_the_request_in_place(string command)
    {
        await using var daemon = await Prepared();
        using var wait = Wait.Start(daemon.Person(Person.Alice), command);
        var id = await wait.Filed();
        await wait.Signal("INT");

        var ended = await wait.Ended();

        Assert.Equal(
            (130, $"tsh: error: interrupted while waiting for request {id}\ntsh: hint: the request stays; to wait on: tsh request show {id} --wait\n"),
            (ended.ExitCode, ended.Error));
        Assert.Contains("state: PENDING", (await daemon.Administrator.Types("tctl", "requests", "get", id)).Done());
    }

    [PeopleFact]
    public async Task Denial_during_a_wait_keeps_the_current_certificate()
    {
        await using var daemon = await Prepared();
        var alice = daemon.Person(Person.Alice);
        (await alice.Types("tsh", "login")).Done();
        var before = await Hash(alice);
        using var wait = Wait.Start(alice, "tsh login --request-roles=dba");
        var id = await wait.Filed();
        (await daemon.Administrator.Types("tctl", "requests", "deny", "--reason=not tonight", id)).Done();

        var ended = await wait.Ended();

        Assert.Equal((1, $"tsh: error: request {id} was denied: not tonight\n"), (ended.ExitCode, ended.Error));
        Assert.Equal(before, await Hash(alice));
        Assert.Contains("roles: contractor\n", (await alice.Types("tsh", "status")).Done());
    }

    [PeopleTheory]
    [InlineData("tsh request create --roles=brief")]
    [InlineData("tsh login --request-roles=brief")]
    public async Task Unanswered_request_ends_the_wait_when_it_expires(string command)
    {
        await using var daemon = await Prepared();
        using var wait = Wait.Start(daemon.Person(Person.Alice), command);
        var id = await wait.Filed();

        var ended = await wait.Ended();

        Assert.Equal((1, $"tsh: error: request {id} has expired\n"), (ended.ExitCode, ended.Error));
    }

    [PeopleTheory]
    [InlineData("xterm", true)]
    [InlineData("dumb", false)]
    public async Task Spinner_shows_the_time_left_and_leaves_nothing(string terminal, bool spins)
    {
        await using var daemon = await Prepared();
        var typed = "tsh request create --roles=dba --wait=2s; echo \"[$?]\"";
        var seen = await daemon.Person(Person.Alice).Types("env", $"TERM={terminal}", "script", "-qec", $"bash -c '{typed}'", "/dev/null");

        Assert.Contains("[4]", seen.Output);
        Assert.Equal(spins, seen.Output.Contains('\u001b'));
        if (!spins)
            return;
        Assert.Matches(@"\r\u001b\[K\u001b\[\?7l[|/\\-] waiting for an answer, [12]s left, 0 of 1 approval\u001b\[\?7h\r\u001b\[K", seen.Output);
        // What stands on the line of the spinner when the next thing is said: nothing.
        Assert.Matches(@"\r\u001b\[Ktsh: (\u001b\[[0-9;]*m)?error: ?(\u001b\[[0-9;]*m)? ?gave up", seen.Output);
    }

    [PeopleFact]
    public async Task Spinner_counts_down_to_an_earlier_end_of_the_request()
    {
        await using var daemon = await Prepared();
        var seen = await daemon.Person(Person.Alice).Types("env", "TERM=xterm", "script", "-qec", "tsh request create --roles=brief --wait=30m", "/dev/null");
        Assert.Contains("s left", seen.Output);
        Assert.DoesNotContain("m left", seen.Output);
    }

    [PeopleFact]
    public async Task Redirected_output_has_no_spinner_or_escape_code()
    {
        await using var daemon = await Prepared();
        var log = daemon.Scratch["home-5001/log"];
        var alice = daemon.Person(Person.Alice);
        var seen = await alice.Types("env", "TERM=xterm", "script", "-qec", $"bash -c 'tsh request create --roles=dba --wait=1s 2>{log}'", "/dev/null");
        Assert.DoesNotContain("waiting for an answer", seen.Output);
        var written = await File.ReadAllTextAsync(log);
        Assert.Contains("\ntsh: error: gave up waiting", written);
        Assert.DoesNotContain('\u001b', written);
    }

    private static async Task<TestDaemon> Prepared()
    {
        var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: contractor}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, brief]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {max_session_ttl: 1h}}}
            ---
            {kind: role, version: v7, metadata: {name: brief}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {max_session_ttl: 3s}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [contractor]}}
            """)).Done();
        return daemon;
    }

    private static async Task<string> Hash(Person person) =>
        Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(person.Home, "id-cert.pub"))));
}
