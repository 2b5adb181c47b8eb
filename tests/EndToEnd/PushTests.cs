using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The daemon writes to hosts over sftp, each a real sshd with an /etc of its own; what is in its way is told, and changes nothing there.</summary>
public sealed class PushTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [PeopleFact]
    public async Task Revocation_reaches_the_host_automatically()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        // Which one it was, so that the next one takes its place by right.
        Assert.StartsWith("certauthority ", OpenSsh.Krl.Parse(File.ReadAllBytes(db1["certauthority/revoked.krl"])).Comment, StringComparison.Ordinal);

        var beside = await Beside();
        (await fleet.Tctl("certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => HasTheList(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        // What has not changed does not travel with it; asked for, it does.
        Assert.Equal(beside, await Beside());
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Empty(beside.Split('\n', StringSplitOptions.RemoveEmptyEntries).Intersect((await Beside()).Split('\n')));

        var status = await Status("db1");
        Assert.Equal((fleet.Daemon.RevocationList().Version.ToString(), true, false), (status.GetProperty("krl_version").GetString(), status.GetProperty("up_to_date").GetBoolean(), status.GetProperty("stale").GetBoolean()));
        Assert.False(status.TryGetProperty("failure", out _));
        Assert.Contains("hosts written to: 1, 1 of them with this list\n", (await fleet.Tctl("status")).Done(), StringComparison.Ordinal);
        Assert.Matches($"db1 .* {fleet.Daemon.RevocationList().Version}, [0-9]+s ago +[0-9]+\n", (await fleet.Tctl("nodes", "ls")).Done());
        // All that is there, and readable by all: the command that looks how old the list is runs as nobody.
        Assert.Equal("certauthority-sync 755\ncertauthority-sync 644\nroot 644\nroot 755\n", (await db1.Run("cd /etc/ssh; stat -c '%U %a' certauthority certauthority/revoked.krl certauthority-sync/sync.krl certauthority-sync")).Done());
        Assert.Equal("audit.checkpoint\nhost-cert.pub\nmanifest\nrevoked.krl\nuser_ca.pub\n", (await db1.Run("ls /etc/ssh/certauthority")).Done());
        // Of its own it leaves nothing but its key and certificate.
        Assert.Equal(["id", "id-cert.pub"], Directory.GetFileSystemEntries(fleet.Daemon.File("push")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));

        async Task<string> Beside() => (await db1.Run("cd /etc/ssh/certauthority; stat -c '%n %i' user_ca.pub host-cert.pub")).Done();
    }

    [PeopleFact]
    public async Task Host_closed_by_an_old_list_opens_with_the_next_one()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}', push: true, krl_max_age: 1h}}}}")).Done();
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        (await db1.Run("touch -d '2 hours ago' /etc/ssh/certauthority/revoked.krl")).Done();
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);

        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
    }

    [PeopleFact]
    public async Task Hung_and_unreachable_hosts_delay_no_other_host()
    {
        await using var db1 = await fleet.EnrolledHost("db1");
        await using var db2 = await fleet.EnrolledHost("db2");
        await using var db3 = await fleet.EnrolledHost("db3");
        await db2.Stop();
        // Takes connections, and says nothing.
        using var deaf = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, db3.Port);
        await db3.Stop();
        deaf.Start();
        await using var db4 = await fleet.EnrolledHost("db4");

        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        (await fleet.Tctl("certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => HasTheList(db1) && HasTheList(db4));
        await Eventually.Holds(async () => (await Status("db2")).TryGetProperty("failure", out var why) && why.GetString()!.Contains("Connection refused", StringComparison.Ordinal), "the second is known to be gone");
        var status = await fleet.Tctl("status");
        Assert.Contains("hosts written to: 4, 2 of them with this list\n", status.Done(), StringComparison.Ordinal);
        Assert.Matches("tctl: warning: 2 hosts of 4 do not have revocation list [0-9]+ yet and still accept what was revoked\ntctl: warning: db2: ssh: connect to host .*\ntctl: warning: db3: ", status.Error);
        // Whoever says so is told by the exit code, too.
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        var waited = await fleet.Tctl("certs", "revoke", "--user=me");
        Assert.Equal((0, true), (waited.ExitCode, waited.Error.Contains("tctl: warning: db2: ssh: connect to host ", StringComparison.Ordinal)));

        // So is a user who gives something back; which hosts there are is no business of theirs.
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: asks}, spec: {allow: {request: {roles: [dba]}}}}")).Done();
        (await fleet.Tctl("users", "update", "--set-roles=asks", "me")).Done();
        var request = (await fleet.Daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--reason=because", "--nowait")).Done().Split(' ')[1];
        (await fleet.Tctl("requests", "approve", request)).Done();
        (await fleet.Daemon.Myself.Types("tsh", "login", $"--request-id={request}")).Done();
        Assert.Equal(
            "tsh: warning: 2 hosts of 4 do not have the new revocation list yet and still accept what was revoked\ntsh: hint: the daemon goes on trying; an administrator sees which: tctl nodes ls\n",
            (await fleet.Daemon.Myself.Types("tsh", "request", "drop", request)).Error);

        // Who waits for it by hand sees how far it is.
        using (var terminal = Pty.Start(fleet.Daemon.Administrator, "tctl nodes sync db1 db3"))
        {
            await terminal.Shows("1 of 2 hosts");
            Assert.Contains("db1 has revocation list ", terminal.Shown, StringComparison.Ordinal);
        }
        // Nor is it in the way of whoever stops the daemon, or of a call that waits for it.
        using var waiting = fleet.Daemon.Administrator.Start("tctl", "nodes", "sync", "db3");
        await Eventually.Holds(() => Processes.Below(fleet.Daemon.DataDirectory) > 0);
        Assert.Equal(0, await fleet.Daemon.Stop());
        await waiting.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.NotEqual(0, waiting.ExitCode);
        Assert.Equal(0, Processes.Below(fleet.Daemon.DataDirectory));
        await fleet.Daemon.Restart();

        // They come back, and get what they missed.
        await db2.Restart();
        deaf.Stop();
        await db3.Restart();
        await Eventually.Holds(() => HasTheList(db2) && HasTheList(db3));

        // All at once, by hand: who is gone is told, and keeps the others from nothing.
        await db2.Stop();
        var all = await fleet.Tctl("nodes", "sync", "--all");
        Assert.Equal(1, all.ExitCode);
        Assert.Equal(["db1", "db3", "db4"], all.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.StartsWith("tctl: error: nothing can be written to db2: ssh: connect to host 127.0.0.1 port ", all.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Sync_account_allows_only_the_daemon_sftp_below_etc_ssh()
    {
        await using var db1 = await fleet.EnrolledHost();
        var key = fleet.Daemon.File("push/id");
        // The daemon's own key and certificate, in other hands.
        Assert.Equal((1, "This service allows sftp connections only.\n"), await As("certauthority-sync", key, "id"));
        Assert.Equal(255, (await As("root", key, "id")).ExitCode);
        var sftp = await fleet.Daemon.Administrator.Types(
            ["sftp", "-b", "-", "-F", "none", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-P", $"{db1.Port}", "certauthority-sync@127.0.0.1"],
            "pwd\n-get /etc/passwd\n-get /ssh_host_ed25519_key\n-put /etc/hostname /sshd_config\n-put /etc/hostname /certauthority-sync/sync_ca.pub\nls -1 /\n");
        Assert.Contains("Remote working directory: /certauthority\n", sftp.Output, StringComparison.Ordinal);
        Assert.Matches("(?s)\"/etc/passwd\" not found.*ssh_host_ed25519_key\": Permission denied.*\"/sshd_config\": Permission denied.*\"/certauthority-sync/sync_ca.pub\": Permission denied", sftp.Error);
        // A certificate of the user CA opens it to nobody, and no role can make one.
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(255, (await As("certauthority-sync", Path.Combine(fleet.Daemon.Myself.Home, "id"), "id")).ExitCode);
        var role = await fleet.Daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: bad}, spec: {allow: {logins: [certauthority-sync], node_labels: {'*': '*'}}}}");
        Assert.Equal(1, role.ExitCode);
        Assert.Contains("\"certauthority-sync\" is the daemon's own login", role.Error, StringComparison.Ordinal);
        const string byTrait = "{kind: role, version: v8, metadata: {name: trait}, spec: {allow: {logins: ['{{external.account}}'], node_labels: {'*': '*'}}}}\n---\n";
        string User(string trait) => $"{byTrait}{{kind: user, version: v2, metadata: {{name: sly}}, spec: {{roles: [trait], unix_users: ['0'], traits: {{{trait}: [certauthority-sync]}}}}}}\n";
        var trait = await fleet.Daemon.Administrator.Types(["tctl", "create"], User("logins"));
        Assert.Equal(1, trait.ExitCode);
        Assert.Contains("\"certauthority-sync\" is the daemon's own, which no role grants", trait.Error, StringComparison.Ordinal);
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], User("account"))).Done();
        var sly = await fleet.Daemon.Myself.Types("tsh", "login", "--user=sly");
        Assert.Equal(1, sly.ExitCode);
        Assert.Contains("role trait grants nothing by \"{{external.account}}\" to sly: \"certauthority-sync\" is the daemon's own, which no role grants", sly.Error, StringComparison.Ordinal);
        // And who wrote is on the record.
        Assert.Contains("\"sync_certificate.issued\"", (await fleet.Tctl("audit", "ls", "--format=json")).Done(), StringComparison.Ordinal);

        async Task<(int ExitCode, string Output)> As(string login, string identity, string command)
        {
            var outcome = await fleet.Daemon.Administrator.Types(
                "ssh", "-F", "none", "-T", "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{db1.Port}", $"{login}@127.0.0.1", command);
            return (outcome.ExitCode, outcome.Output);
        }
    }

    [PeopleFact]
    public async Task Renewed_host_certificate_is_pushed_even_after_expiry()
    {
        await using var db1 = await fleet.EnrolledHost();
        // As after a month in which nobody reached it: what it shows has ended, and the key is the one on record.
        (await fleet.Tctl("auth", "sign", "--host=db1", "--ttl=1s", $"--out={fleet.Daemon.Scratch["short"]}", db1["ssh_host_ed25519_key.pub"])).Done();
        File.Copy(fleet.Daemon.Scratch["short"], db1["certauthority/host-cert.pub"], overwrite: true);
        var end = DateTimeOffset.FromUnixTimeSeconds((long)OpenSsh.Certificate.ParseLine(File.ReadAllText(fleet.Daemon.Scratch["short"])).ValidBefore);
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow() > end);
        (await fleet.Tctl("auth", "sign", "--host=db1", "--ttl=10d", $"--out={fleet.Daemon.Scratch["long"]}", db1["ssh_host_ed25519_key.pub"])).Done();

        (await fleet.Tctl("nodes", "sync", "db1")).Done();

        Assert.Equal(File.ReadAllText(fleet.Daemon.Scratch["long"]), File.ReadAllText(db1["certauthority/host-cert.pub"]));
    }

    [PeopleFact]
    public async Task Reasons_for_not_writing_to_a_host_are_distinguished()
    {
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], """
            {kind: node, version: v2, metadata: {name: pulls}, spec: {addr: 127.0.0.1}}
            ---
            {kind: node, version: v2, metadata: {name: unknown}, spec: {addr: 127.0.0.1, push: true}}
            """)).Done();
        Assert.Matches("pulls +127.0.0.1 +none +not written\nunknown +127.0.0.1 +none +none yet", (await fleet.Tctl("nodes", "ls")).Done());
        Assert.Equal("tctl: error: there is no node \"none\"\ntctl: hint: tctl nodes ls lists them\n", (await fleet.Tctl("nodes", "sync", "none")).Error);
        Assert.StartsWith("tctl: error: the daemon does not write to node \"pulls\"\n", (await fleet.Tctl("nodes", "sync", "pulls")).Error, StringComparison.Ordinal);
        Assert.StartsWith("tctl: error: nothing can be written to unknown: no key of it is on record, by which it could be known\ntctl: hint: it is tried again until it succeeds; have its key signed: tctl auth sign --host=unknown KEY.pub\n", (await fleet.Tctl("nodes", "sync", "unknown")).Error, StringComparison.Ordinal);
        foreach (var usage in (string[][])[["nodes", "sync"], ["nodes", "sync", "--all", "pulls"]])
            Assert.Equal(2, (await fleet.Tctl(usage)).ExitCode);
        // Nothing was ever written to it, which a monitor has to hear.
        var status = await fleet.Tctl("status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("hosts written to: 1, 0 of them with this list\n", status.Output, StringComparison.Ordinal);
        Assert.Equal("tctl: error: 1 host has had no new revocation list for 30m or more: unknown\ntctl: hint: tctl nodes ls shows why\n", status.Error);
        Assert.Equal(1, (await fleet.Tctl("status", "--format=json")).ExitCode);
    }

    [PeopleTheory]
    [InlineData(5)]
    [InlineData(-5)]
    public async Task Host_with_a_clock_five_minutes_off_is_still_updated(int minutes)
    {
        using var clock = new Scratch();
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Daemon.Myself.Types("tsh", "login", "--ttl=4m")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        await db1.Stop();
        await db1.Restart([.. new TimeOfDay(clock.Path, TimeSpan.FromMinutes(minutes)).Around, "/usr/sbin/sshd", "-D", "-E", db1.LogFile]);
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.True(HasTheList(db1));
        // Its sshd does live in another time: a certificate of four minutes has not begun there, or is over.
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
    }

    [PeopleFact]
    public async Task Host_that_falsely_reports_a_write_keeps_its_list()
    {
        await using var db1 = await fleet.EnrolledHost();
        var list = File.ReadAllBytes(db1["certauthority/revoked.krl"]);
        await db1.Stop();
        // Each write to the new file ends well, and does nothing.
        await db1.Restart("strace", "-f", "-o", "/dev/null", "-P", "/etc/ssh/certauthority/revoked.krl.new", "-e", $"inject=write:retval={list.Length}", "/usr/sbin/sshd", "-D", "-E", db1.LogFile);
        Assert.StartsWith("tctl: error: nothing can be written to db1: revoked.krl did not arrive there as it was sent\n", (await fleet.Tctl("nodes", "sync", "db1")).Error, StringComparison.Ordinal);
        Assert.Equal(list, File.ReadAllBytes(db1["certauthority/revoked.krl"]));
    }

    [PeopleFact]
    public async Task Jump_host_is_configured_in_an_ssh_config_file()
    {
        await using var db1 = await fleet.EnrolledHost();
        var port = db1.Port;
        // No such name: who gets there went through the command.
        (await fleet.Daemon.Administrator.Types(["tctl", "create", "-f"], "{kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: db1.invalid, push: true}}")).Done();
        Assert.Contains("Could not resolve hostname db1.invalid", (await fleet.Tctl("nodes", "sync", "db1")).Error, StringComparison.Ordinal);

        var config = fleet.Daemon.Scratch.Write("ssh_config", $"Host db1.invalid\n    ProxyCommand nc 127.0.0.1 {port}\n    IdentityFile /not/here\n    User root\n");
        fleet.Daemon.Scratch.Write("certauthority.yaml", $"{TestDaemon.ManyLogins}push: {{ssh_config: {config}}}\n");
        await fleet.Daemon.Signal("HUP");
        await Eventually.Holds(async () => (await fleet.Tctl("nodes", "sync", "db1")).ExitCode == 0, "it is written to through the command");
    }

    [PeopleFact]
    public async Task Restarted_daemon_pushes_revocations_and_reports_stale_hosts()
    {
        await using var told = await EnrolledFleet.Start($"notify: {{command: [/bin/sh, -c, 'cat >> {fleet.Daemon.Scratch["told"]}; echo >> {fleet.Daemon.Scratch["told"]}']}}\n");
        await using var db1 = await told.EnrolledHost();
        (await told.Daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: gone}, spec: {addr: '127.0.0.1:1', push: true}}")).Done();
        // As after a kill in the middle of writing.
        Directory.CreateDirectory(told.Daemon.File("push/k3d0x1vq.2ab"));
        var before = File.ReadAllBytes(db1["certauthority/revoked.krl"]);
        await told.Daemon.Stop("KILL");
        await told.Daemon.Restart();
        await Eventually.Holds(() => !File.ReadAllBytes(db1["certauthority/revoked.krl"]).AsSpan().SequenceEqual(before) && File.ReadAllBytes(db1["certauthority/revoked.krl"]).AsSpan().SequenceEqual(File.ReadAllBytes(told.Daemon.File("revoked.krl"))));
        Assert.False(Directory.Exists(told.Daemon.File("push/k3d0x1vq.2ab")));
        await Eventually.Holds(() => File.Exists(fleet.Daemon.Scratch["told"]) && File.ReadAllText(fleet.Daemon.Scratch["told"]).Contains("\"hosts.stale\"", StringComparison.Ordinal));
        Assert.Contains("\"hosts\":[\"gone\"]", File.ReadAllText(fleet.Daemon.Scratch["told"]), StringComparison.Ordinal);
    }

    private bool HasTheList(FleetHost host) => fleet.HasTheList(host);

    private Task<JsonElement> Status(string node) => fleet.Status(node);
}
