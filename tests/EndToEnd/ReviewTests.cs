namespace CertAuthority.Tests.EndToEnd;

/// <summary>What a team decides opens a host and nothing before it, with sshd as the judge.</summary>
public sealed class ReviewTests
{
    private const string Resources = """
        {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba, prod-root], thresholds: [{approve: 2, deny: 1}]}}}}
        ---
        {kind: role, version: v7, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
        ---
        {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {env: prod}}}}
        ---
        {kind: role, version: v7, metadata: {name: prod-root}, spec: {allow: {logins: [deploy], node_labels: {env: prod}}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer]}}
        """;

    [PeopleFact]
    public async Task Access_needs_two_approvals_and_ends_with_a_denial()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Resources)).Done();
        var (alice, bob, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol));
        var db1 = await TestHost.Create(daemon, "db1");
        var request = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];

        Assert.Equal(1, (await alice.Types("tsh", "login", $"--request-id={request}")).ExitCode);
        (await bob.Types("tsh", "request", "review", request, "--approve")).Done();
        Assert.Equal(1, (await alice.Types("tsh", "login", $"--request-id={request}")).ExitCode);
        Assert.False(File.Exists(Path.Combine(alice.Home, "id-cert.pub")));

        // She waits, and the review that reaches the threshold wakes her.
        using var waiting = alice.Start("tsh", "request", "show", request, "--wait=60s", "--format=json");
        (await carol.Types("tsh", "request", "review", request, "--approve")).Done();
        await waiting.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, waiting.ExitCode);
        (await alice.Types("tsh", "login", $"--request-id={request}")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.False(await db1.LetsIn(alice, "deploy"));

        // That the right to review is gone does not undo what was decided; an administrator does.
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=none", "carol")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        (await daemon.Administrator.Types("tctl", "requests", "deny", request)).Done();
        Assert.False(await db1.LetsIn(alice, "postgres"));
    }

    /// <summary>Alice and bob share an account, and so do bob and carol: the three are one person, though alice and carol share nothing.</summary>
    [PeopleFact]
    public async Task Linked_people_vote_once_and_cannot_review_their_own()
    {
        await using var daemon = await TestDaemon.Start(configuration: "admins: {users: [carol]}\n");
        (await daemon.Administrator.Types(["tctl", "create"], Resources + "\n---\n{kind: user, version: v2, metadata: {name: zoe}, spec: {roles: [staff], unix_users: ['0']}}")).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-unix-users=alice,deploy", "--set-roles=staff,reviewer", "alice")).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-unix-users=bob,postgres", "bob")).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-unix-users=carol", "carol")).Done();
        var (alice, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Carol));

        // Bob's accounts become the way from one to the other; deploy by name on one side and by uid on the other.
        var deploy = (await daemon.Administrator.Types("id", "-u", "deploy")).Done().Trim();
        (await daemon.Administrator.Types("tctl", "users", "update", $"--set-unix-users=bob,postgres,{deploy}", "bob")).Done();
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-unix-users=carol,postgres", "carol")).Done();
        var own = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        var review = await carol.Types("tsh", "request", "review", own, "--approve", "--user=carol");
        Assert.Equal((1, "tsh: error: nobody reviews their own request\ntsh: hint: somebody else who may review it can\n"), (review.ExitCode, review.Error));
        Assert.Contains("tctl: error: nobody approves their own request\n", (await carol.Types("tctl", "requests", "approve", own)).Error);

        var other = (await daemon.Administrator.Types("tsh", "request", "create", "--user=zoe", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        (await alice.Types("tsh", "request", "review", other, "--approve", "--user=alice")).Done();
        var second = await carol.Types("tsh", "request", "review", other, "--approve", "--user=carol");
        Assert.Equal(
            (1, "tsh: error: user \"alice\" has already reviewed this request\ntsh: hint: each person reviews once, and \"carol\" is the same person\n"),
            (second.ExitCode, second.Error));

        // They were one person when alice asked, so they stay it for that request, whatever becomes of bob.
        (await daemon.Administrator.Types("tctl", "users", "rm", "bob")).Done();
        Assert.Contains("nobody reviews their own request", (await carol.Types("tsh", "request", "review", own, "--approve", "--user=carol")).Error);
        var later = (await alice.Types("tsh", "request", "create", "--roles=dba", "--user=alice", "--nowait", "--force")).Done().Split(' ')[1];
        (await carol.Types("tsh", "request", "review", later, "--approve", "--user=carol")).Done();
    }

    [PeopleFact]
    public async Task Terminal_prompts_for_the_reason()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba], reason: {mode: required, prompt: which ticket?}}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            """)).Done();
        var alice = daemon.Person(Person.Alice);
        // script gives the command a terminal and types what comes in.
        var asked = await alice.Types(["script", "-qec", "tsh request create --roles=dba --nowait", "/dev/null"], "TICKET-7\n");
        Assert.Contains("tsh: which ticket?", asked.Output, StringComparison.Ordinal);
        Assert.Contains("reason: ", asked.Output, StringComparison.Ordinal);
        Assert.Contains("is PENDING", asked.Output, StringComparison.Ordinal);
        Assert.Equal("TICKET-7", (await alice.Types("bash", "-c", "tsh request ls --format=json | jq -r '.[].spec.request_reason'")).Done().Trim());

        var empty = await alice.Types(["script", "-qec", "tsh request create --roles=dba --nowait", "/dev/null"], "\n");
        Assert.Contains("whoever asks for role \"dba\" gives a reason", empty.Output, StringComparison.Ordinal);
        Assert.Equal(1, empty.ExitCode);

        // Reviewers named in vain are said at once, wherever a request is filed.
        const string Warning = ": warning: no user \"zoe\" is known, so nobody of that name is notified; nobody can review it, only an administrator can answer\n";
        Assert.Contains("tctl" + Warning, (await daemon.Administrator.Types("tctl", "requests", "create", "--roles=dba", "--reason=x", "--reviewers=zoe", "--force", "alice")).Error);
        Assert.StartsWith("tsh" + Warning, (await alice.Types("tsh", "request", "create", "--roles=dba", "--reason=x", "--reviewers=zoe,root", "--nowait", "--force")).Error);
        Assert.Contains("warning: no user \"zoe\" is known", (await alice.Types("tsh", "request", "create", "--roles=dba", "--reason=x", "--reviewers=zoe", "--dry-run")).Done());
    }
}
