using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>tsh follows the host CA key of its daemon by statements, with ssh and ssh-keygen as judges.</summary>
public sealed partial class HostCaStatementTests
{
    [PeopleFact]
    public async Task Laptop_that_was_away_for_two_rotations_is_led_along()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        var (traveller, watcher) = (daemon.Myself with { Home = daemon.Scratch["traveller"] }, daemon.Myself);
        foreach (var person in (Person[])[traveller, watcher])
            (await person.Types("tsh", "login")).Done();
        var first = Assert.Single(KnownTo(traveller));
        for (var n = 0; n < 2; n++)
        {
            await Rotate(fleet, () => watcher.Types("tsh", "login"));
            var login = await watcher.Types("tsh", "login");
            login.Done();
            Assert.DoesNotContain("vouches", login.Error, StringComparison.Ordinal);
            Assert.Equal("entered\n", (await Enters(fleet, db1, watcher)).Done());
        }
        Assert.Equal([first], KnownTo(traveller));

        var back = await traveller.Types("tsh", "login");
        back.Done();
        Assert.DoesNotContain("vouches", back.Error, StringComparison.Ordinal);
        Assert.Equal([daemon.PublicKey("host_ca")], KnownTo(traveller));
        Assert.Equal("entered\n", (await Enters(fleet, db1, traveller)).Done());

