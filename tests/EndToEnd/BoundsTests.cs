namespace CertAuthority.Tests.EndToEnd;

/// <summary>What one caller can take: it is bounded, he is told, and nobody else notices.</summary>
public sealed class BoundsTests
{
    [PeopleFact]
    public async Task Logins_a_minute_and_live_certificates_are_bounded_and_what_to_do_is_told()
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
        Assert.Contains("--ttl must be longer than nothing", (await daemon.Administrator.Types("tsh", "login", "--user=alice", "--ttl=0s")).Error);
    }

    [PeopleFact]
    public async Task An_account_that_takes_all_its_connections_keeps_nobody_else_out()
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
        Assert.Equal(180, mine.Count(one => one.IsClosed));

        mine.ForEach(one => one.Dispose());
        await Until(() => daemon.Person(Person.Alice).Types("tsh", "request", "ls").Result.ExitCode == 0);
    }

    [PeopleFact]
    public async Task Twenty_calls_of_one_account_can_wait_at_once()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        var id = (await daemon.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];

        var waits = Knock.As(Person.Alice, 20, daemon).ConvertAll(one =>
            one.Says($"GET /v1/my/requests/{id}?after=1&wait=25s HTTP/1.1\r\nHost: ca\r\nConnection: close\r\n\r\n").UntilClosed("", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20)));
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();

        Assert.All(await Task.WhenAll(waits), answer => Assert.Contains("\"state\":\"APPROVED\"", answer));
    }

    [Fact]
    public async Task Whoever_is_slow_or_says_too_much_is_cut_off_in_seconds_and_others_are_served_meanwhile()
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

    static async Task Until(Func<bool> holds)
    {
        for (var left = 100; !holds(); left--)
        {
            Assert.True(left > 0, "it does not come to that");
            await Task.Delay(100);
        }
    }

    // Root owns her too, to see that he is not counted.
    static async Task Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff", "--unix-user=alice", "--unix-user=root")).Done();
    }
}
