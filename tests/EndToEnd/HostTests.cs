namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon with people, roles and nodes, and hosts that trust it.</summary>
public sealed class Fleet : IAsyncLifetime
{
    internal TestDaemon Daemon { get; private set; } = null!;

    internal Dictionary<string, TestHost> Hosts { get; } = [];

    internal Person Alice => Daemon.Person(Person.Alice);

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        await Tctl(["create"], """
            {kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v7, metadata: {name: prod}, spec: {allow: {logins: [postgres, deploy], node_labels: {env: prod}}}}
            ---
            {kind: role, version: v7, metadata: {name: databases}, spec: {allow: {logins: [root], node_labels: {type: ['db', 'cache']}}}}
            ---
            {kind: role, version: v7, metadata: {name: not-test}, spec: {deny: {node_labels: {env: test}}}}
            ---
            {kind: role, version: v7, metadata: {name: no-postgres}, spec: {deny: {logins: [postgres]}}}
            ---
            {kind: role, version: v7, metadata: {name: own-login}, spec: {allow: {logins: ['{{internal.logins}}'], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v7, metadata: {name: by-mail}, spec: {allow: {logins: ['{{regexp.replace(email.local(external.email), "^([a-z]+)[.].*$", "$1")}}'], node_labels: {env: prod}}}}
            ---
            {kind: role, version: v7, metadata: {name: no-banned}, spec: {deny: {logins: ['{{external.banned}}']}}}
            ---
            {kind: role, version: v7, metadata: {name: regex}, spec: {allow: {logins: [root], node_labels: {env: '^(prod|stage)$'}}}}
            ---
            {kind: role, version: v7, metadata: {name: glob}, spec: {allow: {logins: [root], node_labels: {type: 'd*'}}}}
            ---
            {kind: role, version: v7, metadata: {name: both}, spec: {allow: {logins: [root], node_labels: {env: prod, type: db}}}}
            ---
            {kind: role, version: v3, metadata: {name: guide}, spec: {allow: {logins: [postgres]}}}
            ---
            {kind: role, version: v7, metadata: {name: over, expires: '2001-01-01T00:00:00Z'}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}, deny: {logins: [postgres]}}}
            ---
            {kind: role, version: v7, metadata: {name: no-moon}, spec: {deny: {node_labels: {env: moon}}}}
            ---
            {kind: role, version: v7, metadata: {name: base}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [everywhere, 'short-*']}}}}
            ---
            {kind: role, version: v7, metadata: {name: short-1h}, spec: {allow: {logins: [root], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
            ---
            {kind: node, version: v2, metadata: {name: db1, labels: {env: prod, type: db}}, spec: {addr: 'db1.example.com:22'}}
            ---
            {kind: node, version: v2, metadata: {name: db2, labels: {env: test, type: db}}, spec: {addr: db2.example.com}}
            ---
            {kind: node, version: v2, metadata: {name: web1, labels: {env: prod, type: web}}, spec: {addr: web1.example.com}}
            """);
        await Tctl(["create"], """
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [base], traits: {logins: [deploy], email: [root.smith@example.com], banned: [postgres, deploy]}}}
            """);
        foreach (var name in (string[])["db1", "db2", "web1"])
            Hosts[name] = await TestHost.Create(Daemon, name);
        Hosts["db1-files"] = await TestHost.Create(Daemon, "db1", PrincipalsSetting.Files);
        Hosts["db1-bare"] = await TestHost.Create(Daemon, "db1", PrincipalsSetting.None);
    }

    public async Task DisposeAsync()
    {
        if (Daemon is not null)
            await Daemon.DisposeAsync();
    }

    internal async Task<string> Tctl(string[] words, string? input = null) => (await Daemon.Administrator.Types(["tctl", .. words], input)).Done();

    /// <summary>Logs alice in with these roles as her only ones.</summary>
    internal Task<Person> LogIn(params string[] roles) => LogIn(Alice, roles);

    /// <summary>The same with another folder of hers, and with the roles of requests.</summary>
    internal async Task<Person> LogIn(Person alice, string[] roles, string[]? requested = null)
    {
        await Tctl(["users", "update", $"--set-roles={(roles is [] ? "none" : string.Join(',', roles))}", "alice"]);
        var ids = new List<string>();
        foreach (var role in requested ?? [])
        {
            ids.Add(await Request(role));
            await Tctl(["requests", "approve", ids[^1]]);
        }
        (await alice.Types(["tsh", "login", .. ids.Count == 0 ? (string[])[] : [$"--request-id={string.Join(',', ids)}"]])).Done();
        return alice;
    }

    /// <summary>Alice with a key of another type, made by ssh-keygen; tsh takes what it finds.</summary>
    internal async Task<Person> AliceWith(string type, int bits)
    {
        var alice = Alice with { Home = Path.Combine(Path.GetDirectoryName(Alice.Home)!, $"{type}-{bits}") };
        if (!Directory.Exists(alice.Home))
            (await alice.Types("bash", "-c", $"umask 077 && mkdir {alice.Home} && ssh-keygen -q -t {type} -b {bits} -N '' -f {alice.Home}/id")).Done();
        return alice;
    }

    /// <summary>Files a request as alice; its id.</summary>
    internal async Task<string> Request(string role) =>
        (await Alice.Types("tsh", "request", "create", $"--roles={role}", "--nowait", "--force")).Done().Split(' ')[1];
}

