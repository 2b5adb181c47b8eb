namespace CertAuthority.Tests.EndToEnd;

/// <summary>What one caller can take: it is bounded, he is told, and nobody else notices.</summary>
public sealed class BoundsTests
{
    [PeopleFact]
    public async Task Login_rate_and_live_certificate_limits_come_with_a_hint()
    {
        using var scratch = new Scratch();
        var config = scratch.Write("certauthority.yaml", "limits: {certificate: 2h, live_certificates: 2, logins_per_minute: 4}\n");
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", config]);
        await Alice(daemon);
        var alice = daemon.Person(Person.Alice);

        Assert.Contains("limited by the site's maximum", (await alice.Types("tsh", "login")).Done());
        Assert.Equal("tsh: error: --ttl 3h is more than the site's maximum of 2h\n", (await alice.Types("tsh", "login", "--ttl=3h")).Error);
        (await alice.Types("tsh", "login")).Done();
        var many = await alice.Types("tsh", "login");
        Assert.Equal(
            (1, "tsh: error: user \"alice\" has 2 logins with live certificates already; the limit is 2\n"
                + "tsh: hint: wait until some have ended; an administrator ends them sooner with tctl certs revoke --user=alice\n"),
            (many.ExitCode, many.Error));
        var often = await alice.Types("tsh", "login");
        Assert.Equal(1, often.ExitCode);
        Assert.Matches("^tsh: error: alice has tried to log in 4 times within a minute; that is the limit\ntsh: hint: try again in (1m|[1-5]?[0-9]s)\n$", often.Error);

        // Nobody else is kept from it; root is not counted.
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=alice")).Done();
        for (var i = 0; i < 5; i++)
            Assert.Equal("", (await daemon.Administrator.Types("tsh", "login", "--user=alice", "--ttl=0s")).Output);
        Assert.Contains("--ttl must be greater than zero", (await daemon.Administrator.Types("tsh", "login", "--user=alice", "--ttl=0s")).Error);
    }

