namespace CertAuthority.Tests.EndToEnd;

/// <summary>What people read about a request before they decide it, and the question at the terminal.</summary>
public sealed class RequestFactsTests : ReviewSite
{
    /// <summary>What a role opens that was not asked for is nobody's business but an administrator's.</summary>
    [PeopleFact]
    public async Task Facts_of_a_role_that_was_not_asked_for_are_refused()
    {
        var id = (await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        foreach (var who in (Person[])[Alice, Bob])
            foreach (var roles in (string[])["prod-root", "dba,prod-root", "no-such-role"])
            {
                var answer = (await who.Types("curl", "-sS", "-w", "\n%{http_code}", "--unix-socket", Daemon.Socket, $"http://ca/v1/my/requests/{id}?facts=true&all_hosts=true&roles={roles}")).Done();
                Assert.EndsWith("\n400", answer, StringComparison.Ordinal);
                Assert.Contains("was not asked for", answer, StringComparison.Ordinal);
                Assert.DoesNotContain("opens", answer, StringComparison.Ordinal);
            }
        var refused = await Bob.Types("tsh", "request", "review", id, "--approve", "--roles=prod-root");
        Assert.Equal(1, refused.ExitCode);
        Assert.DoesNotContain("root on", refused.Error, StringComparison.Ordinal);
        // The second reviewer sees what is left by the vote of the first.
        (await Bob.Types("tsh", "request", "review", id, "--approve", "--max-duration=20m")).Done();
        Assert.Contains("; limited by the review of bob\n", (await Carol.Types("tsh", "request", "show", id)).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Reviewer_reads_the_facts_that_a_login_then_shows()
    {
        var filed = await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait");
        var request = filed.Done().Split(' ')[1];
        Assert.Matches(@"(?m)^tsh: needs 0 of 2 approvals; bob and carol can, until [-0-9]+T[:0-9]+Z$", filed.Error);

        (await Bob.Types("tsh", "request", "review", request, "--approve")).Done();
        var shown = await Lines(Carol, "tsh", "request", "show", request);
        Assert.Contains("opens: postgres@db1, postgres@db2 (env=prod)", shown);
        Assert.Contains("needs: 1 of 2 approvals: bob; carol can", shown);
        Assert.Contains("risk: alice was not granted dba within a year", shown);
        Assert.Contains("history: not granted within a year", shown);
        Assert.Contains("role dba: all databases", shown);
        Assert.Contains($"to answer: tsh request review {request} --approve", shown);
        Assert.Contains(shown, line => line.StartsWith("for: ", StringComparison.Ordinal) && line.EndsWith(" if approved now; limited by role dba", StringComparison.Ordinal));
        Assert.Contains("you cannot approve it: user \"bob\" has already reviewed this request", await Lines(Bob, "tsh", "request", "show", request));
        Assert.Contains("you cannot approve it: nobody reviews their own request", await Lines(Alice, "tsh", "request", "show", request));
        Assert.Contains($"to answer: tctl requests approve {request}", await Lines(Daemon.Administrator, "tctl", "requests", "get", request));
        Assert.Equal(
            "[\"db1\",\"db2\"] {\"env=prod\":2,\"type=db\":1}",
            (await Carol.Types("bash", "-c", $"tsh request show {request} --format=json | jq -cr '.facts.opens[0] | [.hosts, .labels | tojson] | join(\" \")'")).Done().Trim());

        (await Carol.Types("tsh", "request", "review", request, "--approve")).Done();
        Assert.Contains("logins: deploy@db1, deploy@db2, postgres@db1, postgres@db2", await Lines(Alice, "tsh", "login", $"--request-id={request}"));
        Assert.DoesNotContain(await Lines(Carol, "tsh", "request", "show", request), line => line.StartsWith("opens:", StringComparison.Ordinal));
    }

    [PeopleFact]
    public async Task Many_hosts_are_counted_and_named_on_demand()
    {
        var nodes = Enumerable.Range(3, 4).Select(i => $"{{kind: node, version: v2, metadata: {{name: db{i}, labels: {{env: prod}}}}, spec: {{addr: db{i}.example.com}}}}");
        (await Daemon.Administrator.Types(["tctl", "create"], string.Join("\n---\n", nodes))).Done();
        var request = (await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        Assert.Contains("opens: postgres on 6 hosts (6 env=prod, 1 type=db)", await Lines(Bob, "tsh", "request", "show", request));
        const string All = "opens: postgres@db1, postgres@db2, postgres@db3, postgres@db4, postgres@db5, postgres@db6 (env=prod)";
        Assert.Contains(All, await Lines(Bob, "tsh", "request", "show", request, "--hosts"));
        Assert.Contains(All, await Lines(Daemon.Administrator, "tctl", "requests", "get", request, "--hosts"));
        Assert.Contains("opens: nothing: nothing that the roles of alice do not open already", await Lines(Alice, "tsh", "request", "create", "--roles=dull", "--dry-run"));
    }

    [PeopleFact]
    public async Task Risky_approval_at_a_terminal_needs_a_yes()
    {
        var request = (await Alice.Types("tsh", "request", "create", "--roles=prod-root", "--nowait")).Done().Split(' ')[1];
        const string Risk = "role prod-root grants root; on the daemon's own host that is full control of CertAuthority";
        const string Question = "approve the request of alice for prod-root? [y/N] ";
        foreach (var answer in (string[])["n", "", "yess"])
        {
            using var no = Pty.Start(Bob, $"tsh request review {request} --approve");
            await no.Shows(Question);
            Assert.Contains("tsh: opens: root (all hosts)", no.Shown, StringComparison.Ordinal);
            Assert.Contains(Risk, no.Shown, StringComparison.Ordinal);
            await no.Press($"{answer}\n");
            Assert.Equal(1, await no.Ended());
            Assert.Contains($"request {request} has not been approved", no.Shown, StringComparison.Ordinal);
        }
        Assert.Equal("[]", (await Alice.Types("bash", "-c", $"tsh request show {request} --format=json | jq -c .spec.reviews")).Done().Trim());

        using (var yes = Pty.Start(Bob, $"tsh request review {request} --approve"))
        {
            await yes.Shows(Question);
            await yes.Press("y\n");
            Assert.Equal(0, await yes.Ended());
            Assert.Contains($"request {request}: vote counted: 1 of 2 approvals; carol can give the next", yes.Shown, StringComparison.Ordinal);
        }

        // A script is warned, before the vote, and once; --yes answers the question.
        var script = await Carol.Types("tsh", "request", "review", request, "--approve");
        Assert.Equal($"request {request} has been approved\n", script.Done());
        Assert.Single(script.Error.Split('\n'), line => line.Contains(Risk, StringComparison.Ordinal));
        var another = (await Alice.Types("tsh", "request", "create", "--roles=prod-root", "--nowait")).Done().Split(' ')[1];
        Assert.Contains("history: last granted for a request of ", string.Join('\n', await Lines(Bob, "tsh", "request", "show", another)), StringComparison.Ordinal);
        var (exitCode, shown) = await Pty.Run(Daemon.Administrator, $"tctl requests approve --yes {another}");
        Assert.Equal(0, exitCode);
        Assert.DoesNotContain("[y/N]", shown, StringComparison.Ordinal);
        using var administrator = Pty.Start(Daemon.Administrator, $"tctl requests approve {(await Alice.Types("tsh", "request", "create", "--roles=prod-root", "--nowait")).Done().Split(' ')[1]}");
        await administrator.Shows(Question);
        administrator.Leave();
        Assert.Equal(1, await administrator.Ended());
    }

    [PeopleFact]
    public async Task Wait_counts_the_approvals()
    {
        using var alice = Pty.Start(Alice, "tsh request create --roles=dba");
        await alice.Shows("left, 0 of 2 approvals");
        var request = alice.Shown.Split("request ")[1][..36];
        (await Bob.Types("tsh", "request", "review", request, "--approve")).Done();
        await alice.Shows("left, 1 of 2 approvals (bob)");
        (await Carol.Types("tsh", "request", "review", request, "--approve")).Done();
        Assert.Equal(0, await alice.Ended());
    }

    [PeopleFact]
    public async Task Pending_request_for_the_same_is_named()
    {
        var first = (await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        var second = await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait");
        Assert.Equal(
            (1, $"tsh: error: request {first} asks for the same and is pending\ntsh: hint: wait for it with tsh request show {first} --wait; --force files it again\n"),
            (second.ExitCode, second.Error));
        Assert.Contains($"warning: request {first} asks for the same and is pending", await Lines(Alice, "tsh", "request", "create", "--roles=dba", "--dry-run"));
        Assert.Equal(1, (await Daemon.Administrator.Types("tctl", "requests", "create", "--roles=dba", "alice")).ExitCode);
        (await Daemon.Administrator.Types("tctl", "requests", "create", "--roles=dba", "--force", "alice")).Done();
        (await Alice.Types("tsh", "request", "create", "--roles=dba,prod-root", "--nowait")).Done();
        var forced = (await Alice.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];
        (await Alice.Types("tsh", "request", "cancel", forced)).Done();

        // A login waits for the one that is there.
        using var login = Alice.Start("tsh", "login", "--request-roles=prod-root");
        var filed = (await login.StandardOutput.ReadLineAsync())!.Split("id: ")[1].TrimEnd(')');
        var joined = await Alice.Types("tsh", "login", "--request-roles=prod-root", "--request-nowait");
        Assert.Contains($"(id: {filed})", joined.Output, StringComparison.Ordinal);
        Assert.Contains($"request {filed} asks for the same and is pending; no other one is filed", joined.Error, StringComparison.Ordinal);
        (await Daemon.Administrator.Types("tctl", "requests", "approve", filed)).Done();
        await login.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, login.ExitCode);
    }

    [PeopleFact]
    public async Task Requestable_roles_are_listed_with_descriptions() =>
        Assert.Equal(["dba: all databases", "dull", "prod-root", "web"], await Lines(Alice, "tsh", "request", "roles"));

    private static async Task<string[]> Lines(Person person, params string[] command) =>
        (await person.Types(command)).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
