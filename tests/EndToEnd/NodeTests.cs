namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts: their certificates, judged by ssh, and their files, judged by sshd.</summary>
public sealed class NodeTests : IAsyncLifetime
{
    private const string Policy = """
        {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [ACCOUNT], node_labels: {type: db}}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: "DB1.Example.com:22"}}
        ---
        {kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: me}, spec: {roles: [staff], unix_users: ['OWNER']}}
        """;

    private TestDaemon daemon = null!;

    private Person Admin => daemon.Administrator;

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start();
        (await Admin.Types(["tctl", "create"], Policy.Replace("ACCOUNT", Environment.UserName).Replace("OWNER", World.Account))).Done();
        (await Admin.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", daemon.Scratch["host_key"])).Done();
    }

    public async Task DisposeAsync() => await daemon.DisposeAsync();

    [Fact]
    public async Task Ssh_keygen_reads_the_certificate_signed_for_a_host()
    {
        var said = await Admin.Types("tctl", "auth", "sign", "--host=db1", "--ttl=90d", daemon.Scratch["host_key.pub"]);
        Assert.StartsWith($"certificate for db1, db1.example.com written to {daemon.Scratch["host_key-cert.pub"]}, valid until ", said.Done(), StringComparison.Ordinal);
        Assert.Equal($"tctl: hint: sshd offers it with the line: HostCertificate {daemon.Scratch["host_key-cert.pub"]}\n", said.Error);
        var shown = (await Admin.Types("ssh-keygen", "-L", "-f", daemon.Scratch["host_key-cert.pub"])).Done();
        Assert.Contains("Type: ssh-ed25519-cert-v01@openssh.com host certificate\n", shown, StringComparison.Ordinal);
        Assert.Contains("Key ID: \"db1\"\n", shown, StringComparison.Ordinal);
        Assert.Matches(@"Principals: \n +db1\n +db1\.example\.com\n +Critical Options: \(none\)\n +Extensions: \(none\)\n", shown);
        var ca = (await Admin.Types("ssh-keygen", "-l", "-f", daemon.File("host_ca.pub"))).Done().Split(' ')[1];
        Assert.Contains($"Signing CA: ED25519 {ca} ", shown, StringComparison.Ordinal);

        // The same through pipes.
        var key = File.ReadAllText(daemon.Scratch["host_key.pub"]);
        var piped = (await Admin.Types(["tctl", "auth", "sign", "--host=db1", "-"], key)).Done();
        Assert.StartsWith("ssh-ed25519-cert-v01@openssh.com ", piped, StringComparison.Ordinal);
        Assert.EndsWith(" db1\n", piped, StringComparison.Ordinal);

        var audit = (await Admin.Types("bash", "-c", "tctl audit ls --format=json | jq -c '.[] | select(.event == \"host_certificate.issued\") | [.resource, .principals]'")).Done();
        Assert.Equal("[\"node/db1\",[\"db1\",\"db1.example.com\"]]\n[\"node/db1\",[\"db1\",\"db1.example.com\"]]\n", audit);
        var listed = (await Admin.Types("tctl", "nodes", "ls")).Done().Split('\n');
        Assert.Matches(@"^db1 +db1\.example\.com:22 +type=db +until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +not written$", listed[2]);
        Assert.Matches(@"^web1 +web1\.example\.com +none +not written$", listed[3]);
    }

