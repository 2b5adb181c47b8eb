namespace CertAuthority.Tests.EndToEnd;

/// <summary>Several certificates of one login: what a role demands stays with its own logins, and what is open every day stays open.</summary>
public sealed class BesideTests
{
    [PeopleFact]
    public async Task Plain_ssh_uses_the_certificate_that_opens_each_login()
    {
        await using var daemon = await Laptop.Daemon();
        var (db1, web1) = (await Laptop.Db1(daemon), await TestHost.Create(daemon, "web1"));
        await web1.Certify();
        await web1.Listen();
        (await daemon.Administrator.Types(["tctl", "create", "-f"], $$$$"""
            {kind: node, version: v2, metadata: {name: web1, labels: {env: staging}}, spec: {addr: '127.0.0.1:{{{{web1.Port}}}}' } }
            ---
            {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {env: staging}, request: {roles: [dba, restore]}}, options: {port_forwarding: true}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 20s}}}
            ---
            {kind: role, version: v8, metadata: {name: restore}, spec: {allow: {logins: [bob], node_labels: {type: db}}, options: {force_command: /bin/echo restored}}}
            """)).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        var id = (await alice.Types("tsh", "request", "create", "--roles=dba,restore", "--nowait", "--server", Laptop.Server)).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var login = (await alice.Types("tsh", "login", "--server", Laptop.Server, $"--request-id={id}")).Done();
        (await alice.Types("tsh", "config")).Done();

        Assert.Contains("\nbeside it, elevated-restore: bob@db1; runs only /bin/echo restored, until ", login);
        Assert.Contains("\nbeside it, everyday: deploy@web1, until ", login);
        Assert.Equal("mine\n", (await Ssh("deploy@web1", "echo mine")).Done());
        Assert.Equal("postgres\n", (await Ssh("postgres@db1", "id -un")).Done());
        Assert.Equal("restored\n", (await Ssh("bob@db1", "echo mine")).Done());
        // The way through a bastion: its everyday certificate permits forwarding, the elevated one does not.
        Assert.Equal("postgres\n", (await Ssh("-J", "web1", "postgres@db1", "id -un")).Done());
        var elevated = await alice.Types(
            "ssh", "-F", "none", "-i", $"{laptop.TshHome}/id", "-o", $"CertificateFile={laptop.TshHome}/id-cert.pub", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-W", $"127.0.0.1:{db1.Port}", "-p", $"{web1.Port}", "deploy@127.0.0.1");
        Assert.Contains("administratively prohibited", elevated.Error);

        // The elevated one ends; the everyday one is there, and ssh says what to do before it knocks at db1.
        const string over = "tsh: error: there is no node \"db1\" within reach of your certificates\ntsh: hint: tsh login --request-roles=dba\n";
        await Eventually.Holds(async () => (await Ssh("postgres@db1", "true")).ExitCode != 0, "the elevated certificate ends");
        var knocks = db1.Log.Split("Connection from").Length;
        // All of it, should it be anything else.
        var after = (await Ssh("postgres@db1", "true")).Error;
        Assert.True(after.StartsWith(over, StringComparison.Ordinal), after);
        Assert.Equal(knocks, db1.Log.Split("Connection from").Length);
        Assert.Equal("deploy\n", (await Ssh("web1", "id -un")).Done());
        Assert.Equal("deploy@web1", (await alice.Types("bash", "-c", "tsh status --format=json | jq -r '.principals[]'")).Done().Trim());
        Assert.Equal("deploy\n", (await alice.Types("tsh", "ssh", "web1", "id", "-un")).Done());
        await db1.Stop();
        await web1.Stop();

        Task<Outcome> Ssh(params string[] arguments) => alice.Types(["ssh", "-o", "BatchMode=yes", .. arguments]);
    }

    [PeopleFact]
    public async Task Certificates_for_many_hosts_count_as_one_login()
    {
        await using var daemon = await Laptop.Daemon(configuration: "");
        var db1 = await TestHost.Create(daemon, "db1", PrincipalsSetting.Files);
        await db1.Listen();
        // More than one certificate holds, and 12 of them are one machine.
        (await daemon.Administrator.Types(["tctl", "create", "-f"], string.Concat(Enumerable.Range(1, 300).Select(n => $"{{kind: node, version: v2, metadata: {{name: db{n}, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}'}}}}\n---\n"))
            + "{kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access, dba]}}")).Done();
        db1.Answers([.. Enumerable.Range(1, 12).Select(n => $"db{n}")], "postgres");
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        (await alice.Types("tsh", "config")).Done();
        foreach (var n in Enumerable.Range(1, 12))
            Assert.Equal((0, "postgres\n", ""), await alice.Types("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", $"db{n}", "id -un") is var entered ? (entered.ExitCode, entered.Output, entered.Error) : default);

        Assert.Contains("at hand: postgres@db1, postgres@db10, ", (await alice.Types("tsh", "status")).Done());
        // After a logout none is fetched any more, and ssh stops before it connects.
        (await alice.Types("tsh", "logout")).Done();
        var loggedOut = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        Assert.StartsWith("tsh: error: not logged in\n", loggedOut.Error);
        await db1.Stop();
    }
}
