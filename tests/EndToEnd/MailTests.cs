namespace CertAuthority.Tests.EndToEnd;

/// <summary>Telling people by mail, with a real mail server that takes it.</summary>
public sealed class MailTests
{
    // Root runs the daemon here, and is "me" too; bob and carol are others.
    private const string People = """
        {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba]}}}}
        ---
        {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [], unix_users: ['5002'], traits: {email: [bob@example.com, bob@example.org]}}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [staff], unix_users: ['5005'], traits: {email: [carol@example.com]}}}
        ---
        {kind: user, version: v2, metadata: {name: me}, spec: {roles: [staff], unix_users: ['ACCOUNT'], traits: {email: [me@example.com]}}}
        ---
        {kind: user, version: v2, metadata: {name: dave}, spec: {roles: [], unix_users: ['5006'], traits: {email: ["dave@example.com\u003e, eve@example.com"]}}}
        """;

    [MailTheory]
    [InlineData("starttls")]
    [InlineData("implicit")]
    public async Task Mail_reaches_reviewers_and_requester_but_never_the_actor(string tls)
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, tls);
        await using var daemon = await Start(scratch, Mail(scratch, server, tls));

        // Root files it for carol, who is told nothing of her own request; she, root and bob were suggested.
        var id = await RequestFor(daemon, "carol", "bob,carol,me,nobody", "tonight");
        await Eventually.Holds(() => server.Letters.Count == 2);
        (await daemon.Administrator.Types("tctl", "requests", "approve", "--reason=go", id)).Done();
        await Eventually.Holds(() => server.Letters.Count == 3);
        // One of root's own: bob hears of it, and of the answer nobody does.
        var own = (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--reviewers=bob", "--nowait")).Done().Split(' ')[1];
        await Eventually.Holds(() => server.Letters.Count == 5);
        (await daemon.Myself.Types("tsh", "request", "cancel", own)).Done();
        (await daemon.Administrator.Types("tctl", "requests", "deny", "--reason=over", id)).Done();
        await Eventually.Holds(() => server.Letters.Count == 6);
        await Eventually.Holds(() => WebhookTests.Status(daemon, "mail", "waiting") == "0");

        Assert.Equal(
            [
                "bob@example.com: carol asks for dba", "bob@example.org: carol asks for dba", "carol@example.com: carol's request for dba was approved by root",
                "bob@example.com: me asks for dba", "bob@example.org: me asks for dba", "carol@example.com: carol's request for dba was denied by root",
            ],
            server.Letters.Select(letter => $"{letter.To}: {letter.Header("Subject")}"));
        Assert.All(server.Letters, letter =>
        {
            Assert.Equal(("ca@example.com", "ca", true), (letter.Said.GetProperty("from").GetString(), letter.Said.GetProperty("user").GetString(), letter.Said.GetProperty("tls").GetBoolean()));
            Assert.Equal((letter.To, "auto-generated"), (letter.Header("To"), letter.Header("Auto-Submitted")));
        });
        Assert.Equal(6, server.Letters.Select(letter => letter.Header("Message-Id")).Distinct().Count());
        Assert.Contains($"\r\nreason: tonight\r\nrequest: {id}\r\n", server.Letters[0].Text);
        Assert.Contains($"\r\nto approve it: tsh request review {id} --approve\r\n", server.Letters[0].Text);
        Assert.DoesNotContain("hunter2", daemon.Log);
    }

    [MailFact]
    public async Task Requests_of_one_user_cannot_flood_a_mailbox()
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, "starttls");
        await using var daemon = await Start(scratch, Mail(scratch, server, "starttls"));
        var many = string.Join(',', Enumerable.Range(0, 99).Select(i => $"reviewer{i}").Append("bob"));

        await RequestFor(daemon, "carol", many, "one");
        await RequestFor(daemon, "carol", many, "two");
        await Eventually.Holds(() => server.Letters.Count == 4);
        var beyond = await daemon.Administrator.Types("tctl", "requests", "create", "carol", "--roles=dba", "--reviewers=bob", "--reason=three", "--force");
        (await daemon.Administrator.Types("tctl", "requests", "approve", beyond.Done().Split(' ')[1])).Done();
        await Eventually.Holds(() => server.Letters.Count == 5);

        Assert.Contains("reviewers get no mail about it, because the requests of carol within a day would mail more than 200 of them; tell them yourself", beyond.Error);
        Assert.Equal("carol's request for dba was approved by root", server.Letters[4].Header("Subject"));
    }

    [MailFact(people: true)]
    public async Task Review_has_a_notice_of_its_own_only_if_it_decides_nothing()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat");
        using var server = new TestMailServer(scratch, "none");
        await using var daemon = await TestDaemon.Start(
            scratch, configuration: WebhookTests.Configuration(scratch, WebhookTests.Hook(scratch, chat.Url, "chat")) + $"  mail: {{server: 127.0.0.1, port: {server.Port}, tls: none, from: ca@example.com}}\n");
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba], suggested_reviewers: [bob], thresholds: [{approve: 2, deny: 1}]}}}}
            ---
            {kind: role, version: v7, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff], traits: {email: [alice@example.com]}}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer], traits: {email: [bob@example.com]}}}
            ---
            {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer], traits: {email: [carol@example.com]}}}
            """)).Done();
        var (alice, bob, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol));
        var id = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        await Eventually.Holds(() => server.Letters.Count == 1);
        (await bob.Types("tsh", "request", "review", id, "--approve", "--reason=fine with me")).Done();
        await Eventually.Holds(() => server.Letters.Count == 2);
        (await carol.Types("tsh", "request", "review", id, "--approve")).Done();
        await Eventually.Holds(() => server.Letters.Count == 3 && chat.Posts.Count == 3);

        Assert.Equal(["request.created", "request.reviewed", "request.approved"], chat.Posts.Select(post => post.Event));
        Assert.Equal(
            ["bob@example.com: alice asks for dba", "alice@example.com: bob voted to approve alice's request for dba: 1 of 2 approvals", "alice@example.com: alice's request for dba was approved by carol"],
            server.Letters.Select(letter => $"{letter.To}: {letter.Header("Subject")}"));
        Assert.Contains("reason: fine with me", server.Letters[1].Text);
    }

    [MailFact(people: true)]
    public async Task Without_named_reviewers_everybody_who_can_review_gets_mail()
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, "none");
        await using var daemon = await TestDaemon.Start(
            scratch,
            configuration: "users_from_groups: {carol: [reviewer], postgres: [staff, reviewer]}\n"
                + $"notify:\n  mail: {{server: 127.0.0.1, port: {server.Port}, tls: none, from: ca@example.com, address_template: '{{user}}@corp.example.com'}}\n");
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba], thresholds: [{approve: 2, deny: 1}]}}}}
            ---
            {kind: role, version: v7, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff, reviewer], traits: {email: [alice@example.com]}}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer], traits: {email: [bob@example.com]}}}
            ---
            {kind: user, version: v2, metadata: {name: erika}, spec: {roles: [staff], traits: {email: [erika@example.com]}}}
            ---
            {kind: user, version: v2, metadata: {name: frank}, spec: {roles: [reviewer]}}
            """)).Done();
        var (alice, bob, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol));
        // Carol becomes a user of her group by calling once.
        (await carol.Types("tsh", "request", "ls")).Done();

        var id = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        await Eventually.Holds(() => server.Letters.Count == 2);
        Assert.Equal(["bob@example.com", "carol@corp.example.com"], server.Letters.Select(letter => letter.To).Order(StringComparer.Ordinal));
        Assert.All(server.Letters, letter => Assert.StartsWith($"<{id}.", letter.Header("Message-Id"), StringComparison.Ordinal));

        // Named reviewers are the only ones.
        (await alice.Types("tsh", "request", "create", "--roles=dba", "--reviewers=bob", "--nowait", "--force")).Done();
        await Eventually.Holds(() => server.Letters.Count == 3);
        (await bob.Types("tsh", "request", "review", id, "--approve")).Done();
        (await carol.Types("tsh", "request", "review", id, "--approve")).Done();
        await Eventually.Holds(() => server.Letters.Count == 5);
        var thread = server.Letters[3..];
        Assert.Equal("bob@example.com", server.Letters[2].To);
        Assert.Equal(["alice@example.com", "alice@example.com"], thread.Select(letter => letter.To));
        Assert.StartsWith($"<{id}.", Assert.Single(thread.Select(letter => letter.Header("References")).Distinct()), StringComparison.Ordinal);
        Assert.Equal(thread.Select(letter => letter.Header("References")), thread.Select(letter => letter.Header("In-Reply-To")));
        Assert.Equal("0", WebhookTests.Status(daemon, "mail", "waiting"));
    }

    [MailFact]
    public async Task Refused_address_is_retried_without_mailing_anyone_twice()
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, "starttls");
        await using var daemon = await Start(scratch, Mail(scratch, server, "starttls"));
        server.Unknown("bob@example.org");
        await RequestFor(daemon, "carol", "bob");
        await Eventually.Holds(() => WebhookTests.Status(daemon, "mail", "last_failure") == "the mail server did not take the message to bob@example.org: 5.1.1 nobody of that name here");
        server.Unknown();
        await Eventually.Holds(() => server.Letters.Count == 2);
        Assert.Equal(["bob@example.com", "bob@example.org"], server.Letters.Select(letter => letter.To));
        Assert.Equal("0", WebhookTests.Status(daemon, "mail", "waiting"));
    }

    [MailFact]
    public async Task Invalid_address_shows_in_the_status_and_gets_no_mail()
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, "starttls");
        await using var daemon = await Start(scratch, Mail(scratch, server, "starttls"));
        await RequestFor(daemon, "carol", "dave,bob");
        await Eventually.Holds(() => server.Letters.Count == 2);
        Assert.Equal(["bob@example.com", "bob@example.org"], server.Letters.Select(letter => letter.To));
        Assert.Matches(
            @"\nnotifications \(mail\): 0 waiting, 1 given up; last failure .*: ""dave@example.com>, eve@example.com"" is no mail address\n", (await daemon.Administrator.Types("tctl", "status")).Done());
    }

    [MailTheory]
    [InlineData("no TLS where STARTTLS is wanted", "none", "starttls", true, "The SMTP server does not support the STARTTLS extension.")]
    [InlineData("no TLS where it is wanted from the start", "none", "implicit", true, "no TLS with the mail server: ")]
    [InlineData("a certificate that nobody vouches for", "starttls", "starttls", false, "no TLS with the mail server: ")]
    public async Task Without_the_required_TLS_no_mail_or_password_is_sent(string what, string offered, string wanted, bool trusted, string told)
    {
        using var scratch = new Scratch();
        TestReceiver.Certificate(scratch);
        using var server = new TestMailServer(scratch, offered);
        await using var daemon = await Start(scratch, Mail(scratch, server, wanted), trusted);
        await RequestFor(daemon, "carol", "bob");
        await Eventually.Holds(() => WebhookTests.Status(daemon, "mail", "last_failure")?.Contains(told, StringComparison.Ordinal) == true);
        Assert.True((0, "") == (server.Letters.Count, server.Logins), what);
    }

    [MailFact]
    public async Task Wrong_password_is_reported_and_SIGHUP_loads_a_new_one()
    {
        using var scratch = new Scratch();
        using var server = new TestMailServer(scratch, "starttls");
        var configuration = Mail(scratch, server, "starttls");
        Secret(scratch, "password", "wrong\n");
        await using var daemon = await Start(scratch, configuration);
        await RequestFor(daemon, "carol", "bob");
        await Eventually.Holds(() => WebhookTests.Status(daemon, "mail", "last_failure")?.EndsWith(": 535: 5.7.8 Authentication credentials invalid", StringComparison.Ordinal) == true);
        Assert.Empty(server.Letters);
        Secret(scratch, "password", "hunter2\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => server.Letters.Count == 2);
    }

    [MailFact]
    public async Task Dead_mail_server_delays_nobody_and_mail_survives_a_restart()
    {
        using var scratch = new Scratch();
        using var chat = new TestWebhook(scratch, "chat");
        using var server = new TestMailServer(scratch, "none");
        // Whoever listens here says nothing, as a firewall would.
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        var mail = "  mail: {server: 127.0.0.1, port: PORT, tls: none, from: ca@example.com}\n";
        string Configured(int port) => WebhookTests.Configuration(scratch, WebhookTests.Hook(scratch, chat.Url, "chat"), timeout: "4m") + mail.Replace("PORT", port.ToString(), StringComparison.Ordinal);
        await using var daemon = await Start(scratch, Configured(((System.Net.IPEndPoint)silent.LocalEndpoint).Port));
        await RequestFor(daemon, "carol", "bob");
        await Eventually.Holds(() => silent.Pending());
        await RequestFor(daemon, "carol", "bob");
        await Eventually.Holds(() => chat.Posts.Count == 2);
        Assert.Contains("\nnotifications (mail): 4 waiting, 0 given up\n", (await daemon.Administrator.Types("tctl", "status")).Done());
        Assert.Equal(0, await daemon.Stop());

        // The attempt that the stop cut short counts, and is made again when its time would have been over.
        scratch.Write("certauthority.yaml", Configured(server.Port));
        await daemon.Restart();
        await Eventually.Holds(() => server.Letters.Count == 3);
        Assert.Equal("1", WebhookTests.Status(daemon, "mail", "waiting"));
    }

    private static Task<TestDaemon> Start(Scratch scratch, string configuration, bool trusted = true) => Started(scratch, configuration, trusted ? ["env", $"SSL_CERT_FILE={scratch["server.pem"]}"] : null);

    private static async Task<TestDaemon> Started(Scratch scratch, string configuration, string[]? around)
    {
        var daemon = await TestDaemon.Start(scratch, around, configuration: configuration);
        (await daemon.Administrator.Types(["tctl", "create"], People.Replace("ACCOUNT", World.Account, StringComparison.Ordinal))).Done();
        return daemon;
    }

    private static string Mail(Scratch scratch, TestMailServer server, string tls)
    {
        Secret(scratch, "password", "hunter2\n");
        return $"notify:\n  before_end: 1s\n  mail: {{server: 127.0.0.1, port: {server.Port}, tls: {tls}, user: ca, password_file: {scratch["password"]}, from: CertAuthority <ca@example.com>}}\n";
    }

    private static void Secret(Scratch scratch, string name, string content)
    {
        scratch.Write(name, content);
        File.SetUnixFileMode(scratch[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static async Task<string> RequestFor(TestDaemon daemon, string user, string reviewers, string reason = "") =>
        (await daemon.Administrator.Types("tctl", "requests", "create", "--roles=dba", "--force", $"--reviewers={reviewers}", $"--reason={reason}", user)).Done().Split(' ')[1];

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class MailFactAttribute : FactAttribute
    {
        public MailFactAttribute(bool people = false) => Skip = Missing ?? (people ? new PeopleFactAttribute().Skip : null);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class MailTheoryAttribute : TheoryAttribute
    {
        public MailTheoryAttribute() => Skip = Missing;
    }

    private static string? Missing => World.Unless(File.Exists("/usr/bin/aiosmtpd"), "needs a mail server; ./test as root installs python3-aiosmtpd");
}
