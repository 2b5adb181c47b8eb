namespace CertAuthority.Tests.EndToEnd;

/// <summary>The packages on booted machines: installed, used, upgraded, removed, purged, with systemd, dpkg and sshd as the judges.</summary>
public sealed class PackageTests(InstalledPackages packages) : IClassFixture<InstalledPackages>
{
    private const string State = "/var/lib/certauthority";

    private TestDebian Ca1 => packages.Ca1;

    private TestDebian Db1 => packages.Db1;

    [PeopleFact]
    public async Task Package_serves_from_installation_to_purge()
    {
        await People();

        // Installed, it runs.
        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");
        Assert.Equal("active\nactive\n", (await Ca1.Types("systemctl", "is-active", "certauthority.service", "certauthority.socket")).Done());
        Assert.Equal("enabled\nenabled\n", (await Ca1.Types("systemctl", "is-enabled", "certauthority.service", "certauthority.socket")).Done());
        Assert.Matches("^certauthority:x:\\d{3}:\\d{3}:CertAuthority:/var/lib/certauthority:/usr/sbin/nologin\n$", (await Ca1.Types("getent", "passwd", "certauthority")).Done());
        Assert.Equal("certauthority 700\n", (await Ca1.Types("stat", "--format=%U %a", State)).Done());
        Assert.Equal("the configuration is good\n", (await Ca1.Types("certauthority", "--check-config")).Done());

        // root and alice use it, over the socket.
        await Create("{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [root, deploy], node_labels: {'*': '*'}}}}");
        (await Ca1.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        Assert.Contains("valid for 30h", (await Ca1.TypesAs("alice", "tsh", "login")).Done());
        Assert.StartsWith("tctl: error: alice is not an administrator", (await Ca1.TypesAs("alice", "tctl", "users", "ls")).Error);

        // A reload puts a new file of conf.d in force; one with a fault changes nothing, and the journal names file, line and column.
        File.WriteAllText(Ca1["/etc/certauthority/conf.d/site.yaml"], "limits: {certificate: 1h}\npush: {parallel: 3}\n");
        (await Ca1.Types("systemctl", "reload", "certauthority")).Done();
        await Eventually.Holds(async () => (await Ca1.Types("journalctl", "--unit=certauthority", "--output=cat")).Done().Contains("the configuration was read again and is in force", StringComparison.Ordinal), "the new file is in force");
        Assert.Contains("valid for 1h", (await Ca1.TypesAs("alice", "tsh", "login")).Done());
        File.WriteAllText(Ca1["/etc/certauthority/conf.d/more.yaml"], "limits: {certificate: 2h}\n");
        const string Twice = "/etc/certauthority/conf.d/site.yaml:1:10: limits.certificate is given twice; /etc/certauthority/conf.d/more.yaml:1:10 gives it too";
        Assert.Equal((1, $"certauthority: error: {Twice}\n"), await ExitAndError("certauthority", "--check-config"));
        (await Ca1.Types("systemctl", "reload", "certauthority")).Done();
        await Eventually.Holds(async () => (await Ca1.Types("journalctl", "--unit=certauthority", "--output=cat")).Done().Contains(Twice, StringComparison.Ordinal), "the journal has the fault");
        Assert.Contains("valid for 1h", (await Ca1.TypesAs("alice", "tsh", "login")).Done());
        File.Delete(Ca1["/etc/certauthority/conf.d/more.yaml"]);
        // Each line has its own priority in the journal, so that warnings and errors are found by it; a decision is one line of priority 6.
        Assert.Contains(await Journal("err"), message => message.Contains("limits.certificate is given twice", StringComparison.Ordinal));
        Assert.Contains(await Journal("warning..warning"), message => message.Contains("push.parallel cannot change while the daemon runs", StringComparison.Ordinal));
        var decisions = await Journal("info..info");
        Assert.Contains(decisions, message => message.Contains("user.created by ", StringComparison.Ordinal));
        Assert.All(decisions.FindAll(message => message.Contains("certificate.issued by ", StringComparison.Ordinal)), message => Assert.DoesNotContain('\n', message));

        // Enrolling db1 needs the network that one command turns on, and the error names it.
        const string Enroll = "tctl nodes enroll db1 --ssh root@192.0.2.2";
        var unreachable = await Ca1.Shell(Enroll);
        Assert.True(unreachable.ExitCode == 1 && unreachable.Error.Contains("(the unit of the package has no network until: certauthority-network on)", StringComparison.Ordinal), unreachable.Error);
        Assert.Equal("off\n", (await Ca1.Types("certauthority-network", "status")).Done());
        (await Ca1.Types("certauthority-network", "on", "192.0.2.0/24")).Done();
        Assert.Equal("on, only to 192.0.2.0/24\n", (await Ca1.Types("certauthority-network", "status")).Done());
        Assert.Contains("db1 is enrolled", (await Ca1.Shell(Enroll)).Done());

        // A revocation is on db1 when the daemon says so: alice enters before, and not after.
        (await Ca1.TypesAs("alice", "tsh", "login")).Done();
        string[] enter = ["ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-i", "/home/alice/.certauthority/id", "deploy@192.0.2.2", "hostname"];
        Assert.Equal("db1\n", (await Ca1.TypesAs("alice", enter)).Done());
        (await Ca1.Types("tctl", "certs", "revoke", "--user=alice")).Done();
        (await Ca1.Types("tctl", "nodes", "sync", "db1")).Done();
        Assert.Equal(255, (await Ca1.TypesAs("alice", enter)).ExitCode);

        // Another user CA key, by the commands of docs/operating.md.
        (await Ca1.Types("systemctl", "stop", "certauthority.socket", "certauthority.service")).Done();
        (await Ca1.Types("rm", State + "/user_ca", State + "/user_ca.pub")).Done();
        var replaced = await Ca1.Shell($"timeout 8 runuser -u certauthority -- certauthority --new-ca --data-dir={State} --socket=/run/certauthority/ca.sock");
        Assert.Equal("ready: unix:/run/certauthority/ca.sock\n", replaced.Output);
        Assert.Contains("hosts let nobody in before they have the new user_ca.pub", replaced.Error);
        (await Ca1.Types("systemctl", "start", "certauthority.socket", "certauthority.service")).Done();
        (await Ca1.Types("tctl", "nodes", "sync", "db1")).Done();

        // Upgraded twice, without a question, while calls go on: configuration and state stay.
        File.AppendAllText(Ca1["/etc/certauthority/conf.d/local.yaml"], "admins: {users: [alice]}\n");
        var key = File.ReadAllText(Ca1[State + "/user_ca.pub"]);
        foreach (var version in (string[])["8.1", "8.2"])
        {
            var (calls, failures) = await CallsDuring(() => Install($"/tmp/certauthority-{version}.deb", $"/tmp/certauthority-client-{version}.deb"));
            Assert.Empty(failures);
            Assert.True(calls > 3, $"only {calls} calls were made");
            Assert.Equal(version, (await Ca1.Types("dpkg-query", "--show", "--showformat=${Version}", "certauthority")).Done());
            Assert.EndsWith("admins: {users: [alice]}\n", File.ReadAllText(Ca1["/etc/certauthority/conf.d/local.yaml"]));
            Assert.Contains("alice", (await Ca1.TypesAs("alice", "tctl", "users", "ls")).Done());
            Assert.Equal(key, File.ReadAllText(Ca1[State + "/user_ca.pub"]));
            Assert.Contains("valid for 1h", (await Ca1.TypesAs("alice", "tsh", "login")).Done());
        }
        Assert.Equal("db1\n", (await Ca1.TypesAs("alice", enter)).Done());

        // A daemon that cannot start is failed after a few attempts, and apt says why: a database of tomorrow.
        (await Ca1.Types("systemctl", "stop", "certauthority.socket", "certauthority.service")).Done();
        await SetDatabaseVersion(99);
        var install = await Ca1.Types("apt-get", "install", "-qq", "-y", "--no-install-recommends", "--reinstall", "/tmp/certauthority-8.2.deb");
        install.Done();
        Assert.Contains("certauthority: the daemon did not start; its last messages:", install.Output);
        Assert.Contains("was written by a newer certauthority", install.Output);
        Assert.Contains("certauthority: hint: journalctl -u certauthority shows all", install.Output);
        await Eventually.Holds(async () => (await Ca1.Types("systemctl", "is-failed", "certauthority.service")).ExitCode == 0, "the unit is failed");

        // Removed: the programs are gone, and the state is not. Purged: nothing is left, and dpkg has said so.
        var removed = await Ca1.Types("apt-get", "remove", "-qq", "-y", "certauthority", "certauthority-client");
        removed.Done();
        Assert.Contains("certauthority: keys and database stay in /var/lib/certauthority; a purge removes them for good", removed.Output);
        Assert.False(File.Exists(Ca1["/usr/bin/tsh"]));
        Assert.Equal(key, File.ReadAllText(Ca1[State + "/user_ca.pub"]));
        Assert.True(File.Exists(Ca1["/etc/certauthority/conf.d/site.yaml"]));
        await Purge();
    }

    [PeopleTheory]
    [InlineData("unedited", "")]
    [InlineData("edited", "admins: {users: [alice]}\n")]
    public async Task Upgrade_from_the_package_with_all_settings_asks_nothing(string what, string edit)
    {
        await People();
        await Install("/tmp/all-in-one.deb");
        await Create("{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}");
        (await Ca1.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        var key = File.ReadAllText(Ca1[State + "/user_ca.pub"]);
        if (edit.Length > 0)
            (await Ca1.Shell($"sed -i '/^admins:/,/groups:/d' /etc/certauthority/certauthority.yaml && echo '{edit.Trim()}' >>/etc/certauthority/certauthority.yaml && systemctl reload certauthority")).Done();

        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");

        Assert.True(File.Exists(Ca1["/etc/certauthority/certauthority.yaml"]) == edit.Length > 0, what);
        Assert.True(File.Exists(Ca1["/etc/certauthority/conf.d/local.yaml"]), what);
        Assert.Equal("active\n", (await Ca1.Types("systemctl", "is-active", "certauthority.service")).Done());
        Assert.Equal(key, File.ReadAllText(Ca1[State + "/user_ca.pub"]));
        Assert.Contains("alice", (await Ca1.Types("tctl", "users", "ls")).Done());
        Assert.Equal(edit.Length > 0 ? 0 : 1, (await Ca1.TypesAs("alice", "tctl", "users", "ls")).ExitCode);
        // The next one keeps what the first has left.
        await Install("/tmp/certauthority-8.1.deb", "/tmp/certauthority-client-8.1.deb");
        Assert.True(File.Exists(Ca1["/etc/certauthority/certauthority.yaml"]) == edit.Length > 0, what);
        await Purge();
    }

    [PeopleFact]
    public async Task Client_package_alone_logs_in_to_another_host()
    {
        await People();
        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");
        await Create("{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}");
        (await Ca1.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();

        (await Db1.Types("apt-get", "install", "-qq", "-y", "--no-install-recommends", "/tmp/certauthority-client.deb")).Done();
        Assert.All(["/usr/bin/tsh", "/usr/bin/tctl", "/usr/share/man/man1/tsh.1.gz", "/usr/share/bash-completion/completions/tsh", "/usr/share/zsh/vendor-completions/_tctl", "/usr/share/fish/vendor_completions.d/tsh.fish"],
            path => Assert.True(File.Exists(Db1[path]), path));
        Assert.NotEqual(0, (await Db1.Types("getent", "passwd", "certauthority")).ExitCode);
        Assert.NotEqual(0, (await Db1.Types("systemctl", "cat", "certauthority.service")).ExitCode);
        Assert.False(Directory.Exists(Db1[State]));
        Assert.Contains("logins: deploy (all hosts)\n", (await Db1.Types("tsh", "--server=ssh://alice@192.0.2.1", "login", "--user=alice")).Done());

        (await Db1.Types("apt-get", "purge", "-qq", "-y", "certauthority-client")).Done();
        Assert.False(File.Exists(Db1["/usr/bin/tsh"]));
        (await Db1.Types("rm", "-rf", "/root/.certauthority")).Done();
        await Purge();
    }

    /// <summary>docs/moving.md, command by command, as typed there: auth1 is ca1, and auth2 is db1.</summary>
    [PeopleFact]
    public async Task Daemon_moves_by_the_commands_of_the_page()
    {
        await People();
        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");
        await Create("{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [staff]}}}}");
        (await Ca1.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await Ca1.TypesAs("alice", "tsh", "login")).Done();
        (await Ca1.TypesAs("alice", "tsh", "request", "create", "--roles=staff", "--nowait")).Done();
        var (keys, live, pending) = (await Keys(Ca1), await Live(Ca1), await Pending(Ca1));
        // What the page takes for granted: the packages in the folder where one types, the accounts, and a name for each machine.
        foreach (var (file, name) in ((string, string)[])[(packages.Server, "certauthority"), (packages.Client, "certauthority-client")])
            File.Copy(file, Db1[$"/root/{name}_0.2.0_amd64.deb"], overwrite: true);
        (await Db1.Shell("id alice >/dev/null 2>&1 || useradd --create-home --shell /bin/sh alice")).Done();
        (await Ca1.Shell("grep -q auth2 /etc/hosts || echo '192.0.2.2 auth2' >>/etc/hosts")).Done();

        var output = "";
        var machines = new HashSet<string>();
        foreach (var (machine, command) in Commands())
        {
            machines.Add(machine);
            var done = await (machine == "auth1" ? Ca1 : Db1).Shell($"cd /root && {command.Replace("apt install", "apt-get install -qq -y --no-install-recommends", StringComparison.Ordinal)}");
            Assert.True(done.ExitCode == 0, $"{machine}: {command}\n{done.Output}{done.Error}");
            output += done.Output;
        }

        Assert.Equal(["auth1", "auth2"], machines.Order(StringComparer.Ordinal));
        Assert.Contains("the configuration is good\n", output);
        Assert.Contains("ready\n", output);
        Assert.Equal((keys, live, pending), (await Keys(Db1), await Live(Db1), await Pending(Db1)));
        Assert.DoesNotContain("daemon.restored", (await Db1.Types("tctl", "audit", "ls")).Done());
        Assert.NotEqual(0, (await Ca1.Types("tctl", "status", "--check")).ExitCode);
        // alice works there, with a serial that nobody had.
        (await Db1.TypesAs("alice", "tsh", "login")).Done();
        Assert.True((await Live(Db1)).Split('\n').Length > live.Split('\n').Length);

        (await Db1.Types("apt-get", "purge", "-qq", "-y", "certauthority", "certauthority-client")).Done();
        (await Db1.Shell("rm -rf /home/alice/.certauthority /root/*.deb")).Done();
        await Purge();

        static async Task<string> Keys(TestDebian on) => (await on.Types("tctl", "auth", "export", "--type=user")).Done();
        static async Task<string> Live(TestDebian on) => (await on.Types("tctl", "certs", "ls", "--state=live", "--wide")).Done();
        static async Task<string> Pending(TestDebian on) => (await on.Types("tctl", "requests", "ls", "--state=pending", "--wide")).Done();
        static IEnumerable<(string Machine, string Command)> Commands() =>
            System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(TestDebian.Repository("docs/moving.md")), @"^ *root@(?<machine>auth\d)# (?<command>.+)$", System.Text.RegularExpressions.RegexOptions.Multiline)
                .Select(line => (line.Groups["machine"].Value, line.Groups["command"].Value));
    }

    /// <summary>docs/monitoring.md and docs/operating.md: the two timers, which are off until somebody enables them.</summary>
    [PeopleFact]
    public async Task Timers_write_metrics_and_backups_once_enabled()
    {
        await People();
        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");
        Assert.Equal("disabled\ndisabled\n", (await Ca1.Types("systemctl", "is-enabled", "certauthority-metrics.timer", "certauthority-backup.timer")).Output);
        // The package of node_exporter has this account and this directory.
        (await Ca1.Shell("id prometheus >/dev/null 2>&1 || useradd --system prometheus; mkdir -p /var/lib/prometheus/node-exporter")).Done();
        const string Prom = "/run/certauthority-metrics/certauthority.prom";

        // Without the right of a monitor there is no file, and the unit has failed.
        Assert.NotEqual(0, (await Ca1.Types("systemctl", "start", "certauthority-metrics.service")).ExitCode);
        Assert.NotEqual(0, (await Ca1.Types("test", "-e", Prom)).ExitCode);
        (await Ca1.Shell("echo 'monitors: {users: [prometheus]}' > /etc/certauthority/conf.d/monitors.yaml && systemctl reload certauthority")).Done();
        await Eventually.Holds(async () => (await Ca1.Types("systemctl", "start", "certauthority-metrics.service")).ExitCode == 0, "prometheus is a monitor");
        (await Ca1.Types("systemctl", "enable", "--now", "certauthority-metrics.timer", "certauthority-backup.timer")).Done();
        (await Ca1.Shell($"ln -sf {Prom} /var/lib/prometheus/node-exporter/")).Done();
        var read = (await Ca1.Shell("setpriv --reuid=nobody --clear-groups cat /var/lib/prometheus/node-exporter/certauthority.prom")).Done();
        Assert.Contains("certauthority_ready 1\n", read);
        Assert.DoesNotContain("certauthority_backup_timestamp_seconds", read);
        Assert.Equal("prometheus\n", (await Ca1.Types("stat", "--format=%U", Prom)).Done());
        Assert.Equal("certauthority.prom\n", (await Ca1.Types("ls", "/run/certauthority-metrics")).Done());

        (await Ca1.Types("systemctl", "start", "certauthority-backup.service")).Done();
        (await Ca1.Types("systemctl", "start", "certauthority-metrics.service")).Done();
        Assert.Matches("^root 700\nroot 600 certauthority-\\d{8}T\\d{6}Z\\.db\n$", (await Ca1.Shell("cd /var/backups/certauthority && stat --format='%U %a' . && stat --format='%U %a %n' *")).Done());
        Assert.Contains("certauthority_backup_timestamp_seconds ", (await Ca1.Types("cat", Prom)).Done());
        // A daemon that does not answer leaves the file as it was.
        (await Ca1.Types("systemctl", "stop", "certauthority.socket", "certauthority.service")).Done();
        var before = (await Ca1.Types("cat", Prom)).Done();
        Assert.NotEqual(0, (await Ca1.Types("systemctl", "start", "certauthority-metrics.service")).ExitCode);
        Assert.Equal(before, (await Ca1.Types("cat", Prom)).Done());

        await Purge();
        Assert.Equal("", (await Ca1.Shell("ls /etc/systemd/system/timers.target.wants | grep certauthority")).Output);
        // Backups are not the package's to remove.
        Assert.NotEqual("", (await Ca1.Shell("ls /var/backups/certauthority")).Done());
        (await Ca1.Types("rm", "-r", "/var/backups/certauthority", "/var/lib/prometheus")).Done();
    }

    /// <summary>docs/keys.md, command by command: the key is encrypted, and then moves into an agent. Whoever types there is a program here.</summary>
    [PeopleFact]
    public async Task CA_key_moves_by_the_commands_of_the_page()
    {
        const string Passphrase = "correct horse battery";
        await People();
        await Install("/tmp/certauthority.deb", "/tmp/certauthority-client.deb");
        await Create("{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}");
        (await Ca1.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        File.WriteAllText(Ca1["/root/answer"], $"#!/bin/sh\necho '{Passphrase}'\n");
        File.SetUnixFileMode(Ca1["/root/answer"], (UnixFileMode)0b111_000_000);
        var page = File.ReadAllText(TestDebian.Repository("docs/keys.md"));
        var key = File.ReadAllText(Ca1[State + "/user_ca.pub"]);

        await Type("-p -f /var/lib/certauthority/user_ca", "");
        Assert.Contains($"user CA key: in an encrypted file, {State}/user_ca\n", (await Ca1.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        Assert.Contains("valid for", (await Ca1.TypesAs("alice", "tsh", "login")).Done(), StringComparison.Ordinal);
        Assert.Contains("aes256-ctr", (await Ca1.Shell($"base64 -d <<END 2>/dev/null | head -c 40\n$(grep -v -- ----- {State}/user_ca)\nEND")).Done(), StringComparison.Ordinal);
        Assert.Equal(1, (await Ca1.Shell($"grep -rF '{Passphrase}' /etc {State} /var/log /run/certauthority; journalctl --output=cat | grep -F '{Passphrase}'; cat /proc/$(cat {State}/certauthority.pid)/environ /proc/$(cat {State}/certauthority.pid)/cmdline | grep -F '{Passphrase}'")).ExitCode);

        var unit = System.Text.RegularExpressions.Regex.Match(page, "```ini\n(?<unit>.*?)```", System.Text.RegularExpressions.RegexOptions.Singleline).Groups["unit"].Value;
        File.WriteAllText(Ca1["/etc/systemd/system/certauthority-agent.service"], unit);
        await Type("ssh-add /var/lib/certauthority/user_ca", (await Ca1.Shell($"ssh-keygen -lf {State}/user_ca.pub")).Done().Split(' ')[1]);
        Assert.Contains("user CA key: in an agent, /run/certauthority-agent/agent.sock\n", (await Ca1.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        Assert.Contains("valid for", (await Ca1.TypesAs("alice", "tsh", "login")).Done(), StringComparison.Ordinal);
        Assert.Equal(key, File.ReadAllText(Ca1[State + "/user_ca.pub"]));
        // The agent is closed to other accounts, and its memory to its own.
        Assert.NotEqual(0, (await Ca1.TypesAs("alice", "env", "SSH_AUTH_SOCK=/run/certauthority-agent/agent.sock", "ssh-add", "-l")).ExitCode);
        Assert.NotEqual(0, (await Ca1.Shell("setpriv --reuid=certauthority --clear-groups head -c 1 /proc/$(pgrep -x ssh-agent)/mem")).ExitCode);

        // An agent that was restarted is empty; the daemon goes on by itself once the key is there.
        (await Ca1.Types("systemctl", "restart", "certauthority-agent.service")).Done();
        Assert.StartsWith("tsh: error: the user CA key cannot sign now", (await Ca1.TypesAs("alice", "tsh", "login")).Error, StringComparison.Ordinal);
        (await Shell("SSH_AUTH_SOCK=/run/certauthority-agent/agent.sock ssh-add /root/user_ca")).Done();
        await Eventually.Holds(async () => (await Ca1.TypesAs("alice", "tsh", "login")).ExitCode == 0, "the key is there again");

        (await Ca1.Shell("systemctl disable --now certauthority-agent.service; rm -r /etc/systemd/system/certauthority-agent.service /etc/systemd/system/certauthority.service.d /root/user_ca")).Done();
        await Purge();

        async Task Type(string marks, string fingerprint)
        {
            var block = System.Text.RegularExpressions.Regex.Matches(page, "```console\n(?<block>.*?)```", System.Text.RegularExpressions.RegexOptions.Singleline)
                .Select(match => match.Groups["block"].Value).Single(block => block.Contains(marks, StringComparison.Ordinal));
            foreach (var line in block.Split('\n').Where(line => line.StartsWith("root# ", StringComparison.Ordinal)))
            {
                var typed = await Shell(line["root# ".Length..].Replace("SHA256:…", fingerprint, StringComparison.Ordinal).Replace("systemd-ask-password -n 'The same passphrase:'", "/root/answer", StringComparison.Ordinal));
                Assert.True(typed.ExitCode == 0, $"{line}\n{typed.Error}{(await Ca1.Shell("journalctl --unit=certauthority --output=cat --lines=8")).Output}");
            }
        }

        Task<Outcome> Shell(string line) => Ca1.Shell($"export SSH_ASKPASS=/root/answer SSH_ASKPASS_REQUIRE=force; {line}");
    }

    [PeopleFact]
    public async Task Packages_share_no_file_and_belong_to_root()
    {
        var server = await Contents(packages.Server);
        var client = await Contents(packages.Client);
        var signer = await Contents(packages.Signer);

        Assert.All(server.Concat(client).Concat(signer), file => Assert.Matches("^(d|-|l)rw[x-](r-[x-]r-[x-]|rwxrwx) root/root ", file));
        Assert.Empty(Files(server).Intersect(Files(client)));
        Assert.Empty(Files(server).Concat(Files(client)).Intersect(Files(signer)));
        Assert.All(
            ["./usr/sbin/certauthority-signer", "./usr/lib/systemd/system/certauthority-signer@.service", "./usr/lib/systemd/system/certauthority-signer@.socket",
            "./etc/certauthority-signer/user.conf", "./usr/share/man/man8/certauthority-signer-compare.8.gz"],
            path => Assert.Contains(path, Files(signer)));
        Assert.All(["./usr/sbin/certauthority", "./usr/sbin/certauthority-network", "./usr/share/doc/certauthority/copyright", "./usr/share/doc/certauthority/examples/certauthority.yaml",
            "./usr/share/certauthority/network.conf", "./usr/lib/systemd/system/certauthority-metrics.timer", "./usr/lib/systemd/system/certauthority-backup.timer", "./usr/share/doc/certauthority/config/monitoring/alerts.yaml",
            "./usr/share/certauthority/host/certauthority-pull", "./usr/share/certauthority/host/certauthority-pull.timer"],
            path => Assert.Contains(path, Files(server)));
        Assert.DoesNotContain(Files(client), path => path.Contains("systemd", StringComparison.Ordinal) || path.StartsWith("./etc", StringComparison.Ordinal));
        // The tarball of the daemon has all, for systems without dpkg.
        var tarball = (await TestDebian.Run("tar", "--list", "--file", Path.ChangeExtension(packages.Server, ".tar.gz"))).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Files(server).Concat(Files(client)).Concat(Files(signer)).Order(StringComparer.Ordinal), tarball.Order(StringComparer.Ordinal));

        async Task<string[]> Contents(string package) => (await TestDebian.Run("dpkg-deb", "--contents", package)).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        static IEnumerable<string> Files(string[] contents) => contents.Where(file => file[0] != 'd').Select(file => file.Split(" -> ")[0].Split(' ')[^1]);
    }

    [PeopleFact]
    public async Task Lintian_finds_no_error()
    {
        var judged = await TestDebian.Run("lintian", "--fail-on=error", "--tag-display-limit=0", packages.Server, packages.Client, packages.Signer);

        Assert.True(judged.ExitCode == 0, judged.Output + judged.Error);
    }

    [PeopleFact]
    public async Task Image_is_readable_by_other_tools()
    {
        var config = (await TestDebian.Run("skopeo", "inspect", "--config", $"docker-archive:{packages.Image}")).Done();

        Assert.Contains("\"/usr/sbin/certauthority\"", config);
        Assert.Contains("\"User\":\"certauthority\"", config.Replace(" ", "").Replace("\n", ""));
    }

    private async Task Install(params string[] files) => (await Ca1.Types(["apt-get", "install", "-qq", "-y", "--no-install-recommends", .. files])).Done();

    private async Task Purge()
    {
        var purged = await Ca1.Types("apt-get", "purge", "-qq", "-y", "certauthority", "certauthority-client");
        // apt shows on its standard output whatever the package's scripts say.
        purged.Done();
        Assert.Contains("certauthority: removing /var/lib/certauthority with the CA keys", purged.Output);
        Assert.Equal("", (await Ca1.Shell($"ls -d {State} /etc/certauthority /usr/lib/certauthority /usr/share/certauthority /run/certauthority /etc/systemd/system/certauthority.service.d 2>/dev/null")).Output);
        Assert.Equal(2, (await Ca1.Types("getent", "passwd", "certauthority")).ExitCode);
        Assert.Null(new FileInfo(Ca1["/etc/systemd/system/multi-user.target.wants/certauthority.service"]).LinkTarget);
    }

    /// <summary>Accounts, and keys of root that enter the other machine: as root from ca1, as alice from db1.</summary>
    private async Task People()
    {
        const string Key = "mkdir -p -m 700 /root/.ssh && rm -f /root/.ssh/id_ed25519 && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && echo 'StrictHostKeyChecking accept-new' >/root/.ssh/config && cat /root/.ssh/id_ed25519.pub";
        var (ca1, db1) = ((await Ca1.Shell(Key)).Done().Trim(), (await Db1.Shell(Key)).Done().Trim());
        (await Ca1.Shell($"id alice >/dev/null 2>&1 || useradd --create-home --shell /bin/sh alice; rm -rf /home/alice/.certauthority; install -d -o alice /home/alice/.ssh; echo '{db1}' >/home/alice/.ssh/authorized_keys")).Done();
        (await Db1.Shell($"id deploy >/dev/null 2>&1 || useradd --create-home --shell /bin/sh --password '*' deploy; echo '{ca1}' >/root/.ssh/authorized_keys")).Done();
    }

    /// <summary>What the daemon that runs now said at these priorities, one message a line of the journal.</summary>
    private async Task<List<string>> Journal(string priorities) =>
    [
        .. (await Ca1.Shell($"journalctl --output=json --priority={priorities} _SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value certauthority)")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("MESSAGE").GetString()!),
    ];

    private async Task Create(string resource)
    {
        File.WriteAllText(Ca1["/tmp/resource.yaml"], resource);
        (await Ca1.Types("tctl", "create", "/tmp/resource.yaml")).Done();
    }

    private async Task<(int, string)> ExitAndError(params string[] command)
    {
        var outcome = await Ca1.Types(command);
        return (outcome.ExitCode, outcome.Error);
    }

    /// <summary>Calls the daemon again and again while something happens.</summary>
    private async Task<(int Calls, List<string> Failures)> CallsDuring(Func<Task> what)
    {
        var failures = new List<string>();
        var calls = 0;
        // The upgrade replaces the program too.
        (await Ca1.Types("cp", "/usr/bin/tctl", "/tmp/tctl")).Done();
        var happening = what();
        for (; !happening.IsCompleted; calls++)
            if (await Ca1.Types("/tmp/tctl", "users", "ls") is { ExitCode: not 0 } failed)
                failures.Add(failed.Error);
        await happening;
        return (calls, failures);
    }

    private async Task SetDatabaseVersion(int version)
    {
        await using var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Ca1[State + "/certauthority.db"]};Pooling=False");
        await database.OpenAsync();
        using var command = database.CreateCommand();
        command.CommandText = $"PRAGMA user_version = {version}";
        await command.ExecuteNonQueryAsync();
    }
}