/// <summary>Who gets in where, with sshd as the judge. Each row enters somewhere, and is refused next to it.</summary>
public sealed class HostTests(Fleet fleet) : IClassFixture<Fleet>
{
    public sealed record Row(string Case, string[] Roles, string EntersAs, string On, string RefusedAs, string There)
    {
        public string[] Requested { get; init; } = [];

        public (string Type, int Bits) Key { get; init; } = ("ed25519", 256);

        public override string ToString() => Case;
    }

    private static readonly (string Type, int Bits)[] Keys = [("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3072), ("rsa", 4096)];

    public static TheoryData<Row> Rows =>
    [
        new("a role for all hosts opens each of them, as no other login", ["everywhere"], "postgres", "db1", "root", "db1"),
        new("a role for all hosts opens a host of another kind", ["everywhere"], "postgres", "web1", "deploy", "web1"),
        new("a bare login enters a host without a principals setting", ["everywhere"], "postgres", "db1-bare", "root", "db1-bare"),
        new("a bare login enters a host with principals files", ["everywhere"], "postgres", "db1-files", "root", "db1-files"),
        new("a role for some hosts opens those, and not the others", ["prod"], "postgres", "db1", "postgres", "db2"),
        new("a role for some hosts opens all of those", ["prod"], "deploy", "web1", "deploy", "db2"),
        new("login@node enters a host with principals files", ["prod"], "postgres", "db1-files", "root", "db1-files"),
        new("login@node is refused where no principals are set", ["prod"], "postgres", "db1", "postgres", "db1-bare"),
        new("several values of a label are any of them", ["databases"], "root", "db2", "root", "web1"),
        new("roles do not lend each other logins", ["prod", "databases"], "root", "db1", "root", "web1"),
        new("roles do not lend each other hosts", ["prod", "databases"], "deploy", "web1", "deploy", "db2"),
        new("a denied host is out of reach of a role for all", ["everywhere", "not-test"], "postgres", "db1", "postgres", "db2"),
        new("with a denied host no bare login is left", ["everywhere", "not-test"], "postgres", "web1", "postgres", "db1-bare"),
        new("a denied login is out of reach of a role that grants it", ["prod", "no-postgres"], "deploy", "db1", "postgres", "db1"),
        new("a denied login is out of reach everywhere", ["base", "everywhere", "no-postgres"], "deploy", "db2", "postgres", "db2"),
        new("a bare login beside one for some hosts", ["everywhere", "prod"], "postgres", "db2", "deploy", "db2"),
        new("version 3 with logins alone means all hosts", ["guide"], "postgres", "db1-bare", "deploy", "db1-bare"),
        new("a login from the user's trait, and no other", ["own-login"], "deploy", "web1", "postgres", "web1"),
        new("a login that an expression makes of a trait", ["by-mail"], "root", "db1", "root", "db2"),
        new("a login denied by a trait", ["prod", "databases", "no-banned"], "root", "db2", "deploy", "db1"),
        new("a login denied by the second value of a trait", ["everywhere", "regex", "no-banned"], "root", "web1", "postgres", "web1"),
        new("a regular expression over a label", ["regex"], "root", "web1", "root", "db2"),
        new("a glob over a label", ["glob"], "root", "db2", "root", "web1"),
        new("two labels are both", ["both"], "root", "db1", "root", "web1"),
        new("a role that is over grants nothing", ["own-login", "over"], "deploy", "db1", "root", "db1"),
        new("a role that is over denies on", ["prod", "over"], "deploy", "db1", "postgres", "db1"),
        new("a denied host that does not exist takes the bare login all the same", ["everywhere", "no-moon"], "postgres", "db2", "postgres", "db1-bare"),
        new("a requested role for all hosts beside the regular ones", ["base"], "postgres", "db2", "root", "db2") { Requested = ["everywhere"] },
        new("a requested role for some hosts beside the regular ones", ["base"], "root", "db1", "root", "db2") { Requested = ["short-1h"] },
        new("two requests in one certificate", ["base"], "root", "web1", "root", "db2") { Requested = ["short-1h", "everywhere"] },
        new("a regular deny reaches a requested role", ["base", "no-postgres"], "root", "db1", "postgres", "db1") { Requested = ["short-1h", "everywhere"] },
        new("a regular deny of hosts reaches a requested role", ["base", "not-test"], "postgres", "db1", "postgres", "db2") { Requested = ["everywhere"] },
        .. Keys.SelectMany(key => (Row[])
            [
                new($"a bare login under a key {key.Type} {key.Bits}, on a host without a principals setting", ["everywhere"], "postgres", "db1-bare", "deploy", "db1-bare") { Key = key },
                new($"login@node under a key {key.Type} {key.Bits}, on a host with principals files", ["prod"], "deploy", "db1-files", "root", "db1-files") { Key = key },
                new($"login@node under a key {key.Type} {key.Bits}, on the right host only", ["databases"], "root", "db2", "root", "web1") { Key = key },
            ]),
    ];

    [PeopleTheory]
    [MemberData(nameof(Rows))]
    public async Task Certificate_opens_only_what_its_roles_allow(Row row)
    {
        var alice = await fleet.LogIn(await fleet.AliceWith(row.Key.Type, row.Key.Bits), row.Roles, row.Requested);

        Assert.True(await fleet.Hosts[row.On].LetsIn(alice, row.EntersAs), fleet.Hosts[row.On].Log);
        Assert.False(await fleet.Hosts[row.There].LetsIn(alice, row.RefusedAs));
    }

    [PeopleFact]
    public async Task Request_opens_hosts_only_between_approval_and_denial()
    {
        var alice = await fleet.LogIn("base");
        var db1 = fleet.Hosts["db1"];
        var id = await fleet.Request("everywhere");
        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Equal(1, (await alice.Types("tsh", "login", $"--request-id={id}")).ExitCode);
        Assert.False(await db1.LetsIn(alice, "postgres"));

        await fleet.Tctl(["requests", "approve", id]);
        (await alice.Types("tsh", "login", $"--request-id={id}")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);

        // No reload: sshd reads the list at each login.
        await fleet.Tctl(["requests", "deny", id]);
        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", db1.Log);
        // The regular roles are as they were.
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        Assert.False(await db1.LetsIn(alice, "postgres"));
    }

    [PeopleFact]
    public async Task Dropped_request_closes_its_access_and_leaves_another_open()
    {
        var alice = await fleet.LogIn("base");
        var (db1, web1) = (fleet.Hosts["db1"], fleet.Hosts["web1"]);
        var dropped = await fleet.Request("short-1h");
        await fleet.Tctl(["requests", "approve", dropped]);
        (await alice.Types("tsh", "login", $"--request-id={dropped}")).Done();
        var underDropped = Keep(alice, "dropped-cert.pub");
        var kept = await fleet.Request("everywhere");
        await fleet.Tctl(["requests", "approve", kept]);
        (await alice.Types("tsh", "login", $"--request-id={kept}")).Done();
        Assert.True(await db1.LetsIn(alice, "root", underDropped), db1.Log);
        Assert.True(await web1.LetsIn(alice, "postgres"), web1.Log);

        (await alice.Types("tsh", "request", "drop", dropped)).Done();

        Assert.False(await db1.LetsIn(alice, "root", underDropped));
        Assert.True(await web1.LetsIn(alice, "postgres"), web1.Log);
    }

    [PeopleFact]
    public async Task Removed_user_is_out_and_their_namesake_inherits_nothing()
    {
        await fleet.Tctl(["users", "add", "bob", "--roles=base,everywhere", "--unix-user=bob"]);
        var (alice, bob, db1) = (await fleet.LogIn("everywhere"), fleet.Daemon.Person(Person.Bob), fleet.Hosts["db1"]);
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await db1.LetsIn(bob, "postgres"), db1.Log);

        await fleet.Tctl(["users", "rm", "bob"]);
        Assert.False(await db1.LetsIn(bob, "postgres"));
        await fleet.Tctl(["users", "add", "bob", "--roles=base,everywhere", "--unix-user=bob"]);
        Assert.False(await db1.LetsIn(bob, "postgres"));
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
    }

    [PeopleFact]
    public async Task Certificate_expires_on_time()
    {
        var db1 = fleet.Hosts["db1"];
        await fleet.LogIn("everywhere");
        var alice = fleet.Alice;
        (await alice.Types("tsh", "login", "--ttl=4s")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);

        var end = DateTimeOffset.UnixEpoch.AddSeconds(OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(alice.Home, "id-cert.pub"))).ValidBefore);
        while (TimeProvider.System.GetUtcNow() < end)
            await Task.Delay(end - TimeProvider.System.GetUtcNow());

        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Contains("expired", db1.Log);
        var late = await alice.Types("tsh", "ssh", "postgres@db1", "true");
        // tsh fetches another.
        Assert.Contains("tsh: your certificate had expired; a new one of your regular roles is valid until ", late.Error);
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
    }

    [PeopleFact]
    public async Task A_certificate_without_its_key_opens_nothing()
    {
        var db1 = fleet.Hosts["db1"];
        var alice = await fleet.LogIn("everywhere");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        using var scratch = new Scratch();
        var thief = alice with { Home = scratch.Path };
        (await fleet.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["id"])).Done();

        Assert.False(await db1.LetsIn(thief, "postgres", certificate: Path.Combine(alice.Home, "id-cert.pub")));
    }

    [PeopleFact]
    public async Task A_host_that_trusts_another_CA_lets_nobody_in()
    {
        var alice = await fleet.LogIn("everywhere");
        var elsewhere = await TestHost.Create(fleet.Daemon, "elsewhere");
        Assert.True(await elsewhere.LetsIn(alice, "postgres"), elsewhere.Log);

        // The host CA of the same daemon is another CA to sshd.
        elsewhere.TrustInstead((await File.ReadAllTextAsync(fleet.Daemon.File("host_ca.pub"))).Trim());

        Assert.False(await elsewhere.LetsIn(alice, "postgres"));
    }

    [PeopleFact]
    public async Task Sshd_log_names_user_request_and_serial()
    {
        await fleet.LogIn("base");
        var (alice, db1) = (fleet.Alice, fleet.Hosts["db1"]);
        var id = await fleet.Request("everywhere");
        await fleet.Tctl(["requests", "approve", id]);
        (await alice.Types("tsh", "login", $"--request-id={id}")).Done();
        var serial = OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(alice.Home, "id-cert.pub"))).Serial;

        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Contains($"Accepted publickey for postgres", db1.Log);
        Assert.Contains($"ID alice:{id} (serial {serial}) CA ED25519", db1.Log);
        Assert.False(await db1.LetsIn(alice, "root"));
    }

    private static string Keep(Person person, string name)
    {
        var kept = Path.Combine(person.Home, name);
        File.Copy(Path.Combine(person.Home, "id-cert.pub"), kept, overwrite: true);
        return kept;
    }
}