    [PeopleFact]
    public async Task Lowered_limits_revoke_what_the_check_announced()
    {
        await using var daemon = await TestDaemon.Start(configuration: "limits: {certificate: 20h}\n");
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, brief], max_duration: 4d}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v8, metadata: {name: brief}, spec: {allow: {logins: [web], node_labels: {'*': '*'}}, options: {max_session_ttl: 30m}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [staff]}}
            """)).Done();
        var (root, alice, bob) = (daemon.Administrator, daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        (await alice.Types("tsh", "login")).Done();
        (await bob.Types("tsh", "login", "--ttl=30m")).Done();
        var approved = await Filed(alice, "dba");
        (await root.Types("tctl", "requests", "approve", approved)).Done();
        (await alice.Types("tsh", "login", $"--request-id={approved}", "--ttl=30m")).Done();
        var pending = await Filed(bob, "brief");
        Assert.Empty(daemon.RevocationList().Revoked);

        var lower = daemon.Scratch.Write("lower.yaml", "limits: {certificate: 1h, access: 2h, pending: 1h}\n");
        string[] check = ["certauthority", "--check-config", "--against-running", "--config", lower, "--data-dir", daemon.DataDirectory];
        Assert.Equal("the configuration is good\ncertificates it would revoke: 1 (alice)\nrequests it would shorten: 2 (alice, bob)\n", (await root.Types(check)).Done());
        var same = daemon.Scratch["certauthority.yaml"];
        Assert.Equal("the configuration is good\nit would take nothing back\n", (await root.Types([.. check[..4], same, .. check[5..]])).Done());
        Assert.Empty(daemon.RevocationList().Revoked);

        File.Copy(lower, same, overwrite: true);
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("the settings took back what they do not allow: 1 certificates revoked, 0 requests ended, 2 requests shortened"));
        Assert.Equal(1, Count(daemon));
        Assert.Contains("limited by the site's maximum for access", (await root.Types("tctl", "requests", "get", approved)).Done());
        Assert.Equal("2h\n", (await root.Types("bash", "-c", $"tctl requests get {approved} --format=json | jq -r .spec.access_lasts")).Done());
        var shortened = (await root.Types("tctl", "audit", "ls", $"--request={pending}", "--limit=1")).Done();
        Assert.Matches("; changed=expires [-0-9]+T[:0-9]+Z→[-0-9]+T[:0-9]+Z; reason=it waits 1h for an answer, limited by the site", shortened);

        // A start does the same. Beyond its end a request ends, with what was issued under it.
        await daemon.Stop();
        File.WriteAllText(same, "limits: {certificate: 1h, access: 1s}\n");
        await Task.Delay(1100);
        await daemon.Restart();
        Assert.Contains("state: DENIED", (await root.Types("tctl", "requests", "get", approved)).Done());
        Assert.Contains("reason: the access lasts 1s now, limited by the site's maximum for access, and is over; ask again", (await root.Types("tctl", "requests", "get", approved)).Done());
        Assert.Equal(2, Count(daemon));

        // A role that lets ask is no other: less time of it shortens too, in the transaction that changes it, and says so.
        File.WriteAllText(same, "limits: {certificate: 20h}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Split("the configuration was read again").Length > 2);
        var another = await Filed(bob, "dba");
        (await root.Types("tctl", "requests", "approve", another)).Done();
        var edited = await root.Types(["tctl", "create", "-f"], "{kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, brief], max_duration: 3h, thresholds: [{approve: 5}]}}}}");
        edited.Done();
        Assert.Matches($"tctl: warning: the access of bob under request {another} ends earlier, [^\n]*, limited by role staff\n", edited.Error);
        // What was decided stands, although more reviews would decide it now.
        (await bob.Types("tsh", "login", $"--request-id={another}")).Done();
        Assert.Equal(2, (await root.Types("certauthority", "--against-running")).ExitCode);

        static async Task<string> Filed(Person who, string role) => (await who.Types("tsh", "request", "create", $"--roles={role}", "--nowait", "--force")).Done().Split(' ')[1];

        static int Count(TestDaemon daemon) => daemon.RevocationList().Revoked.Sum(range => (int)(range.Last - range.First + 1));
    }

    [PeopleFact]
    public async Task Account_at_its_connection_limit_keeps_nobody_else_out()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=staff")).Done();

        var mine = Knock.As(Person.Alice, 200, daemon);
        await Until(() => mine.Count(one => one.IsClosed) == 180);

        (await daemon.Person(Person.Bob).Types("tsh", "request", "ls")).Done();
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
        var full = await daemon.Person(Person.Alice).Types("tsh", "request", "ls");
        Assert.Equal(
            (3, "tsh: error: the daemon broke off the connection\ntsh: hint: try again in a moment; one account can hold only so many connections at a time\n"),
            (full.ExitCode, full.Error));
        // A relay has to say so: to the far end of its ssh, an account without one looks the same.
        var relay = await daemon.Person(Person.Alice).Types("tsh", "relay");
        Assert.Equal((3, "", "tsh: error: the daemon broke off the connection\n"), (relay.ExitCode, relay.Output, relay.Error));
        Assert.Equal(180, mine.Count(one => one.IsClosed));

        mine.ForEach(one => one.Dispose());
        await Until(() => daemon.Person(Person.Alice).Types("tsh", "request", "ls").Result.ExitCode == 0);
    }

    [PeopleFact]
    public async Task One_account_can_hold_twenty_waiting_calls()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        var id = (await daemon.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

        var waits = Knock.As(Person.Alice, 20, daemon).ConvertAll(one =>
            one.Says($"GET /v1/my/requests/{id}?after=1&wait=25s HTTP/1.1\r\nHost: ca\r\nConnection: close\r\n\r\n").UntilClosed("", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20)));
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();

        Assert.All(await Task.WhenAll(waits), answer => Assert.Contains("\"state\":\"APPROVED\"", answer));
    }

    [Fact]
    public async Task Slow_or_oversized_calls_are_cut_off_and_delay_nobody_else()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        const string login = "POST /v1/my/certificates HTTP/1.1\r\nHost: ca\r\n";
        (string What, string Says, string Again, int PauseMs, string Answered)[] rows =
        [
            ("says nothing of its head", "GET ", "", 100, "408"),
            ("a slow head", "GET /v1/keys/user HTTP/1.1\r\nHost: ca\r\nX: ", "x", 300, "408"),
            ("a slow body", $"{login}Content-Length: 1000\r\n\r\n{{", " ", 300, "the message comes too slowly"),
            ("no body at all", $"{login}Content-Length: 1000\r\n\r\n", "", 300, "the message comes too slowly"),
            ("a body that is just not slow", $"{login}Content-Length: 60000\r\n\r\n{{", new string(' ', 400), 500, "the message comes too slowly"),
            ("an endless body", $"{login}Transfer-Encoding: chunked\r\n\r\n", $"1000\r\n{new string(' ', 4096)}\r\n", 10, "the message is too long"),
            ("an endless body on a route that has none", "GET /v1/keys/user HTTP/1.1\r\nHost: ca\r\nTransfer-Encoding: chunked\r\n\r\n", $"1000\r\n{new string(' ', 4096)}\r\n", 10, "200 OK"),
            ("an endless body on no route", "POST /v1/none HTTP/1.1\r\nHost: ca\r\nTransfer-Encoding: chunked\r\n\r\n", $"1000\r\n{new string(' ', 4096)}\r\n", 10, "there is no such route"),
            ("a head of 9 KiB", $"GET /v1/keys/user HTTP/1.1\r\nHost: ca\r\nX: {new string('x', 9 << 10)}\r\n\r\n", "", 100, "431"),
            ("a body of 65 KiB", $"{login}Content-Length: {65 << 10}\r\n\r\n{new string(' ', 65 << 10)}", "", 100, "the message is too long"),
        ];

        var answers = Task.WhenAll(rows.Select(async row =>
        {
            using var one = new Knock(daemon);
            return await one.Says(row.Says).UntilClosed(row.Again, TimeSpan.FromMilliseconds(row.PauseMs), TimeSpan.FromSeconds(20));
        }));
        while (!answers.IsCompleted)
            (await daemon.Myself.Types("tsh", "request", "ls")).Done();

        foreach (var (row, answer) in rows.Zip(await answers))
            Assert.True(answer?.Contains(row.Answered) == true, $"{row.What}: {answer ?? "not closed"}");
    }

    private static async Task Until(Func<bool> holds)
    {
        for (var left = 100; !holds(); left--)
        {
            Assert.True(left > 0, "it does not come to that");
            await Task.Delay(100);
        }
    }

    // Root owns her too, to see that he is not counted.
    private static async Task Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff", "--unix-user=alice", "--unix-user=root")).Done();
    }
}
