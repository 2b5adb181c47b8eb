namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts whose accounts come from a directory and carry its domain, with sshd and a name service module of our own as judges.</summary>
public sealed class DirectoryAccountTests : IAsyncLifetime
{
    private const string Adam = "adam@corp.example.com";

    private const string Policy = """
        {kind: node, version: v2, metadata: {name: ad1, labels: {type: ad}}, spec: {addr: ad1.example.com, login_domain: corp.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: ad2, labels: {type: ad}}, spec: {addr: ad2.example.com}}
        ---
        {kind: role, version: v8, metadata: {name: everywhere}, spec: {allow: {logins: ['{{internal.logins}}@corp.example.com', deploy], node_labels: {'*': '*'}}}}
        ---
        {kind: role, version: v8, metadata: {name: some}, spec: {allow: {logins: ['adam@corp.example.com', 4d-print], node_labels: {type: ad}}}}
        ---
        {kind: role, version: v8, metadata: {name: namesake}, spec: {allow: {logins: [adam], node_labels: {type: ad}}}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [everywhere], traits: {logins: [adam]}}}
        """;

    private TestDaemon daemon = null!;
    private TestHost ad1 = null!;
    private TestHost ad2 = null!;

    private Person Admin => daemon.Administrator;

    private Person Alice => daemon.Person(Person.Alice);

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        daemon = await TestDaemon.Start();
        (await Admin.Types(["tctl", "create"], Policy)).Done();
        // A module takes the place of one that every C library brings and nobody uses, in a mount namespace of the host's own.
        var module = daemon.Scratch["directory.so"];
        (await Admin.Types("gcc", "-shared", "-fPIC", "-o", module, Path.Combine(World.Repository, "tests/EndToEnd/nss_directory.c"))).Done();
        var switches = daemon.Scratch.Write("nsswitch.conf", "passwd: files hesiod\ngroup: files\nshadow: files\n");
        var place = (await Admin.Types("sh", "-c", "ldconfig -p | sed -n 's/.*libnss_hesiod[.]so[.]2 .*=> //p' | head -1")).Done().Trim();
        var around = $"unshare -m sh -c 'mount --bind {switches} /etc/nsswitch.conf && mount --bind {module} {place} && exec \"$@\"' sh ";
        ad1 = await TestHost.Create(daemon, "ad1", around: around);
        ad2 = await TestHost.Create(daemon, "ad2", around: around);
    }

    public async Task DisposeAsync()
    {
        if (daemon is not null)
            await daemon.DisposeAsync();
    }

    [PeopleFact]
    public async Task Domain_account_opens_only_hosts_of_its_domain()
    {
        foreach (var role in (string[])["everywhere", "some"])
        {
            await LogIn(role);
            Assert.True(await ad1.LetsIn(Alice, Adam), ad1.Log);
            // The short name is another way to the same account.
            Assert.True(await ad1.LetsIn(Alice, "adam", account: Adam), ad1.Log);
            Assert.False(await ad1.LetsIn(Alice, "root"));
            // It has such accounts too, but nobody has said so.
            Assert.False(await ad2.LetsIn(Alice, Adam));
        }
        Assert.True(await ad2.LetsIn(Alice, "4d-print"), ad2.Log);
        Assert.Contains($"{Adam}@ad1", (await Alice.Types("tsh", "status")).Done(), StringComparison.Ordinal);
        (await Admin.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: only}, spec: {allow: {logins: [adam@corp.example.com], node_labels: {type: ad}}}}")).Done();
        await LogIn("only");
        Assert.Contains($"    User {Adam}\n    HostKeyAlias ad1\n", (await Alice.Types("tsh", "config", "--print")).Done(), StringComparison.Ordinal);
        var explained = (await Admin.Types("tctl", "access", "explain", "alice", $"--login={Adam}", "--node=ad2")).Done();
        Assert.StartsWith($"alice can log in as {Adam} on ad2: no: ad2 has no login_domain corp.example.com\n", explained, StringComparison.Ordinal);
        Assert.NotEqual("[]\n", (await Admin.Types("bash", "-c", "tctl certs ls --node=ad1 --state=live --format=json | jq -c .")).Done());
    }

    [PeopleFact]
    public async Task Plain_login_and_domain_account_are_separate()
    {
        await LogIn("namesake");
        Assert.False(await ad1.LetsIn(Alice, Adam));
        Assert.False(await ad1.LetsIn(Alice, "adam"));
        await LogIn("everywhere");
        var before = Path.Combine(Alice.Home, "before-cert.pub");
        File.Copy(Path.Combine(Alice.Home, "id-cert.pub"), before);
        Assert.True(await ad1.LetsIn(Alice, "deploy", before), ad1.Log);
        (await Admin.Types("tctl", "lock", $"--login={Adam}")).Done();
        Assert.False(await ad1.LetsIn(Alice, Adam, before));
        (await Alice.Types("tsh", "login")).Done();
        Assert.True(await ad1.LetsIn(Alice, "deploy"), ad1.Log);
        Assert.False(await ad1.LetsIn(Alice, Adam));
    }

    /// <summary>The login adam on a node of that name would be the same text as the account; without the node it cannot be issued.</summary>
    [PeopleFact]
    public async Task Node_cannot_have_the_name_of_a_login_domain()
    {
        foreach (var (name, spec) in ((string, string)[])[("corp.example.com", "addr: dc1.example.com"), ("other", "addr: other, login_domain: AD2"), ("self", "addr: self, login_domain: self")])
        {
            var refused = await Admin.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: {name}}}, spec: {{{spec}}}}}");
            Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
            Assert.Matches(@"^tctl: error: no node can be called [a-z0-9.]+ while it is the login_domain of node [a-z0-9]+: ", refused.Error);
        }
        var role = await Admin.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: odd}, spec: {allow: {logins: [root@ad1], node_labels: {'*': '*'}}}}");
        role.Done();
        Assert.Equal("tctl: warning: role 'odd' grants root@ad1, which opens nothing until a node has the login_domain ad1\n", role.Error);
        var deny = await Admin.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: no}, spec: {deny: {logins: [root@ad1]}}}");
        Assert.Equal(1, deny.ExitCode);
        Assert.StartsWith("tctl: error: role 'no' denies root@ad1, and no node has the login_domain ad1\n", deny.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Node_that_loses_its_domain_rejects_domain_accounts()
    {
        await LogIn("some");
        Assert.True(await ad1.LetsIn(Alice, Adam), ad1.Log);
        (await Admin.Types(["tctl", "create", "-f"], "{kind: node, version: v2, metadata: {name: ad1, labels: {type: ad}}, spec: {addr: ad1.example.com}}")).Done();
        Assert.False(await ad1.LetsIn(Alice, Adam));
    }

    private async Task LogIn(string role)
    {
        (await Admin.Types("tctl", "users", "update", $"--set-roles={role}", "alice")).Done();
        (await Alice.Types("tsh", "login")).Done();
    }
}
