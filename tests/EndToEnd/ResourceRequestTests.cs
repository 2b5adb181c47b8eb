namespace CertAuthority.Tests.EndToEnd;

/// <summary>A request for one node opens this one and no other, with sshd as the judge.</summary>
public sealed class ResourceRequestTests
{
    private const string Policy = """
        {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {search_as_roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: db1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: db2, labels: {type: db}}, spec: {addr: db2.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
        """;

    [PeopleFact]
    public async Task Request_for_db1_opens_only_db1()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var (db1, db2) = (await TestHost.Create(daemon, "db1"), await TestHost.Create(daemon, "db2"));
        var request = (await alice.Types("tsh", "request", "create", "--resource=node/db1", "--nowait")).Done().Split(' ')[1];
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db2.LetsIn(alice, "deploy"), db2.Log);
        Assert.False(await db1.LetsIn(alice, "postgres"));

        (await bob.Types("tsh", "request", "review", request, "--approve")).Done();
        (await alice.Types("tsh", "login", $"--request-id={request}")).Done();
        Assert.Equal(["deploy@db1", "postgres@db1"], await Principals(alice));
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.True(await db1.LetsIn(alice, "deploy"), db1.Log);
        // Not even as what her own roles open: the certificate is for db1.
        Assert.False(await db2.LetsIn(alice, "postgres"));
        Assert.False(await db2.LetsIn(alice, "deploy"));

        // A login without the request is her own again.
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db2.LetsIn(alice, "deploy"), db2.Log);
        Assert.False(await db1.LetsIn(alice, "postgres"));
    }

    [PeopleTheory]
    [InlineData("tctl", "requests", "deny", "ID")]
    [InlineData("tctl", "rm", "node/db1")]
    [InlineData("tctl", "lock", "--node=db1")]
    [InlineData("tctl", "users", "update", "--set-roles=none", "alice")]
    public async Task Every_end_of_a_request_reaches_the_host(params string[] command)
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        var alice = daemon.Person(Person.Alice);
        var db1 = await TestHost.Create(daemon, "db1");
        var request = (await alice.Types("tsh", "request", "create", "--resource=node/db1", "--nowait")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", request)).Done();
        (await alice.Types("tsh", "login", $"--request-id={request}")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);

        (await daemon.Administrator.Types([.. command.Select(word => word == "ID" ? request : word)])).Done();
        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Equal(1, (await alice.Types("tsh", "login", $"--request-id={request}")).ExitCode);
    }

    [PeopleFact]
    public async Task Recreated_node_inherits_no_request()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        var alice = daemon.Person(Person.Alice);
        var request = (await alice.Types("tsh", "request", "create", "--resource=node/db1", "--nowait")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "rm", "node/db1")).Done();
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: db1.example.com}}")).Done();
        var late = await daemon.Administrator.Types("tctl", "requests", "approve", request);
        Assert.Equal(1, late.ExitCode);
        Assert.Contains("is DENIED; only PENDING requests can be approved", late.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Request_for_300_nodes_opens_them_one_by_one()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
        (await daemon.Administrator.Types(
            ["tctl", "create"],
            string.Join("\n---\n", Enumerable.Range(1, 299).Select(n => $"{{kind: node, version: v2, metadata: {{name: many-{n}, labels: {{type: db}}}}, spec: {{addr: many-{n}.example.com}}}}")))).Done();
        var alice = daemon.Person(Person.Alice);
        var db1 = await TestHost.Create(daemon, "db1");
        var all = string.Join(',', Enumerable.Range(1, 299).Select(n => $"node/many-{n}").Prepend("node/db1"));
        var request = (await alice.Types("tsh", "request", "create", $"--resource={all}", "--nowait")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", request)).Done();

        var login = await alice.Types("tsh", "login", $"--request-id={request}");
        Assert.Contains("your roles reach more logins on hosts than one certificate holds; what is left out takes a certificate for its host", login.Error, StringComparison.Ordinal);
        (await alice.Types("tsh", "login", $"--request-id={request}", "--node=db1")).Done();
        Assert.Equal(["deploy@db1", "postgres@db1"], await Principals(alice));
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Equal(1, (await alice.Types("tsh", "login", $"--request-id={request}", "--node=db2")).ExitCode);
    }

    private static async Task<string[]> Principals(Person person)
    {
        var shown = (await person.Types("ssh-keygen", "-L", "-f", Path.Combine(person.Home, "id-cert.pub"))).Done();
        return [.. shown[shown.IndexOf("Principals:", StringComparison.Ordinal)..shown.IndexOf("Critical", StringComparison.Ordinal)].Split('\n')[1..].Select(line => line.Trim()).Where(line => line.Length > 0)];
    }
}
