namespace CertAuthority.Tests.EndToEnd;

/// <summary>Each way in which access ends, with sshd as the judge: alice enters before and is refused after, and bob, beside her, never notices.</summary>
public sealed class EndingTests(EndingTests.Site site) : IClassFixture<EndingTests.Site>
{
    /// <summary>One daemon and one host for all endings, and bob with his certificate.</summary>
    public sealed class Site : IAsyncLifetime
    {
        internal TestDaemon Daemon { get; private set; } = null!;

        internal TestHost Host { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
            (await Daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
                ---
                {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [dba]}}
                """)).Done();
            (await Daemon.Person(Person.Bob).Types("tsh", "login")).Done();
            Host = await TestHost.Create(Daemon, "db1");
        }

        public async Task DisposeAsync() => await Daemon.DisposeAsync();
    }

    public sealed record Ending(string Case, string Command)
    {
        public override string ToString() => Case;
    }

    // $serial and $request are those of alice's certificate; each line is typed by root.
    public static TheoryData<Ending> Endings =>
    [
        new("the request is denied", "tctl requests deny $request"),
        new("the request is removed", "tctl requests rm -f $request"),
        new("the serial is revoked", "tctl certs revoke $serial"),
        new("the user's certificates are revoked", "tctl certs revoke --user=alice"),
        new("the request's certificates are revoked", "tctl certs revoke --request=$request"),
        new("the role's certificates are revoked", "tctl certs revoke --role=ops"),
        new("the granted role loses the login", "tctl create -f <<< '{kind: role, version: v7, metadata: {name: ops}, spec: {allow: {node_labels: {env: prod}}}}'"),
        new("the granted role names other hosts", "tctl create -f <<< '{kind: role, version: v7, metadata: {name: ops}, spec: {allow: {logins: [deploy], node_labels: {env: test}}}}'"),
        new("the base role denies the login", "tctl create -f <<< '{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [ops]}}, deny: {logins: [deploy]}}}'"),
        new("the base role may not ask any more", "tctl create -f <<< '{kind: role, version: v7, metadata: {name: staff}, spec: {}}'"),
        new("the granted role is removed", "tctl rm role/ops"),
        new("the base role is removed from all who hold it", "tctl rm -f role/staff"),
        new("the base role is taken from the user", "tctl users update --set-roles none alice"),
        new("the login is taken from the user's traits", "tctl users update --set-logins=other alice"),
        new("another account owns the user", "tctl users update --set-unix-users bob alice"),
        new("the host is relabelled", "tctl create -f <<< '{kind: node, version: v2, metadata: {name: db1, labels: {env: test}}, spec: {addr: db1.example.com}}'"),
        new("the host is removed", "tctl rm node/db1"),
        new("the host has ended", "tctl create -f <<< '{kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com, expires: 2026-01-01T00:00:00Z}}'"),
        new("the host ends before the certificate", "tctl create -f <<< \"{kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com, expires: '$(date -u -d '10 minutes' +%FT%TZ)'}}\""),
        new("the user is removed", "tctl users rm alice"),
        new("the user is removed and comes again", "tctl rm user/alice && tctl users add alice --roles=staff"),
    ];

    [PeopleTheory]
    [MemberData(nameof(Endings))]
    public async Task Every_ending_closes_the_access_of_that_user_only(Ending ending)
    {
        var (daemon, db1) = (site.Daemon, site.Host);
        // Everything is as it was before the previous ending; in the first row there is no alice to remove.
        await daemon.Administrator.Types("tctl", "rm", "user/alice");
        (await daemon.Administrator.Types(["tctl", "create", "-f"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [ops]}}}}
            ---
            {kind: role, version: v7, metadata: {name: ops}, spec: {allow: {logins: ['{{internal.logins}}'], node_labels: {env: prod}}}}
            ---
            {kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff], traits: {logins: [deploy]}}}
            """)).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var request = (await alice.Types("tsh", "request", "create", "--roles=ops", "--nowait")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", request)).Done();
        (await alice.Types("tsh", "login", $"--request-id={request}")).Done();
        var serial = OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(alice.Home, "id-cert.pub"))).Serial;
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        Assert.True(await db1.LetsIn(bob, "postgres"), db1.Log);

        (await daemon.Administrator.Types("bash", "-c", $"request={request} serial={serial}; {ending.Command}")).Done();

        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.Contains("revoked", db1.Log);
        Assert.True(await db1.LetsIn(bob, "postgres"), db1.Log);
    }
}
