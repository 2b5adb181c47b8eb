namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts behind jump hosts: each a real sshd with an /etc of its own. Who may enter a host behind one may pass it, and nobody may do more there.</summary>
public sealed class JumpTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    private Person Me => fleet.Daemon.Myself;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [PeopleTheory]
    [InlineData(null)]
    [InlineData("forky")]
    public async Task Host_behind_two_jump_hosts_is_entered_and_written_to(string? release)
    {
        await using var bastion = await fleet.Host("bastion", release: release);
        (await fleet.Enroll(bastion, "--labels=type=way", "--jump", "--yes")).Done();
        await using var inner = await fleet.Host("inner");
        (await fleet.Enroll(inner, "--labels=type=way", "--jump", "--yes", "--via=bastion")).Done();
        await using var db1 = await fleet.Host();
        (await fleet.Enroll(db1, "--labels=type=db", "--via=inner")).Done();
        Assert.Contains($"127.0.0.1:{db1.Port} via inner", (await fleet.Tctl("nodes", "ls", "--wide")).Done(), StringComparison.Ordinal);

        // The daemon wrote to it by the same way, with a certificate of its own.
        Assert.Contains("Accepted publickey for certauthority-jump", bastion.Log, StringComparison.Ordinal);
        Assert.Contains("Accepted publickey for certauthority-jump", inner.Log, StringComparison.Ordinal);

        (await Me.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await Me.Types("tsh", "ssh", "root@db1", "echo entered")).Done());
        Assert.Contains("ID me ", inner.Log, StringComparison.Ordinal);
        // Plain ssh, by what tsh config writes.
        var config = fleet.Daemon.Scratch.Write("plain", (await Me.Types("tsh", "config", "--print")).Done());
        (await Me.Types("tsh", "config")).Done();
        Assert.Equal("entered\n", (await Me.Types("ssh", "-F", config, "-o", "BatchMode=yes", "root@db1", "echo entered")).Done());
        // While the daemon is away, the last known way counts.
        Assert.Equal(0, await fleet.Daemon.Stop());
        Assert.Equal("entered\n", (await Me.Types("tsh", "ssh", "root@db1", "echo entered")).Done());
        await fleet.Daemon.Restart();

        // A revocation arrives behind both, and then neither jump host nor host lets in what was revoked.
        (await fleet.Tctl("certs", "revoke", "--user=me", "--wait")).Done();
        Assert.True(fleet.HasTheList(db1));
        Assert.Equal(255, (await Pass(bastion, $"127.0.0.1:{inner.Port}")).ExitCode);
        Assert.Contains("Permission denied", (await Pass(bastion, $"127.0.0.1:{inner.Port}")).Error, StringComparison.Ordinal);
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
    }

    [PeopleFact]
    public async Task Jump_host_forwards_to_hosts_behind_it_and_does_nothing_else()
    {
        await using var bastion = await fleet.Host("bastion");
        (await fleet.Enroll(bastion, "--labels=type=way", "--jump", "--yes")).Done();
        await using var db1 = await fleet.Host();
        await using var other = await fleet.Host("other");
        // Nobody enters a host behind it: nobody passes it.
        Assert.Contains("no login is granted", (await Me.Types("tsh", "login")).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Jump));
        (await fleet.Enroll(db1, "--labels=type=db", "--via=bastion")).Done();

        (await Me.Types("tsh", "login")).Done();
        Assert.StartsWith("SSH-2.0-OpenSSH", (await Pass(bastion, $"127.0.0.1:{db1.Port}")).Output, StringComparison.Ordinal);
        // Not to any other port or host, not to a socket, not backwards.
        var elsewhere = await Pass(bastion, $"127.0.0.1:{other.Port}");
        Assert.Equal((255, ""), (elsewhere.ExitCode, elsewhere.Output));
        Assert.Contains($"to connect to host 127.0.0.1 port {other.Port}, but the request was denied", bastion.Log, StringComparison.Ordinal);
        Assert.NotEqual(0, (await Ssh(bastion, Jump, "-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:1")).ExitCode);
        Assert.NotEqual(0, (await Ssh(bastion, Jump, "-W", "/run/nothing:1")).ExitCode);
        // No shell, no command, no files.
        foreach (var asked in (string[][])[["id"], ["-tt"], ["-s", "sftp"]])
        {
            var refused = asked is ["-s", var subsystem] ? await Ssh(bastion, Jump, "-s", "--", subsystem) : await Ssh(bastion, Jump, asked);
            Assert.True(refused is { ExitCode: 255, Output: "" }, $"{asked[0]}: {refused}");
        }
        // The certificate that opens db1 does not pass, and the one that passes opens no account.
        Assert.Contains("Permission denied", (await Ssh(bastion, Path.Combine(Me.Home, "id-cert.pub"), "-W", $"127.0.0.1:{db1.Port}")).Error, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await As("root", db1, Jump, "id")).Error, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await As("root", bastion, Jump, "id")).Error, StringComparison.Ordinal);

        // The host key of the jump host is checked, not taken on trust.
        (await bastion.Run("cd /etc/ssh; mv ssh_host_ed25519_key x; mv ssh_host_ed25519_key.pub y; ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key")).Done();
        await bastion.Stop();
        await bastion.Restart();
        Assert.Contains("Host key verification failed", (await Me.Types("tsh", "ssh", "-o", "BatchMode=yes", "root@db1", "echo entered")).Error, StringComparison.Ordinal);
        Assert.Contains("or a jump host on the way, shows another host key than the one on record", (await fleet.Tctl("nodes", "sync", "db1")).Error, StringComparison.Ordinal);
        (await bastion.Run("cd /etc/ssh; mv x ssh_host_ed25519_key; mv y ssh_host_ed25519_key.pub")).Done();
        await bastion.Stop();
        await bastion.Restart();

        // Whoever may not enter db1 any more may not pass.
        (await Node("db1", $"{{addr: '127.0.0.1:{db1.Port}', push: true, via: bastion}}", "type: away")).Done();
        await Eventually.Holds(() => fleet.HasTheList(bastion));
        Assert.Contains("Permission denied", (await Pass(bastion, $"127.0.0.1:{db1.Port}")).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Ways_that_lead_nowhere_are_refused()
    {
        Assert.Contains("node 'db1' is reached through bastion, and there is no such node", (await Node("db1", "{addr: a, via: bastion}")).Error, StringComparison.Ordinal);
        (await Node("bastion", "{addr: b}")).Done();
        Assert.Contains("which is no jump host", (await Node("db1", "{addr: a, via: bastion}")).Error, StringComparison.Ordinal);
        (await Node("bastion", "{addr: b, jump: true}")).Done();
        (await Node("db1", "{addr: a, via: bastion, jump: true}")).Done();
        Assert.Contains("leads in a circle", (await Node("bastion", "{addr: b, jump: true, via: db1}")).Error, StringComparison.Ordinal);
        Assert.Contains("which is no jump host", (await Node("bastion", "{addr: b}")).Error, StringComparison.Ordinal);
        var removed = await fleet.Tctl("nodes", "rm", "bastion");
        Assert.Equal((1, true), (removed.ExitCode, removed.Error.Contains("db1 is reached through node \"bastion\"", StringComparison.Ordinal)));
        var role = await fleet.Daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: bad}, spec: {allow: {logins: [certauthority-jump], node_labels: {'*': '*'}}}}");
        Assert.Contains("is the account of jump hosts", role.Error, StringComparison.Ordinal);
        (await fleet.Tctl("nodes", "rm", "db1")).Done();
        (await fleet.Tctl("nodes", "rm", "bastion")).Done();
    }

    private string Jump => Path.Combine(Me.Home, "id-jump-everyday-cert.pub");

    private Task<Outcome> Node(string name, string spec, string labels = "") =>
        fleet.Daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: {name}, labels: {{{labels}}}}}, spec: {spec}}}");

    private Task<Outcome> Pass(FleetHost jump, string to) => Ssh(jump, Jump, "-W", to);

    private Task<Outcome> Ssh(FleetHost host, string certificate, params string[] words) => As("certauthority-jump", host, certificate, words);

    // Options before the host, a command behind it.
    private Task<Outcome> As(string login, FleetHost host, string certificate, params string[] words)
    {
        var command = words is [not ['-', ..]] ? words : words is ["-s", "--", var subsystem] ? ["-s", subsystem] : [];
        return fleet.Daemon.Administrator.Types(
            [
                "ssh", "-F", "none", "-i", Path.Combine(Me.Home, "id"), "-o", $"CertificateFile={certificate}", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{host.Port}", "-l", login,
                .. command is [] ? words : command is ["-s", ..] ? ["-s"] : [], "127.0.0.1", .. command is ["-s", var name] ? [name] : command,
            ], "");
    }
}
