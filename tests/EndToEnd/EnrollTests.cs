using System.Net.Sockets;
using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts are enrolled over ssh, with a real sshd in a world of its own, and put back as they were where something is not right.</summary>
public sealed class EnrollTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    private TestDaemon Daemon => fleet.Daemon;

    private Person Operator => fleet.Operator;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    // What common hardening sets, and Match blocks that ask for all that a connection has.
    private const string Hardened = "MaxAuthTries 2\nMatch LocalPort 1\n    X11Forwarding no\nMatch LocalAddress 192.0.2.9\n    X11Forwarding no\nMatch RDomain none\n    X11Forwarding no";

    [PeopleTheory]
    [InlineData(null, Hardened, "")]
    [InlineData("forky", $"PerSourcePenalties authfail:300 min:1\nPerSourcePenaltyExemptList 198.51.100.0/24\n{Hardened}", "\n  PerSourcePenaltyExemptList 127.0.0.1,198.51.100.0/24\n")]
    public async Task Host_is_enrolled_tested_and_removed_again(string? release, string configuration, string exemption)
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key, configuration: configuration, release: release);
        var before = db1.Files;
        var shown = (await fleet.Enroll(db1, "--labels=type=db", "--dry-run")).Done();
        Assert.Contains("/etc/ssh/sshd_config.d/00-certauthority.conf:\n  # Lets holders of certificates enter db1.", shown, StringComparison.Ordinal);
        Assert.Contains("\n  AuthorizedPrincipalsCommand /bin/sh -c 'printf \"%%s\\n%%s@db1\\n\" \"$1\" \"$1\"; ", shown, StringComparison.Ordinal);
        Assert.True(exemption.Length > 0 ? shown.Contains(exemption, StringComparison.Ordinal) : !shown.Contains("PerSource", StringComparison.Ordinal), shown);
        Assert.Equal(before, db1.Files);

        var enrolled = await fleet.Enroll(db1, "--labels=type=db");
        Assert.StartsWith("tctl: who can enter db1 as postgres: me (role dba)\ntctl: who can enter db1 as root: me (role dba)\n", enrolled.Error, StringComparison.Ordinal);
        Assert.Equal("node 'db1' has been created\ndb1 is enrolled: as root, a certificate for it enters; one for another host and a revoked one do not\n", enrolled.Done());
        Assert.Equal(
            [
                "certauthority-sync/sync.krl", "certauthority-sync/sync_ca.pub",
                "certauthority/audit.checkpoint", "certauthority/host-cert.pub", "certauthority/manifest", "certauthority/revoked.krl", "certauthority/user_ca.pub", "sshd_config.d/00-certauthority.conf",
            ],
            db1.Files.Except(before).Select(file => file.Split(' ')[0]));
        Assert.Empty(before.Except(db1.Files));
        Assert.Contains("db1", (await Daemon.Administrator.Types("tctl", "nodes", "ls")).Done(), StringComparison.Ordinal);

        // The plain key has had its time; a certificate opens it, and is not asked about the host.
        Assert.Equal(255, (await fleet.ByKey(db1)).ExitCode);
        (await Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal(255, (await fleet.ByCertificate(db1, alias: "db2")).ExitCode);
        // What proved it runs nothing, and is on the record.
        var proofs = (await Daemon.Administrator.Types("tctl", "certs", "ls", "--user=certauthority-proof", "--format=json")).Done();
        Assert.Contains("\"root@elsewhere.invalid\"", proofs, StringComparison.Ordinal);

        // Again, now that only a certificate gets in, changes nothing but what is new each time; and the daemon may be writing there all the while, as this does.
        var writing = db1.Run("""
            exec perl -e '
                alarm 120;
                $> = getpwnam "certauthority-sync";
                my $file = "/etc/ssh/certauthority/another";
                while (-d "/etc/ssh/certauthority") { open(FILE, ">", "$file.new") and close FILE and rename "$file.new", $file; }'
            """);
        var again = await fleet.EnrollByCertificate(db1);
        Assert.Equal("db1 is enrolled: as root, a certificate for it enters; one for another host and a revoked one do not\n", again.Done());
        Assert.True(exemption.Length == 0 || $"\n  {File.ReadAllText(db1["sshd_config.d/00-certauthority.conf"])}".Replace("\n", "\n  ", StringComparison.Ordinal).Contains(exemption, StringComparison.Ordinal));
        // A revocation arrives.
        (await fleet.Tctl("certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => fleet.HasTheList(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);

        var removed = await (await fleet.WithCertificate()).Types("tctl", "nodes", "rm", "db1", "--ssh", db1.Address);
        Assert.StartsWith("node 'db1' has been removed\n", removed.Done(), StringComparison.Ordinal);
        Assert.Equal(before, db1.Files);
        Assert.NotEqual(0, (await db1.Run("id certauthority-sync")).ExitCode);
        (await writing).Done();
        Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
    }

    [PeopleFact]
    public async Task Fetching_host_gets_no_sync_account_and_loses_an_old_one()
    {
        await using var db1 = await fleet.Host();
        var enrolled = await fleet.Enroll(db1, "--labels=type=db", "--no-push");
        Assert.EndsWith("tctl: hint: its revocation list is of this moment; docs/hosts.md says how it is kept fresh\n", enrolled.Error, StringComparison.Ordinal);
        Assert.Equal("root\n", (await db1.Run("cd /etc/ssh; stat -c %U certauthority; ls -d certauthority-sync 2>/dev/null; id certauthority-sync 2>/dev/null; grep Match sshd_config.d/*")).Output);
        Assert.Contains("not written", (await fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);
        // So that what fetches there takes no key from where it fetches.
        foreach (var name in (string[])["audit_key.pub", "host_ca.pub", "user_ca.pub"])
            Assert.Equal(await File.ReadAllTextAsync(Daemon.File(name)), await File.ReadAllTextAsync(db1[$"certauthority/{name}"]));

        // What the node says holds for one that is there; so it gets the daemon's way in with the next enrollment, and loses it with another.
        (await Node(push: true)).Done();
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.Equal("certauthority-sync\n", (await db1.Run("stat -c %U /etc/ssh/certauthority")).Done());
        (await Node(push: false)).Done();
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.Equal("root\n", (await db1.Run("cd /etc/ssh; stat -c %U certauthority; ls -d certauthority-sync 2>/dev/null; id certauthority-sync 2>/dev/null; grep Match sshd_config.d/*")).Output);

        Task<Outcome> Node(bool push) => Daemon.Administrator.Types(
            ["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}', push: {(push ? "true" : "false")}}}}}");
    }

    private const string NoSftp = "# none";

    public static readonly TheoryData<string, string, string, string> DaemonKeptOut = new()
    {
        { "it listens elsewhere for others", "", "--addr=127.0.0.1:1", "nothing can be written to db1: ssh: connect to host 127.0.0.1 port 1: Connection refused" },
        { "its account is kept out", "DenyUsers certauthority-sync", "", "nothing can be written to db1: certauthority-sync@127.0.0.1: Permission denied" },
        { "no sftp", NoSftp, "", "127.0.0.1: its sshd has no sftp, which the daemon needs to write to it" },
    };

    [PeopleTheory]
    [MemberData(nameof(DaemonKeptOut))]
    public async Task Host_the_daemon_cannot_write_to_is_restored(string situation, string configuration, string option, string told)
    {
        await using var db1 = await fleet.Host(configuration: configuration);
        if (configuration == NoSftp)
            await db1.Reconfigure(text => text.Replace("Subsystem sftp internal-sftp", "", StringComparison.Ordinal));
        var before = db1.Files;
        var refused = await fleet.Enroll(db1, ["--labels=type=db", .. option.Length > 0 ? (string[])[option] : []]);
        Assert.True(refused.ExitCode == 1 && refused.Error.Contains($"tctl: error: {told}", StringComparison.Ordinal), $"{situation}: {refused}");
        Assert.Equal(before, db1.Files);
        Assert.NotEqual(0, (await db1.Run("id certauthority-sync")).ExitCode);
        Assert.DoesNotContain("db1", (await fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);
        Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
    }

    [PeopleFact]
    public async Task Sshd_that_rejects_the_drop_in_keeps_its_configuration()
    {
        await using var db1 = await fleet.Host();
        // One that was built without a part of ours: it refuses the file, and goes on with what it has read.
        (await db1.Run($$"""
            cp /usr/sbin/sshd /etc/real-sshd
            printf '#!/bin/sh\nif [ "$1" = -t ] && [ -e /etc/ssh/sshd_config.d/00-certauthority.conf ]; then echo "00-certauthority.conf line 3: Unsupported option RevokedKeys" >&2; exit 255; fi\nexec /etc/real-sshd "$@"\n' > /etc/sshd
            chmod 755 /etc/sshd && mount --bind /etc/sshd /usr/sbin/sshd
            """)).Done();
        var before = db1.Files;
        var refused = await fleet.Enroll(db1, "--labels=type=db");
        Assert.True(refused.Error.Contains("tctl: error: 127.0.0.1: 00-certauthority.conf line 3: Unsupported option RevokedKeys\ntctl: hint: 127.0.0.1 is as it was before\n", StringComparison.Ordinal), refused.Error);
        Assert.Equal(before, db1.Files);
        Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
    }

    public static readonly TheoryData<string, string, string, string> Obstacles = new()
    {
        {
            "a drop-in that wins", "sshd_config.d/00-another.conf", "AuthorizedKeysFile /etc/ssh/operators\n",
            "another setting wins over the drop-in: AuthorizedKeysFile is \"/etc/ssh/operators\""
        },
        {
            // Of this one setting the last wins, in 9.2.
            "a drop-in with principals of its own", "sshd_config.d/99-z.conf", "AuthorizedPrincipalsCommand /bin/echo %u\nAuthorizedPrincipalsCommandUser nobody\n",
            "another setting wins over the drop-in: AuthorizedPrincipalsCommand is \"/bin/echo %u\""
        },
        { "another CA that is trusted", "sshd_config.d/00-a.conf", "TrustedUserCAKeys /etc/ssh/operators\n", "another setting wins over the drop-in: TrustedUserCAKeys is \"/etc/ssh/operators\"" },
        {
            "another command for the daemon", "sshd_config.d/00-a.conf", "Match User certauthority-sync\n    ForceCommand /bin/true\n",
            "another setting wins over the drop-in: ForceCommand is \"/bin/true\""
        },
        {
            "no certificate is taken", "sshd_config.d/99-z.conf", "DenyUsers root@10.0.0.1\nPubkeyAcceptedAlgorithms ssh-ed25519\n",
            "db1 does not let in a certificate for this host, as root: its PubkeyAcceptedAlgorithms has no ssh-ed25519-cert-v01@openssh.com"
        },
        { "another list for some", "sshd_config.d/99-z.conf", "Match Address 127.0.0.1\n    RevokedKeys /etc/ssh/old.krl\n", "127.0.0.1 lets other lines than ours decide about some logins: revokedkeys /etc/ssh/old.krl (/etc/ssh/sshd_config.d/99-z.conf:2)" },
        { "keys of another account", "sshd_config.d/99-z.conf", "Match User postgres\n    AuthorizedKeysFile /etc/ssh/operators\n", "127.0.0.1 lets other lines than ours decide about some logins: authorizedkeysfile /etc/ssh/operators (/etc/ssh/sshd_config.d/99-z.conf:2)" },
        { "principals in a file", "sshd_config.d/00-a.conf", "AuthorizedPrincipalsFile /etc/ssh/operators\n", "another setting wins over the drop-in: AuthorizedPrincipalsFile is \"/etc/ssh/operators\"" },
        { "a principal too many for some", "sshd_config.d/99-z.conf", "Match Address 127.0.0.1\n    AuthorizedPrincipalsCommand /usr/bin/printf %%s\\n%%s@db1\\n%%s@elsewhere.invalid\\n %u %u %u\n", "127.0.0.1 lets other lines than ours decide about some logins: authorizedprincipalscommand " },
    };

    [PeopleTheory]
    [MemberData(nameof(Obstacles))]
    public async Task Undermined_enrollment_is_detected_and_the_host_restored(string situation, string file, string content, string told)
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key);
        File.WriteAllText(db1[file], content);
        File.Copy(Daemon.File("revoked.krl"), db1["old.krl"]);
        var before = db1.Files;
        var refused = await fleet.Enroll(db1, "--labels=type=db", "--replace");
        Assert.True(refused.ExitCode == 1, $"{situation}: {refused}");
        Assert.True(refused.Error.Contains($"tctl: error: {told}", StringComparison.Ordinal), $"{situation}: {refused.Error}{db1.Log}");
        // What stands in a Match block is seen before anything is written.
        Assert.Equal(!told.Contains("lets other lines", StringComparison.Ordinal), refused.Error.Contains("tctl: hint: 127.0.0.1 is as it was before\n", StringComparison.Ordinal));
        Assert.Equal(before, db1.Files);
        Assert.DoesNotContain("db1", (await Daemon.Administrator.Types("tctl", "nodes", "ls")).Done(), StringComparison.Ordinal);
        // The way in is what it was, for sshd has read what is there again.
        if (!content.Contains("PubkeyAccepted", StringComparison.Ordinal))
            Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
    }

    [PeopleFact]
    public async Task Host_without_Include_can_enroll_with_pasted_lines()
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key, include: "", release: "bullseye");
        var before = db1.Files;
        var refused = await fleet.Enroll(db1, "--labels=type=db");
        Assert.Contains("another setting wins over the drop-in: TrustedUserCAKeys is \"none\"; take it out of sshd_config, or of the drop-in that has it", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, db1.Files);

        (await Daemon.Administrator.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}', push: true}}}}")).Done();
        (await fleet.Tctl("auth", "sign", "--host=db1", db1["ssh_host_ed25519_key.pub"], $"--out={Daemon.Scratch["db1-cert.pub"]}")).Done();
        var pasted = (await fleet.Tctl("nodes", "export", "db1", "--paste")).Done().Split("# At the end of /etc/ssh/sshd_config:\n");
        Assert.StartsWith("# At the beginning of /etc/ssh/sshd_config:\n", pasted[0], StringComparison.Ordinal);
        // By hand, as docs/hosts.md says: the files, then the lines. From then on a certificate is the way in.
        (await fleet.Tctl("nodes", "export", "db1", $"--out={Daemon.Scratch["files"]}")).Done();
        foreach (var folder in (string[])["certauthority", "certauthority-sync"])
        {
            Directory.CreateDirectory(db1[folder]);
            foreach (var file in Directory.GetFiles(Daemon.Scratch[$"files/etc/ssh/{folder}"]))
                File.Copy(file, Path.Combine(db1[folder], Path.GetFileName(file)));
        }
        await db1.Reconfigure(text => pasted[0] + text + pasted[1]);
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
    }

    [PeopleFact]
    public async Task Daemon_host_cannot_be_enrolled_but_its_clone_can()
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key, machineId: File.ReadAllText("/etc/machine-id").Trim());
        var refused = await fleet.Enroll(db1, "--labels=type=db");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("tctl: error: 127.0.0.1 is the daemon's own host, which must never trust its own CA for users\n", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(db1["certauthority"]));

        // Another machine, made from the same image.
        (await db1.Run("echo 7c9c3c4e-6f7d-4a3e-8d0f-0c1b2a3d4e5f > /etc/boot && mount --bind /etc/boot /proc/sys/kernel/random/boot_id")).Done();
        var cloned = await fleet.Enroll(db1, "--labels=type=db", "--dry-run");
        cloned.Done();
        Assert.Contains("tctl: warning: 127.0.0.1 has the machine-id of the daemon's host, as a clone of it has; give it its own: rm /etc/machine-id && systemd-machine-id-setup\n", cloned.Error, StringComparison.Ordinal);
        // The CA's private key came along.
        (await db1.Run("mkdir -p /etc/daemon && touch /etc/daemon/user_ca && mkdir -p /var/lib/certauthority && mount --bind /etc/daemon /var/lib/certauthority")).Done();
        Assert.Contains("tctl: error: 127.0.0.1 has the private key of an authority: /var/lib/certauthority/user_ca\n", (await fleet.Enroll(db1, "--labels=type=db")).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Host_that_nobody_could_enter_needs_a_confirmation()
    {
        await using var db1 = await fleet.Host();
        var before = db1.Files;
        (await Daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: web}, spec: {allow: {logins: [deploy], node_labels: {type: web}}}}
            ---
            {kind: role, version: v8, metadata: {name: asks}, spec: {allow: {request: {roles: [web]}}}}
            """)).Done();
        var refused = await fleet.Enroll(db1, "--labels=type=web");
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal(
            "tctl: error: nobody could enter db1: no role opens it for any user, and plain keys open nothing there once it is enrolled\n"
            + "tctl: hint: create a role for its labels first, or go on with --yes; tctl access explain USER --node=NODE says why a user cannot enter\n",
            refused.Error);
        Assert.Equal(before, db1.Files);
        Assert.DoesNotContain("db1", (await fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);

        (await fleet.Tctl("users", "add", "carol", "--roles=asks", "--logins=carol")).Done();
        Assert.StartsWith("tctl: who can ask to enter db1: carol (role web)\n", (await fleet.Enroll(db1, "--labels=type=web", "--dry-run")).Error, StringComparison.Ordinal);
        (await fleet.Tctl("users", "rm", "carol")).Done();
        (await fleet.Enroll(db1, "--labels=type=web", "--yes")).Done();
    }

    [PeopleFact]
    public async Task Another_authority_is_rejected_kept_or_replaced()
    {
        var other = Daemon.Scratch["other_ca"];
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "other CA", "-f", other)).Done();
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Daemon.Scratch["theirs"])).Done();
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-s", other, "-I", "theirs", "-n", "root", Daemon.Scratch["theirs.pub"])).Done();
        await using var db1 = await fleet.Host(configuration: "TrustedUserCAKeys /etc/ssh/other_ca.pub\nHostCertificate /etc/ssh/host-cert.pub");
        File.Copy($"{other}.pub", db1["other_ca.pub"]);
        File.Copy(db1["ssh_host_ed25519_key.pub"], db1["host.pub"]);
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-s", other, "-h", "-I", "theirs", "-n", "db1", db1["host.pub"])).Done();
        await db1.Reconfigure(text => text);
        var certified = File.ReadAllLines(db1["sshd_config"]).ToList().FindIndex(text => text.StartsWith("HostCertificate", StringComparison.Ordinal)) + 1;
        Assert.Contains(
            $"tctl: error: 127.0.0.1 shows a certificate of another authority, which clients would take instead of ours: HostCertificate (/etc/ssh/sshd_config:{certified})\n",
            (await fleet.Enroll(db1, "--labels=type=db", "--replace")).Error, StringComparison.Ordinal);
        await db1.Reconfigure(text => text.Replace("HostCertificate", "# HostCertificate", StringComparison.Ordinal));
        var before = db1.Files;
        var line = File.ReadAllLines(db1["sshd_config"]).ToList().FindIndex(text => text.StartsWith("TrustedUserCAKeys", StringComparison.Ordinal)) + 1;
        var refused = await fleet.Enroll(db1, "--labels=type=db");
        Assert.EndsWith(
            $"tctl: error: 127.0.0.1 trusts another authority, which would go out of force: TrustedUserCAKeys /etc/ssh/other_ca.pub (/etc/ssh/sshd_config:{line})\n"
            + "tctl: hint: --keep-other-cas keeps its CA keys beside ours; --replace puts it out of force\n",
            refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, db1.Files);
        Assert.True(await TheirsEnter());

        (await fleet.Enroll(db1, "--labels=type=db", "--keep-other-cas")).Done();
        Assert.True(await TheirsEnter());
        // What the daemon writes keeps them, too.
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Equal(2, File.ReadAllLines(db1["certauthority/user_ca.pub"]).Length);
        Assert.True(await TheirsEnter());

        (await (await fleet.WithCertificate()).Types("tctl", "nodes", "enroll", "db1", "--ssh", db1.Address, "--replace")).Done();
        Assert.False(await TheirsEnter());
        (await (await fleet.WithCertificate()).Types("tctl", "nodes", "rm", "db1", "--ssh", db1.Address)).Done();
        Assert.True(await TheirsEnter());
        // A second list of revoked keys is one too many.
        await db1.Reconfigure(text => text.Replace("TrustedUserCAKeys", "RevokedKeys /etc/ssh/other_ca.pub\nTrustedUserCAKeys", StringComparison.Ordinal));
        Assert.Contains($"tctl: error: 127.0.0.1 cannot keep the other authority: sshd reads one RevokedKeys only (/etc/ssh/sshd_config:{line})\n", (await fleet.Enroll(db1, "--labels=type=db", "--keep-other-cas")).Error, StringComparison.Ordinal);

        async Task<bool> TheirsEnter() => (await Daemon.Myself.Types(
            "ssh", "-F", "none", "-T", "-i", Daemon.Scratch["theirs"], "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-p", $"{db1.Port}", "root@127.0.0.1", "true")).ExitCode == 0;
    }

    [PeopleFact]
    public async Task Penalties_of_a_fetching_host_are_awaited_or_named()
    {
        // sshd notes a refusal when the process that refused has ended, which can be after the next login; then nothing is to be seen.
        var n = 1;
        while (!await Seen($"db{n}"))
            Assert.True(n++ < 5);

        async Task<bool> Seen(string name)
        {
            await using var host = await FleetHost.Start(Daemon, fleet.Key, name, "PerSourcePenalties authfail:300 min:1", release: "forky");
            var before = host.Files;
            var refused = await fleet.Enroll(host, "--labels=type=db", "--no-push");
            if (refused.ExitCode == 0)
                return false;
            Assert.Contains(
                $"tctl: error: it could not be seen that {name} refuses a certificate that is revoked: its sshd keeps this address out after a refused login (PerSourcePenalties authfail:300s)\n",
                refused.Error, StringComparison.Ordinal);
            Assert.Equal(before, host.Files);
            await host.Reconfigure(text => text.Replace("authfail:300", "authfail:7", StringComparison.Ordinal));
            var enrolled = await fleet.Enroll(host, "--labels=type=db", "--no-push");
            enrolled.Done();
            return enrolled.Error.Contains($"tctl: {name}: its sshd keeps this address out after a refused login (PerSourcePenalties authfail:7s); waiting, 8s at most\n", StringComparison.Ordinal);
        }
    }

    [PeopleFact]
    public async Task Login_shell_and_start_files_do_not_matter()
    {
        await using var db1 = await fleet.Host();
        const string noise = "echo uid 0; echo machine noise; echo certauthority-noise 1; echo noise >&2";
        (await db1.Run($"""
            mkdir -p /etc/home/.config/fish
            for file in .bashrc .zshenv .cshrc .config/fish/config.fish; do echo '{noise.Replace(">&2", "", StringComparison.Ordinal)}' > /etc/home/$file; done
            for file in .bashrc .zshenv .config/fish/config.fish; do echo '{noise}' > /etc/home/$file; done
            """)).Done();
        foreach (var shell in (string[])["fish", "tcsh", "zsh", "dash", "bash"])
        {
            (await db1.Run($"sed -i 's#^root:.*#root:x:0:0:root:/etc/home:'$(command -v {shell})'#' /etc/passwd && grep -q {shell}$ /etc/passwd")).Done();
            var enrolled = await fleet.Enroll(db1, ["--labels=type=db", .. shell == "fish" ? (string[])[] : ["--dry-run"]]);
            Assert.True(enrolled.ExitCode == 0 && !enrolled.Error.Contains("warning", StringComparison.Ordinal), $"{shell}: {enrolled}");
            if (shell == "fish")
                (await (await fleet.WithCertificate()).Types("tctl", "nodes", "rm", "db1", "--ssh", db1.Address)).Done();
        }
    }

    [PeopleFact]
    public async Task Warnings_of_a_successful_step_are_shown()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await db1.Run("""
            printf '#!/bin/sh\necho "userdel: user certauthority-sync is currently used by process 7" >&2; exit 8\n' > /etc/userdel
            chmod 755 /etc/userdel && mount --bind /etc/userdel $(command -v userdel)
            """)).Done();
        var removed = await (await fleet.WithCertificate()).Types("tctl", "nodes", "rm", "db1", "--ssh", db1.Address);
        removed.Done();
        Assert.Contains(
            "tctl: warning: 127.0.0.1: the account certauthority-sync could not be removed: userdel: user certauthority-sync is currently used by process 7\n", removed.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Failed_connection_changes_nothing_and_says_why()
    {
        await using var db1 = await FleetHost.Start(Daemon, "");
        var refused = await fleet.Enroll(db1);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"tctl: error: no way into 127.0.0.1, port {db1.Port}: root@127.0.0.1: Permission denied (publickey).\n", refused.Error, StringComparison.Ordinal);

        // Nobody listens.
        var free = new TcpListener(System.Net.IPAddress.Loopback, 0);
        free.Start();
        var port = ((System.Net.IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var silent = await Operator.Types("tctl", "nodes", "enroll", "db1", "--ssh", $"root@127.0.0.1:{port}");
        Assert.Contains($"no way into 127.0.0.1, port {port}: ssh: connect to host 127.0.0.1 port {port}: Connection refused", silent.Error, StringComparison.Ordinal);
        // Another key than the known one.
        await using var other = await FleetHost.Start(Daemon, fleet.Key, "other");
        File.AppendAllText(Daemon.Scratch["operator/.ssh/known_hosts"], $"[127.0.0.1]:{other.Port} {fleet.Key}");
        Assert.Contains("Host key verification failed", (await fleet.Enroll(other)).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Hosts_of_a_list_are_enrolled_side_by_side()
    {
        await using var db1 = await fleet.Host();
        await using var db2 = await fleet.Host("db2");
        await using var shut = await FleetHost.Start(Daemon, "", "db3");
        var list = Daemon.Scratch.Write("hosts", $"# the databases\ndb1 {db1.Address}\ndb2 {db2.Address} env=test\ndb3 {shut.Address}\n");
        var before = db1.Files;
        // One wrong line, and nothing is begun.
        var wrong = await Operator.Types(["tctl", "nodes", "enroll", "--from", "-", "--labels=type=db"], $"db1 {db1.Address}\ndb2\n");
        Assert.Equal((1, ""), (wrong.ExitCode, wrong.Output));
        Assert.Equal("tctl: error: stdin:2: a line is NODE [USER@]HOST[:PORT] [KEY=VALUE,…], not 1 word\n", wrong.Error);
        var dry = await Many("--dry-run");
        Assert.Equal((1, "db1 can be enrolled\ndb2 can be enrolled\n"), (dry.ExitCode, Sorted(dry.Output)));
        Assert.Equal(before, db1.Files);

        var enrolled = await Many();
        Assert.Equal(1, enrolled.ExitCode);
        Assert.Equal(
            string.Concat(((string[])["db1", "db2"]).Select(name => $"{name} is enrolled: as root, a certificate for it enters; one for another host and a revoked one do not\n")),
            Sorted(enrolled.Output));
        Assert.Equal(
            $"tctl: error: db3: no way into 127.0.0.1, port {shut.Port}: root@127.0.0.1: Permission denied (publickey).\n"
            + $"tctl: hint: it must let you in as root, or as an account for which sudo asks no password: ssh -p {shut.Port} root@127.0.0.1\n"
            + "tctl: 2 of 3 hosts done; not: db3\n"
            + "tctl: hint: run the command again when that is mended: hosts that are enrolled already are left alone\n",
            enrolled.Error);
        Assert.Contains("env=test,type=db", (await fleet.Tctl("nodes", "ls", "--wide")).Done(), StringComparison.Ordinal);
        (await Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());

        // Mended, only the one that is missing is enrolled.
        File.WriteAllText(shut["operators"], fleet.Key);
        var inode = (await db1.Run("stat -c %i /etc/ssh/sshd_config.d/00-certauthority.conf")).Done();
        var rest = await Many("--format=json");
        Assert.Equal("tctl: 2 hosts are enrolled already: --again enrolls them anew\n", rest.Error);
        Assert.Equal(["db3"], JsonDocument.Parse(rest.Done()).RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.Equal(inode, (await db1.Run("stat -c %i /etc/ssh/sshd_config.d/00-certauthority.conf")).Done());

        Task<Outcome> Many(params string[] options) => Operator.Types(["tctl", "nodes", "enroll", "--from", list, "--labels=type=db", .. options]);
        static string Sorted(string lines) => string.Concat(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).Select(line => $"{line}\n"));
    }

    [PeopleFact]
    public async Task Interrupt_of_a_list_restores_every_host_under_way()
    {
        const string slow = "Match User postgres\n    ForceCommand sleep 60";
        await using var db1 = await fleet.Host(configuration: slow);
        await using var db2 = await fleet.Host("db2", configuration: slow);
        var before = (db1.Files, db2.Files);
        var list = Daemon.Scratch.Write("hosts", $"db1 {db1.Address}\ndb2 {db2.Address}\n");
        using var enrolling = Operator.Start("tctl", "nodes", "enroll", "--from", list, "--login=postgres", "--labels=type=db");
        await Eventually.Holds(() => new[] { db1, db2 }.All(host => host.Log.Contains("Accepted publickey for postgres", StringComparison.Ordinal)));
        (await Daemon.Administrator.Types("kill", "-INT", $"{enrolling.Id}")).Done();
        await enrolling.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(130, enrolling.ExitCode);
        Assert.Equal(before.Item1, db1.Files);
        Assert.Equal(before.Item2, db2.Files);
        Assert.DoesNotContain("db", (await fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Pilot_keeps_plain_keys_until_it_is_hardened()
    {
        await using var db1 = await fleet.Host();
        // Nobody would be shut out, so nobody has to be able to enter yet.
        var enrolled = await fleet.Enroll(db1, "--labels=type=none", "--keep-keys");
        enrolled.Done();
        Assert.EndsWith($"tctl: hint: plain keys still open it: tctl nodes harden db1 --ssh {db1.Address} ends that\n", enrolled.Error, StringComparison.Ordinal);
        Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
        var listed = await fleet.Tctl("nodes", "ls");
        Assert.Contains("tctl: warning: plain keys open 1 host too, and no role, lock or revocation stops them: db1\n", listed.Error, StringComparison.Ordinal);
        Assert.True(JsonDocument.Parse((await fleet.Tctl("nodes", "ls", "--format=json")).Done()).RootElement[0].GetProperty("keep_keys").GetBoolean());
        // Enrolled again it stays what it is.
        (await fleet.Enroll(db1)).Done();
        Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());

        var before = db1.Files;
        var shutOut = await Harden();
        Assert.Contains("tctl: error: nobody could enter db1: ", shutOut.Error, StringComparison.Ordinal);
        Assert.Equal(1, shutOut.ExitCode);
        Assert.Equal(before, db1.Files);
        (await Daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}', push: true, keep_keys: true}}}}")).Done();
        // A host on which it does not work keeps its keys, and so does the node.
        File.WriteAllText(db1["sshd_config.d/00-another.conf"], "AuthorizedKeysFile /etc/ssh/operators\n");
        Assert.Contains("another setting wins over the drop-in", (await Harden()).Error, StringComparison.Ordinal);
        Assert.Contains("keep_keys: true", (await fleet.Tctl("get", "node/db1")).Done(), StringComparison.Ordinal);
        File.Delete(db1["sshd_config.d/00-another.conf"]);

        Assert.Equal("plain keys open db1 no longer; db1 is enrolled: as root, a certificate for it enters; one for another host and a revoked one do not\n", (await Harden()).Done());
        Assert.Equal(255, (await fleet.ByKey(db1)).ExitCode);
        (await Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.DoesNotContain("plain keys", (await fleet.Tctl("nodes", "ls")).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("keep_keys", (await fleet.Tctl("get", "node/db1")).Done(), StringComparison.Ordinal);
        var again = await (await fleet.WithCertificate()).Types("tctl", "nodes", "harden", "db1", "--ssh", db1.Address);
        Assert.Equal("tctl: error: no plain key opens db1 any more\ntctl: hint: tctl nodes ls shows which hosts keep their plain keys\n", again.Error);

        Task<Outcome> Harden() => Operator.Types("tctl", "nodes", "harden", "db1", "--ssh", db1.Address);
    }

    [PeopleFact]
    public async Task Enrollment_is_printed_as_JSON()
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key);
        var files = JsonDocument.Parse((await fleet.Enroll(db1, "--labels=type=db", "--dry-run", "--format=json")).Done()).RootElement;
        Assert.Contains("/etc/ssh/sshd_config.d/00-certauthority.conf", files.EnumerateArray().Select(file => file.GetProperty("path").GetString()));
        var host = JsonDocument.Parse((await fleet.Enroll(db1, "--labels=type=db", "--format=json")).Done()).RootElement;
        Assert.Equal(("db1", true), (host.GetProperty("name").GetString(), host.GetProperty("sync").GetProperty("up_to_date").GetBoolean()));
    }

    [PeopleTheory]
    [InlineData("--ssh=-oProxyCommand=touch", 2, "--ssh takes [USER@]HOST[:PORT], not '-oProxyCommand=touch'")]
    [InlineData("--ssh=root@a b", 2, "--ssh takes [USER@]HOST[:PORT], not 'root@a b'")]
    [InlineData("--ssh=root@127.0.0.1 --login=root;reboot", 2, "--login takes a login such as postgres, not 'root;reboot'")]
    [InlineData("--ssh=ad+min@127.0.0.1", 1, "'ad+min' is not a login")]
    [InlineData("--labels=type=db", 2, "name a host and where ssh logs in: NODE --ssh [USER@]HOST[:PORT]; or several: --from FILE")]
    [InlineData("--from=hosts --ssh=root@127.0.0.1", 2, "--from takes the names and addresses of hosts from its file: leave out NODE, --ssh and --addr")]
    [InlineData("--ssh=root@127.0.0.1 --labels=prod", 2, "--labels takes KEY=VALUE, such as env=prod, not 'prod'")]
    public async Task Invalid_options_are_rejected_before_any_connection(string options, int exit, string told)
    {
        var words = options.Contains(" --", StringComparison.Ordinal) ? options.Split(' ') : [options];
        var refused = await Operator.Types(["tctl", "nodes", "enroll", "db1", .. words]);
        Assert.Equal(exit, refused.ExitCode);
        Assert.Contains(told, refused.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Interrupt_during_the_proof_leaves_nothing_behind()
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key, configuration: "Match User postgres\n    ForceCommand sleep 60");
        var before = db1.Files;
        using var enrolling = Operator.Start("tctl", "nodes", "enroll", "db1", "--ssh", db1.Address, "--login=postgres", "--labels=type=db");
        await Eventually.Holds(() => db1.Log.Contains("Accepted publickey for postgres", StringComparison.Ordinal));
        (await Daemon.Administrator.Types("kill", "-INT", $"{enrolling.Id}")).Done();
        await enrolling.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(130, enrolling.ExitCode);
        Assert.Contains("tctl: 127.0.0.1 is as it was before\n", await enrolling.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(before, db1.Files);
        Assert.DoesNotContain("db1", (await Daemon.Administrator.Types("tctl", "nodes", "ls")).Done(), StringComparison.Ordinal);
    }

    [PeopleTheory]
    [InlineData("swap", "")]
    [InlineData("swap; kill -9 $$", "certauthority.before/")]
    public async Task Shell_that_ends_before_the_proof_restores_the_host(string step, string left)
    {
        await using var db1 = await FleetHost.Start(Daemon, fleet.Key);
        var before = db1.Files;
        (await Daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: 127.0.0.1}}")).Done();
        var files = Daemon.Scratch["files"];
        (await Daemon.Administrator.Types("tctl", "nodes", "export", "db1", $"--out={files}")).Done();
        var script = File.ReadAllText(Path.Combine(World.Repository, "src/Tctl/Enrollment/host.sh"));
        foreach (var file in Directory.EnumerateFiles(files, "*", SearchOption.AllDirectories))
            script += $"stage {Path.GetFileName(file)} <<'end'\n{Convert.ToBase64String(File.ReadAllBytes(file))}\nend\n";
        await fleet.Ssh(db1, "sh -s", script + step + "\n");
        if (left.Length == 0)
        {
            Assert.Equal(before, db1.Files);
            Assert.Equal("entered\n", (await fleet.ByKey(db1)).Done());
            return;
        }
        // Cut off by more than the end of a shell, what was there is kept, and comes first the next time.
        Assert.Contains(db1.Files, file => file.StartsWith("certauthority/", StringComparison.Ordinal));
        Assert.True(Directory.Exists(db1["certauthority.before"]));
        (await Daemon.Myself.Types("tsh", "login")).Done();
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.False(Directory.Exists(db1["certauthority.before"]));
    }
}