        // Whoever keeps known_hosts by hand has ssh-keygen verify each statement.
        var statements = (await fleet.Tctl("auth", "export", "--type=statements")).Done();
        var one = Statement().Match(statements);
        Assert.Equal(first, OpenSsh.PublicKey.ParseLine(one.Groups["old"].Value));
        daemon.Scratch.Write("text", one.Groups["text"].Value);
        var (signature, signers) = (
            daemon.Scratch.Write("text.sig", one.Groups["signature"].Value), daemon.Scratch.Write("signers", $"old {first}\n"));
        (await daemon.Administrator.Types(
            ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "old", "-n", "certauthority-host-ca", "-s", signature], one.Groups["text"].Value)).Done();
    }

    [PeopleFact]
    public async Task Host_CA_key_without_a_statement_is_not_believed()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        var (me, job) = (daemon.Myself, daemon.Scratch["job"]);
        (await me.Types("tsh", "login")).Done();
        (await me.Types("tsh", "login", "--out", job)).Done();
        var known = KnownTo(me);
        // Somebody puts another key into the data directory, and has it sign the certificates of hosts.
        await daemon.Stop();
        foreach (var name in (string[])["host_ca", "host_ca.pub"])
            File.Move(daemon.File(name), daemon.Scratch[$"former-{name}"]);
        await daemon.Restart();
        var other = Fingerprint(daemon.PublicKey("host_ca"));
        await Eventually.Holds(() => SignerOf(db1["certauthority/host-cert.pub"]) == daemon.PublicKey("host_ca"));

        var login = await me.Types("tsh", "login");
        login.Done();
        Assert.Contains(
            $"tsh: warning: no host CA key that you have vouches for {other}, so its hosts are not believed; compare this with what an administrator reads out, then: tsh login --accept-host-ca={other}\n",
            login.Error, StringComparison.Ordinal);
        Assert.Equal(known, KnownTo(me));
        Assert.NotEqual(0, (await Enters(fleet, db1, me)).ExitCode);
        // What tsh config and a job write follows the same rule.
        var config = await me.Types("tsh", "config", "--print");
        config.Done();
        Assert.Contains($"then: tsh login --out {job} --accept-host-ca={other}\n", (await me.Types("tsh", "login", "--out", job)).Error, StringComparison.Ordinal);
        Assert.Equal(known, Keys(await File.ReadAllTextAsync($"{job}-known_hosts")));
        // A job that pins the key takes no other, not even at first.
        var pinned = await me.Types("tsh", "login", "--out", daemon.Scratch["pinned"], $"--accept-host-ca={Fingerprint(known[0])}");
        Assert.Equal(1, pinned.ExitCode);
        Assert.Contains($"tsh: error: the daemon has no host CA key {Fingerprint(known[0])}; it names {other}\n", pinned.Error, StringComparison.Ordinal);
        Assert.False(File.Exists($"{daemon.Scratch["pinned"]}-known_hosts"));
        Assert.Equal(2, (await me.Types("tsh", "login", "--accept-host-ca=x")).ExitCode);

        (await me.Types("tsh", "login", $"--accept-host-ca={other}")).Done();
        Assert.Equal([daemon.PublicKey("host_ca")], KnownTo(me));
        Assert.Equal("entered\n", (await Enters(fleet, db1, me)).Done());
        Assert.DoesNotContain("vouches", (await me.Types("tsh", "login")).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Compromised_host_CA_key_vouches_for_nothing()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        var me = daemon.Myself;
        (await me.Types("tsh", "login")).Done();
        var known = KnownTo(me);
        // A rotation was under way, so the old key had made a statement.
        (await fleet.Tctl("auth", "rotate", "host")).Done();
        Assert.NotEmpty((await fleet.Tctl("auth", "export", "--type=statements")).Done());
        var replaced = await fleet.Tctl("auth", "rotate", "host", "--compromised", "--yes");
        var now = Fingerprint(daemon.PublicKey("host_ca"));
        Assert.Contains($"tctl: hint: no laptop believes the new key by itself; read its fingerprint out to everybody, for: tsh login --accept-host-ca={now}\n", replaced.Error, StringComparison.Ordinal);
        Assert.Equal("", (await fleet.Tctl("auth", "export", "--type=statements")).Done());
        Assert.Contains($"--accept-host-ca={now}\n", (await me.Types("tsh", "login")).Error, StringComparison.Ordinal);
        Assert.Equal(known, KnownTo(me));
        (await me.Types("tsh", "login", $"--accept-host-ca={now}")).Done();
        Assert.Equal([daemon.PublicKey("host_ca")], KnownTo(me));
        await Eventually.Holds(() => SignerOf(db1["certauthority/host-cert.pub"]) == daemon.PublicKey("host_ca"));
        Assert.Equal("entered\n", (await Enters(fleet, db1, me)).Done());
        // The next rotation is followed again.
        await Rotate(fleet, () => me.Types("tsh", "login"));
        Assert.DoesNotContain("vouches", (await me.Types("tsh", "login")).Error, StringComparison.Ordinal);
        Assert.Equal([daemon.PublicKey("host_ca")], KnownTo(me));
    }

    [PeopleFact]
    public async Task Key_made_known_by_hand_gets_a_statement()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", daemon.Scratch["next"])).Done();
        await daemon.Stop();
        File.Copy(daemon.Scratch["next.pub"], daemon.File("host_ca_trusted.pub"));
        await daemon.Restart();
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "auth", "export", "--type=statements")).Output.Contains(File.ReadAllText(daemon.Scratch["next.pub"]).Split(' ')[1], StringComparison.Ordinal), "the statement is there");
        Assert.Single(daemon.StoredAudit(), entry => System.Text.Encoding.UTF8.GetString(entry.Json).Contains("ca.vouched", StringComparison.Ordinal));
        // Once exchanged, the new key says nothing of the old one.
        await daemon.Stop();
        File.Move(daemon.File("host_ca"), daemon.Scratch["old"]);
        File.Move(daemon.File("host_ca.pub"), daemon.File("host_ca_trusted.pub"), overwrite: true);
        File.Copy(daemon.Scratch["next"], daemon.File("host_ca"));
        await daemon.Restart();
        (await daemon.Administrator.Types("tctl", "status", "--check")).Done();
        Assert.Single(Statement().Matches((await daemon.Administrator.Types("tctl", "auth", "export", "--type=statements")).Done()));
    }

    /// <summary>Takes a rotation of the host key to its end, while somebody keeps logging in.</summary>
    private static async Task Rotate(EnrolledFleet fleet, Func<Task<Outcome>> login)
    {
        (await fleet.Tctl("auth", "rotate", "host")).Done();
        var step = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() > step);
        (await fleet.Tctl("certs", "revoke", "--all", "--yes")).Done();
        (await login()).Done();
        (await fleet.Tctl("auth", "rotate", "host")).Done();
        await Eventually.Holds(async () => (await fleet.Tctl("auth", "rotate", "host")).ExitCode == 0, "the host has its certificate");
    }

    private static Task<Outcome> Enters(EnrolledFleet fleet, FleetHost host, Person person) => fleet.Daemon.Administrator.Types(
        "ssh", "-F", "none", "-i", Path.Combine(person.Home, "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", $"UserKnownHostsFile={Path.Combine(person.Home, "known_cas")}", "-o", $"HostKeyAlias={host.Name}", "-p", $"{host.Port}", "root@127.0.0.1", "echo entered");

    private static OpenSsh.PublicKey[] KnownTo(Person person) => Keys(File.ReadAllText(Path.Combine(person.Home, "known_cas")));

    private static OpenSsh.PublicKey[] Keys(string knownHosts) => [.. OpenSsh.KnownHosts.ReadAuthorities(knownHosts).Keys];

    private static OpenSsh.PublicKey SignerOf(string file) => OpenSsh.Certificate.ParseLine(File.ReadAllText(file)).SignatureKey;

    private static string Fingerprint(OpenSsh.PublicKey key) =>
        $"SHA256:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(key.ToBlob())).TrimEnd('=')}";

    [GeneratedRegex("(?<text>certauthority-host-ca v1\ninstallation [0-9a-f]{16}\nold (?<old>.*)\nnext .*\n)(?<signature>-----BEGIN SSH SIGNATURE-----\n[^-]*-----END SSH SIGNATURE-----\n)")]
    private static partial Regex Statement();
}