    [Theory]
    [InlineData("--host=db9", "host_key.pub", 1, "there is no node \"db9\"")]
    [InlineData("--host=db1", "nothing.pub", 1, "nothing.pub cannot be read: there is no such file")]
    [InlineData("--host=db1", "host_key", 2, "does not end in .pub: is it the public key?")]
    [InlineData("--host=db1 --ttl=400d", "host_key.pub", 2, "--ttl 400d is more than the site's maximum of 366d")]
    [InlineData("--host=db1 --ttl=soon", "host_key.pub", 2, "--ttl takes a duration such as 90s, 15m or 1h30m, not 'soon'")]
    [InlineData("--host=db1 --out=KEY.cert", "host_key", 1, "is not a public key, which is one line")]
    public async Task Rejected_host_signing_writes_nothing(string options, string file, int exit, string told)
    {
        string[] words = [.. options.Replace("KEY", daemon.Scratch["host_key"]).Split(' '), daemon.Scratch[file]];
        var refused = await Admin.Types(["tctl", "auth", "sign", .. words]);
        Assert.Equal((exit, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(told, refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(daemon.Scratch.Path, "*cert*"));
    }

    [Fact]
    public async Task Security_key_or_user_certificate_is_not_a_host_key()
    {
        const string SecurityKey = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIP0vPI2rP8xRxGPQHu3qkw1T0vwIzoFdXDBhNVwRZYdVAAAABHNzaDo=";
        var refused = await Admin.Types(["tctl", "auth", "sign", "--host=db1", "-"], SecurityKey);
        Assert.Equal((1, "tctl: error: a host has no key of type sk-ssh-ed25519@openssh.com\n"), (refused.ExitCode, refused.Error));
        (await daemon.Myself.Types("tsh", "login")).Done();
        var certificate = await Admin.Types(["tctl", "auth", "sign", "--host=db1", "-"], File.ReadAllText(Path.Combine(daemon.Myself.Home, "id-cert.pub")));
        Assert.Equal(1, certificate.ExitCode);
        Assert.StartsWith("tctl: error: the key cannot be certified: ", certificate.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Only_administrators_sign_host_keys_and_export_files()
    {
        foreach (var command in (string[][])[["tctl", "auth", "sign", "--host=db1", "-"], ["tctl", "nodes", "ls"], ["tctl", "nodes", "export", "db1"]])
        {
            var refused = await daemon.Person(Person.Bob).Types(command, "");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("administrator", refused.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>The files as they are exported, with sshd told of another folder than /etc; and ssh, which knows the authority and nothing else.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("30m")]
    public async Task Exported_files_admit_the_right_users_and_ssh_knows_the_host(string? krlMaxAge)
    {
        if (krlMaxAge is not null)
            (await Admin.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: 'DB1.Example.com:22', krl_max_age: {krlMaxAge}}}}}")).Done();
        (await Admin.Types("tctl", "auth", "sign", "--host=db1", daemon.Scratch["host_key.pub"])).Done();
        var root = daemon.Scratch["root"];
        var written = (await Admin.Types("tctl", "nodes", "export", "db1", $"--out={root}")).Done();
        Assert.Equal(
            "revoked.krl user_ca.pub host-cert.pub audit_key.pub host_ca.pub 00-certauthority.conf",
            string.Join(' ', written.TrimEnd().Split('\n').Select(Path.GetFileName)));
        var configuration = daemon.Scratch["sshd_config"];
        File.WriteAllText(configuration, $"""
            HostKey {daemon.Scratch["host_key"]}
            PidFile none
            UsePAM no
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            LogLevel VERBOSE
            {File.ReadAllText($"{root}/etc/ssh/sshd_config.d/00-certauthority.conf").Replace("/etc/ssh/certauthority", $"{root}/etc/ssh/certauthority").Replace("CommandUser nobody", $"CommandUser {(World.IsRoot ? "nobody" : Environment.UserName)}")}
            """);
        (await Admin.Types(World.Sshd, "-t", "-f", configuration)).Done();
        File.WriteAllText(daemon.Scratch["known_hosts"], (await Admin.Types("tctl", "auth", "export", "--type=host")).Done());
        (await daemon.Myself.Types("tsh", "login")).Done();

        foreach (var typed in (string[])["db1", "DB1.example.com"])
            Assert.Equal((0, "entered\n"), await Enter(typed));
        // Under another name it is not known, and a question cannot be answered.
        Assert.Equal((255, ""), await Enter("web1.example.com"));
        if (krlMaxAge is null)
            return;

        // Nobody enters with an old list, and everybody again with a fresh one.
        var krl = $"{root}/etc/ssh/certauthority/revoked.krl";
        File.SetLastWriteTimeUtc(krl, File.GetLastWriteTimeUtc(krl).AddMinutes(-31));
        Assert.Equal((255, ""), await Enter("db1"));
        File.SetLastWriteTimeUtc(krl, File.GetLastWriteTimeUtc(krl).AddMinutes(2));
        Assert.Equal((0, "entered\n"), await Enter("db1"));
        File.WriteAllText(krl, "");
        Assert.Equal((255, ""), await Enter("db1"));

        async Task<(int, string)> Enter(string typed)
        {
            var ssh = await daemon.Myself.Types(
                "ssh", "-F", "none", "-i", Path.Combine(daemon.Myself.Home, "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                "-o", $"UserKnownHostsFile={daemon.Scratch["known_hosts"]}", "-o", "LogLevel=ERROR", "-o", $"ProxyCommand={World.Sshd} -i -f {configuration} -E {daemon.Scratch["log"]}",
                "-l", Environment.UserName, "--", typed, "echo entered");
            return (ssh.ExitCode, ssh.Output);
        }
    }

    /// <summary>Each node has the address in another spelling than ssh compares, and ssh, given the same spelling, knows the host by its certificate.</summary>
    [Theory]
    [InlineData("[0:0:0:0:0:0:0:1]:22", "0:0:0:0:0:0:0:1", "[::1]:22")]
    [InlineData("[::FFFF:7f00:1]", "::FFFF:7f00:1", "[::ffff:127.0.0.1]")]
    [InlineData("127.1", "127.1", "127.0.0.1")]
    [InlineData("0x7f.0.0.1:22", "127.0.0.1", "127.0.0.1:22")]
    [InlineData("DB2.Example.com.", "DB2.example.com", "db2.example.com")]
    public async Task Ssh_accepts_the_host_certificate_for_every_spelling(string address, string typed, string stored)
    {
        (await Admin.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: other}}, spec: {{addr: '{address}'}}}}")).Done();
        Assert.Equal($"{stored}\n", (await Admin.Types("bash", "-c", "tctl get nodes/other --format=json | jq -r '.[].spec.addr'")).Done());
        (await Admin.Types("tctl", "auth", "sign", "--host=other", daemon.Scratch["host_key.pub"])).Done();
        File.WriteAllText(daemon.Scratch["known_hosts"], (await Admin.Types("tctl", "auth", "export", "--type=host")).Done());
        File.WriteAllText(daemon.Scratch["sshd_config"], $"HostKey {daemon.Scratch["host_key"]}\nHostCertificate {daemon.Scratch["host_key-cert.pub"]}\nPidFile none\nUsePAM no\nStrictModes no\n");

        var ssh = await Admin.Types(
            "ssh", "-F", "none", "-v", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", $"UserKnownHostsFile={daemon.Scratch["known_hosts"]}", "-o", "GlobalKnownHostsFile=none",
            "-o", "PreferredAuthentications=none", "-o", $"ProxyCommand={World.Sshd} -i -f {daemon.Scratch["sshd_config"]} -E {daemon.Scratch["log"]}", "--", typed, "true");
        Assert.Contains("is known and matches the ED25519-CERT host certificate", ssh.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web1:ssh", "the port \"ssh\" is not a number from 1 to 65535")]
    [InlineData("web1:0", "the port \"0\" is not a number from 1 to 65535")]
    [InlineData("x:99999999", "the port \"99999999\" is not a number from 1 to 65535")]
    [InlineData("[-F]", "between the brackets stands no IPv6 address")]
    [InlineData("-oProxyCommand", "write HOST or HOST:PORT")]
    [InlineData("2001:db8::1", "an IPv6 address stands in brackets: [2001:db8::1], or with a port [2001:db8::1]:22")]
    public async Task An_address_that_ssh_cannot_use_is_refused_at_creation(string address, string why)
    {
        var refused = await Admin.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: other}}, spec: {{addr: '{address}'}}}}");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"\"{address}\" is not an address: {why}", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>An earlier version took it. Everything but the way to that host works on, and each place says what to do.</summary>
    [Fact]
    public async Task Bad_stored_address_affects_only_its_node()
    {
        (await Admin.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db2, labels: {type: db}}, spec: {addr: db2.example.com}}")).Done();
        (await Admin.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db3, labels: {type: db}}, spec: {addr: db3.example.com}}")).Done();
        await daemon.Stop();
        using (var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False"))
        {
            database.Open();
            using var spoil = database.CreateCommand();
            spoil.CommandText = "UPDATE nodes SET resource = replace(replace(resource, 'db2.example.com', 'db2:ssh'), 'db3.example.com', '2001:DB8:0:0:0:0:0:3')";
            spoil.ExecuteNonQuery();
        }
        await daemon.Restart();

        var me = daemon.Myself;
        (await me.Types("tsh", "login")).Done();
        const string LeftOut = "tsh: warning: left out, for ssh cannot use the address: db2 (db2:ssh)\ntsh: hint: an administrator corrects it: tctl edit node/db2\n";
        var listed = await me.Types("tsh", "ls");
        Assert.Matches(@"(?s)\ndb1 +db1\.example\.com:22 .*\ndb3 +\[2001:db8::3\] ", listed.Done());
        Assert.DoesNotContain("db2", listed.Output, StringComparison.Ordinal);
        Assert.Equal(LeftOut, listed.Error);
        var config = await me.Types("tsh", "config", "--print");
        Assert.Contains("HostName 2001:db8::3\n", config.Done(), StringComparison.Ordinal);
        Assert.Equal(LeftOut, config.Error);
        var ssh = await me.Types("tsh", "ssh", "db2", "true");
        Assert.Equal((1, "tsh: error: 'db2:ssh' is not the address of a node\ntsh: hint: an administrator corrects it: tctl edit node/NAME\n"), (ssh.ExitCode, ssh.Error));

        Assert.Contains("db2:ssh", (await Admin.Types("tctl", "nodes", "ls")).Done(), StringComparison.Ordinal);
        (await Admin.Types(["tctl", "create", "-f"], "{kind: node, version: v2, metadata: {name: db2, labels: {type: db}}, spec: {addr: 'db2:22'}}")).Done();
        Assert.Equal("", (await me.Types("tsh", "ls")).Error);
    }

    [Fact]
    public async Task Exported_host_files_reflect_the_current_state()
    {
        Assert.Equal("/etc/ssh/certauthority/revoked.krl /etc/ssh/certauthority/user_ca.pub /etc/ssh/certauthority/audit_key.pub /etc/ssh/certauthority/host_ca.pub /etc/ssh/sshd_config.d/00-certauthority.conf", string.Join(' ', (await Paths("web1"))));
        (await Admin.Types("tctl", "auth", "sign", "--host=web1", daemon.Scratch["host_key.pub"])).Done();
        Assert.Contains("/etc/ssh/certauthority/host-cert.pub", await Paths("web1"));
        // One that has ended is not offered.
        (await Admin.Types("tctl", "auth", "sign", "--host=web1", "--ttl=1s", daemon.Scratch["host_key.pub"])).Done();
        await Eventually.Holds(async () => !(await Paths("web1")).Contains("/etc/ssh/certauthority/host-cert.pub"), "a certificate that has ended");
        // Removed and created again it is another host.
        (await Admin.Types("tctl", "auth", "sign", "--host=web1", daemon.Scratch["host_key.pub"])).Done();
        (await Admin.Types("tctl", "rm", "node/web1")).Done();
        (await Admin.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}")).Done();
        Assert.DoesNotContain("/etc/ssh/certauthority/host-cert.pub", await Paths("web1"));
        Assert.Equal(1, (await Admin.Types("tctl", "nodes", "export", "web9")).ExitCode);

        async Task<string[]> Paths(string node) => (await Admin.Types("tctl", "nodes", "export", node)).Done().TrimEnd().Split('\n');
    }
}
