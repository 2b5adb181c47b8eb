namespace CertAuthority.Tests.EndToEnd;

/// <summary>Roles that reach more than one certificate holds, with sshd as the judge.</summary>
public sealed class PerHostTests
{
    [PeopleFact]
    public async Task Access_beyond_one_certificate_is_issued_host_by_host()
    {
        await using var daemon = await TestDaemon.Start();
        // 130 hosts with two logins each are 260 principals.
        var nodes = Enumerable.Range(1, 130).Select(n => $"{{kind: node, version: v2, metadata: {{name: db{n}, labels: {{type: db}}}}, spec: {{addr: db{n}.example.com}}}}\n---\n");
        (await daemon.Administrator.Types(["tctl", "create"], string.Concat(nodes) + """
            {kind: role, version: v8, metadata: {name: some}, spec: {allow: {logins: [postgres, root], node_labels: {type: db}}}}
            ---
            {kind: role, version: v8, metadata: {name: all}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [some]}}
            """)).Done();
        var alice = daemon.Person(Person.Alice);
        var (db1, db2) = (await TestHost.Create(daemon, "db1"), await TestHost.Create(daemon, "db2"));

        // None is left: no certificate, and that is said.
        var none = await alice.Types("tsh", "login");
        Assert.Equal((0, ""), (none.ExitCode, none.Output));
        Assert.Equal(
            "tsh: no certificate: your roles reach more logins on hosts than one certificate holds\n" +
            "tsh: hint: each host has one of its own, fetched as you connect: tsh ssh LOGIN@NODE; tsh ls lists them\n", none.Error);
        Assert.False(File.Exists(Path.Combine(alice.Home, "id-cert.pub")));
        // That is being logged in too.
        var status = (await alice.Types("tsh", "status")).Done();
        Assert.StartsWith("user: alice\nlogins: each host has a certificate of its own, fetched as you connect (tsh ls lists them)\nvalid until: ", status, StringComparison.Ordinal);
        Assert.Equal("alice true []", (await alice.Types("bash", "-c", "tsh status --format=json | jq -r '\"\\(.user) \\(.per_host) \\(.at_hand)\"'")).Done().Trim());
        Assert.EndsWith("tsh: hint: each host has a certificate of its own, fetched as you connect: tsh ssh LOGIN@NODE\n", (await alice.Types("tsh", "ls")).Error, StringComparison.Ordinal);
        Assert.Equal("260", (await alice.Types("bash", "-c", "tsh ls --format=json | jq '[.[].logins[]] | length'")).Done().Trim());
        Assert.StartsWith("alice can log in: yes, as postgres@db1, ", (await daemon.Administrator.Types("tctl", "access", "explain", "alice")).Done(), StringComparison.Ordinal);

        // One host: its logins, and no other's.
        (await alice.Types("tsh", "login", "--node=db1")).Done();
        Assert.Equal(["postgres@db1", "root@db1"], Principals(alice));
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.True(await db1.LetsIn(alice, "root"), db1.Log);
        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.False(await db2.LetsIn(alice, "postgres"));
        // What it does not open is told apart.
        Assert.Contains("After tsh login", (await alice.Types("tsh", "ls")).Done(), StringComparison.Ordinal);

        // Bare logins fit: they alone, and that is said. One host's certificate has the bare login as its own.
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=some,all", "alice")).Done();
        var bare = await alice.Types("tsh", "login");
        Assert.Equal(0, bare.ExitCode);
        Assert.Contains("tsh: your roles reach more logins on hosts than one certificate holds; what is left out takes a certificate for its host\n", bare.Error);
        Assert.Equal(["deploy"], Principals(alice));
        Assert.True(await db2.LetsIn(alice, "deploy"), db2.Log);
        Assert.False(await db2.LetsIn(alice, "postgres"));
        (await alice.Types("tsh", "login", "--node=db2")).Done();
        Assert.Equal(["deploy@db2", "postgres@db2", "root@db2"], Principals(alice));
        Assert.True(await db2.LetsIn(alice, "deploy"), db2.Log);
        Assert.True(await db2.LetsIn(alice, "postgres"), db2.Log);
        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.False(await db1.LetsIn(alice, "postgres"));

        var beyond = await alice.Types("tsh", "login", "--node=web1");
        Assert.Equal((1, "tsh: error: there is no node \"web1\" within reach of the roles in use: some, all\ntsh: hint: tsh ls shows the nodes and logins in your reach\n"), (beyond.ExitCode, beyond.Error));
    }

    private static string[] Principals(Person person) => [.. OpenSsh.Certificate.ParseLine(File.ReadAllText(Path.Combine(person.Home, "id-cert.pub")).Trim()).Principals.Order(StringComparer.Ordinal)];
}
