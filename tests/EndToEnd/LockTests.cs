namespace CertAuthority.Tests.EndToEnd;

/// <summary>Locks with sshd as the judge: who was in before is refused at the next connection, nobody else is, and what was revoked stays out.</summary>
public sealed class LockTests
{
    private const string Policy = """
        {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: db1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [staff, dba]}}
        """;

    [PeopleFact]
    public async Task Locked_user_and_nobody_else_is_refused_at_the_next_login()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var db1 = await TestHost.Create(daemon, "db1");
        (await alice.Types("tsh", "login")).Done();
        (await bob.Types("tsh", "login")).Done();
        var old = Kept(alice);
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        Assert.True(await db1.LetsIn(bob, "deploy"), db1.Log);

        var name = await Lock(daemon, "--user=alice", "--message=laptop lost");
        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.True(await db1.LetsIn(bob, "deploy"), db1.Log);
        Assert.StartsWith("tsh: error: user alice is locked: laptop lost\n", (await alice.Types("tsh", "login")).Error, StringComparison.Ordinal);

        (await daemon.Administrator.Types("tctl", "rm", $"lock/{name}")).Done();
        Assert.False(await db1.LetsIn(alice, "deploy"));
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        Assert.False(await db1.LetsIn(alice, "deploy", old));
    }

    [PeopleFact]
    public async Task Locked_node_admits_nobody_and_other_hosts_stay_open()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var (db1, web1) = (await TestHost.Create(daemon, "db1"), await TestHost.Create(daemon, "web1"));
        (await alice.Types("tsh", "login")).Done();
        (await bob.Types("tsh", "login")).Done();
        var old = Kept(bob);
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        Assert.True(await db1.LetsIn(bob, "postgres"), db1.Log);

        var name = await Lock(daemon, "--node=db1");
        // Bare logins were out, and would open it: they are revoked, and had again for the other hosts.
        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.False(await db1.LetsIn(bob, "postgres"));
        (await alice.Types("tsh", "login")).Done();
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await web1.LetsIn(alice, "deploy"), web1.Log);
        Assert.True(await web1.LetsIn(bob, "deploy"), web1.Log);
        Assert.False(await db1.LetsIn(alice, "deploy"));
        Assert.False(await db1.LetsIn(bob, "deploy"));
        Assert.False(await db1.LetsIn(bob, "postgres"));

        // Another lock that is on neither of them leaves what is out alone.
        Assert.Empty(Revoked(await daemon.Administrator.Types("tctl", "lock", "--login=nobody")));
        Assert.True(await web1.LetsIn(alice, "deploy"), web1.Log);

        (await daemon.Administrator.Types("tctl", "rm", $"lock/{name}")).Done();
        // What was had meanwhile goes on for what it says.
        Assert.True(await web1.LetsIn(bob, "deploy"), web1.Log);
        Assert.False(await db1.LetsIn(bob, "postgres"));
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await db1.LetsIn(bob, "postgres"), db1.Log);
        Assert.True(await db1.LetsIn(bob, "deploy"), db1.Log);
        Assert.False(await db1.LetsIn(bob, "postgres", old));
    }

    [PeopleFact]
    public async Task A_lock_survives_a_restart()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        await Lock(daemon, "--user=alice", "--ttl=8h");
        await daemon.Stop();
        await daemon.Restart();
        Assert.StartsWith("tsh: error: user alice is locked until ", (await daemon.Person(Person.Alice).Types("tsh", "login")).Error, StringComparison.Ordinal);
    }

    private static async Task<string> Lock(TestDaemon daemon, params string[] options) =>
        (await daemon.Administrator.Types(["tctl", "lock", .. options])).Done().Split('\'')[1];

    private static string Revoked(Outcome locked) => string.Join('\n', locked.Error.Split('\n').Where(line => line.Contains("revoked", StringComparison.Ordinal)));

    private static string Kept(Person person)
    {
        var kept = Path.Combine(Path.GetDirectoryName(person.Home)!, "old-cert.pub");
        File.Copy(Path.Combine(person.Home, "id-cert.pub"), kept, overwrite: true);
        return kept;
    }
}
