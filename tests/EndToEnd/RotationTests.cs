using System.Globalization;
using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>CA keys change while people log in, with sshd and ssh as judges.</summary>
public sealed class RotationTests
{
    [PeopleFact]
    public async Task User_key_changes_and_nobody_is_locked_out()
    {
        using var published = new Scratch();
        await using var fleet = await EnrolledFleet.Start($"publish_dir: {published["hosts"]}\n");
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        await using var fetching = await fleet.Host("web1");
        (await fleet.Enroll(fetching, "--labels=type=db", "--no-push")).Done();
        await using var db2 = await FleetHost.Start(daemon, fleet.Key, "db2", release: "forky");
        (await fleet.Enroll(db2, "--labels=type=db")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        var (old, oldKey) = (await Kept("old"), daemon.PublicKey("user_ca"));
        Assert.Equal("tctl: no rotation is under way\n", (await fleet.Tctl("auth", "rotate", "--status")).Error);

        var prepared = (await fleet.Tctl("auth", "rotate", "user")).Done();
        Assert.Matches("^user CA key: prepared: the next key is trusted, the old one signs, since .*\n  old:  SHA256:.*\n  next: SHA256:.*\n  not confirmed: web1: it fetches its files, and has not reported these keys, and nobody has confirmed them\n  waits: 1 host has not confirmed: web1\n$", prepared);
        Assert.Equal(2, (await File.ReadAllLinesAsync(db1["certauthority/user_ca.pub"])).Length);
        Assert.Equal(2, (await File.ReadAllLinesAsync(published["hosts/user_ca.pub"])).Length);
        var early = await fleet.Tctl("auth", "rotate", "user");
        Assert.Equal(
            (1, "tctl: error: 1 host has not confirmed: web1\ntctl: hint: once they have it: tctl auth rotate user --confirm=web1; to leave them behind: --abandon=web1\n"), (early.ExitCode, early.Error));
        // Back and forth: the same bytes as before, and the same next key as before.
        (await fleet.Tctl("auth", "rotate", "user", "--back")).Done();
        Assert.Equal(oldKey, OpenSsh.PublicKey.ParseLine(Assert.Single(await File.ReadAllLinesAsync(db1["certauthority/user_ca.pub"]))));
        Assert.False(File.Exists(daemon.File("user_ca_next")));
        (await fleet.Tctl("auth", "rotate", "user")).Done();
        var next = daemon.PublicKey("user_ca_next");

        // By hand, as docs/keys.md says of a host that fetches.
        File.Copy(published["hosts/user_ca.pub"], fetching["certauthority/user_ca.pub"], overwrite: true);
        (await fleet.Tctl("auth", "rotate", "user", "--confirm=web1")).Done();
        Assert.Contains("user CA key: switched: the next key signs, the old one is trusted", (await fleet.Tctl("auth", "rotate", "user")).Done(), StringComparison.Ordinal);
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(next, SignerOf(CertificateOf(daemon)));
        foreach (var host in (FleetHost[])[db1, db2, fetching])
        {
            Assert.Equal("entered\n", (await fleet.ByCertificate(host)).Done());
            Assert.Equal("entered\n", (await fleet.Entering(host, old)).Done());
        }
        // The daemon comes back to the same keys.
        await daemon.Stop();
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(next, SignerOf(CertificateOf(daemon)));
        var status = JsonDocument.Parse((await fleet.Tctl("status", "--format=json")).Done()).RootElement.GetProperty("rotations")[0];
        Assert.Equal("switched", status.GetProperty("step").GetString());

        // The old key stays as long as anybody needs it.
        var refused = await fleet.Tctl("auth", "rotate", "user");
        Assert.Matches("^tctl: error: certificates of the old key are in use, until [0-9TZ:-]+\n$", refused.Error);
        (await fleet.Tctl("certs", "revoke", Serial(old))).Done();
        (await RevokeAllOf(fleet, oldKey)).Done();
        var retired = await fleet.Tctl("auth", "rotate", "user");
        Assert.Matches("^the user CA key is now SHA256:.*, and no other\n$", retired.Done());
        Assert.Contains("tctl: hint: the old key lies in user_ca_previous in the data directory", retired.Error, StringComparison.Ordinal);
        Assert.Equal(next, daemon.PublicKey("user_ca"));
        Assert.Equal(oldKey, daemon.PublicKey("user_ca_previous"));
        await Eventually.Holds(() => File.ReadAllLines(db1["certauthority/user_ca.pub"]).Length == 1);
        Assert.Equal(255, (await fleet.Entering(db1, old)).ExitCode);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        await daemon.Stop();
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());

        async Task<string> Kept(string name)
        {
            var copy = daemon.Scratch[$"{name}-cert.pub"];
            File.Copy(CertificateOf(daemon), copy);
            (await daemon.Administrator.Types("cp", Path.Combine(daemon.Myself.Home, "id"), daemon.Scratch[name])).Done();
            return copy;
        }
    }

    [PeopleFact]
    public async Task Host_key_changes_once_laptops_know_the_next_one()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        (await daemon.Myself.Types("tsh", "login")).Done();
        var oldKey = daemon.PublicKey("host_ca");
        (await fleet.Tctl("auth", "rotate", "host")).Done();
        var early = await fleet.Tctl("auth", "rotate", "host");
        Assert.Matches("^tctl: error: clients of certificates that were issued before may not know the next key, until [0-9TZ:-]+\n$", early.Error);
        // Everybody logs in anew, and learns both; not in the second of the step, in which nobody can tell what came first.
        var step = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() > step);
        (await fleet.Tctl("certs", "revoke", "--all", "--yes")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(2, (await File.ReadAllLinesAsync(Path.Combine(daemon.Myself.Home, "known_cas"))).Length);

        (await fleet.Tctl("auth", "rotate", "host")).Done();
        var next = daemon.PublicKey("host_ca_next");
        await Eventually.Holds(() => SignerOf(db1["certauthority/host-cert.pub"]) == next);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        await Eventually.Holds(async () => (await fleet.Tctl("auth", "rotate", "host")).ExitCode == 0, "the host has its certificate");
        Assert.Equal(next, daemon.PublicKey("host_ca"));
        Assert.Equal(oldKey, daemon.PublicKey("host_ca_previous"));
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Single(await File.ReadAllLinesAsync(Path.Combine(daemon.Myself.Home, "known_cas")));
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
    }

    [PeopleFact]
    public async Task Sync_key_changes_by_enrolling_each_host_again()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        var prepared = (await fleet.Tctl("auth", "rotate", "sync")).Done();
        Assert.Contains("  not confirmed: db1: its sync_ca.pub is root's there, and was not replaced since: enroll it again\n", prepared, StringComparison.Ordinal);
        (await fleet.EnrollByCertificate(db1)).Done();
        (await fleet.Tctl("auth", "rotate", "sync")).Done();
        // It gets in by a certificate of the next key.
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Contains($"CA ED25519 {Fingerprint(daemon.PublicKey("sync_ca_next"))}", db1.Log, StringComparison.Ordinal);
        (await fleet.Tctl("auth", "rotate", "sync")).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        (await fleet.EnrollByCertificate(db1)).Done();
        Assert.Single(await File.ReadAllLinesAsync(db1["certauthority-sync/sync_ca.pub"]));
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        var refused = await fleet.Tctl("auth", "rotate", "sync", "--compromised", "--yes");
        Assert.Contains("tctl: error: the keys that let the daemon into hosts are root's there, out of its reach\n", refused.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Compromised_key_opens_nothing_once_a_host_has_the_list()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        await using var away = await fleet.EnrolledHost("db2");
        (await daemon.Myself.Types("tsh", "login")).Done();
        // A thief signs what no record knows.
        (await daemon.Administrator.Types("cp", daemon.File("user_ca"), daemon.Scratch["stolen"])).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", daemon.Scratch["thief"])).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-s", daemon.Scratch["stolen"], "-I", "thief", "-n", "root", "-z", "4", daemon.Scratch["thief.pub"])).Done();
        Assert.Equal("entered\n", (await fleet.Entering(db1, daemon.Scratch["thief-cert.pub"])).Done());
        await away.Stop();
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}")).Done();

        Assert.Equal((2, ""), (await fleet.Tctl("auth", "rotate", "user", "--compromised") is var unsure ? unsure.ExitCode : 0, unsure.Output));
        var replaced = await fleet.Tctl("auth", "rotate", "user", "--compromised", "--yes");
        Assert.Equal(1, replaced.ExitCode);
        Assert.Matches("^the user CA key is now SHA256:.*, and no other; [0-9]+ certificates? revoked\n  revoked: SHA256:.*\n$", replaced.Output);
        Assert.Contains("tctl: error: 2 hosts still trust the compromised key: db2, web1\n", replaced.Error, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await fleet.Entering(db1, daemon.Scratch["thief-cert.pub"])).Error, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await fleet.ByCertificate(db1)).Error, StringComparison.Ordinal);
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        // The key itself is on the list: even a host that still trusts it lets nobody in.
        File.AppendAllText(db1["certauthority/user_ca.pub"], await File.ReadAllTextAsync(daemon.File("user_ca_previous.pub")));
        Assert.Contains("Permission denied", (await fleet.Entering(db1, daemon.Scratch["thief-cert.pub"])).Error, StringComparison.Ordinal);

        // They stay named until they are known to have given up the key, across restarts too.
        var status = await fleet.Tctl("status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("tctl: error: 2 hosts may still trust a user CA key that was revoked: db2, web1\n", status.Error, StringComparison.Ordinal);
        await away.Restart();
        await Eventually.Holds(() => fleet.HasTheList(away));
        await Eventually.Holds(async () => (await daemon.Administrator.Types("bash", "-c", "tctl status --format=json | jq -c .hosts_with_revoked_ca")).Output == "[\"web1\"]\n", "db2 has given it up");
        Assert.Contains("Permission denied", (await fleet.Entering(away, daemon.Scratch["thief-cert.pub"])).Error, StringComparison.Ordinal);
        await daemon.Stop();
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(away)).Done());
        Assert.Contains("revoked: web1\n", (await fleet.Tctl("status")).Error, StringComparison.Ordinal);
        Assert.Equal("confirmed: web1\n", (await fleet.Tctl("auth", "rotate", "user", "--confirm=web1")).Done());
        (await fleet.Tctl("status")).Done();
        // The next rotation makes a key of its own.
        (await fleet.Tctl("auth", "rotate", "user")).Done();
        Assert.NotEqual(daemon.PublicKey("user_ca"), daemon.PublicKey("user_ca_next"));
    }

    [Fact]
    public async Task Scheduled_rotation_goes_on_by_itself()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        var refused = await administrator.Types("tctl", "auth", "rotate", "host", "--schedule=2999-01-01");
        Assert.Equal((1, "tctl: error: no rotation of the host CA key is under way\ntctl: hint: to take a step: tctl auth rotate host\n"), (refused.ExitCode, refused.Error));
        (await administrator.Types("tctl", "auth", "rotate", "host")).Done();
        Assert.Contains("  goes on by itself from 2999-01-01T00:00:00Z\n", (await administrator.Types("tctl", "auth", "rotate", "host", "--schedule=2999-01-01")).Done(), StringComparison.Ordinal);
        await Restarted();
        Assert.Contains("host CA key: prepared", (await administrator.Types("tctl", "auth", "rotate", "--status")).Done(), StringComparison.Ordinal);
        (await administrator.Types("tctl", "auth", "rotate", "host", $"--schedule={RotationFaultTests.Soon()}")).Done();
        await RotationFaultTests.Passed();
        var next = daemon.PublicKey("host_ca_next");
        // Each round takes one step.
        await Restarted();
        await Eventually.Holds(async () => (await administrator.Types("tctl", "auth", "rotate", "--status")).Output.Contains("switched", StringComparison.Ordinal), "it has switched");
        await Restarted();
        await Eventually.Holds(() => !File.Exists(daemon.File("host_ca_next")) && File.Exists(daemon.File("host_ca.pub")));
        Assert.Equal(next, daemon.PublicKey("host_ca"));

        async Task Restarted()
        {
            await daemon.Stop();
            await daemon.Restart();
        }
    }

    [Fact]
    public async Task Start_without_the_key_that_signs_says_which_it_needs()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        var next = daemon.PublicKey("user_ca_next");
        await daemon.Stop();
        foreach (var name in (string[])["user_ca_next", "user_ca_next.pub"])
            File.Move(daemon.File(name), daemon.Scratch[name]);
        var refused = await TestDaemon.Refuses(daemon.Scratch);
        Assert.Equal(
            $"certauthority: error: a rotation of the user CA key is under way, and no file has the key {Fingerprint(next)}; restore user_ca_next from the backup of the keys, or begin with the keys that are there: certauthority --new-ca\n",
            refused.Error);
        foreach (var name in (string[])["user_ca_next", "user_ca_next.pub"])
            File.Move(daemon.Scratch[name], daemon.File(name));
        await daemon.Restart();
        Assert.Contains(Fingerprint(next), (await administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        await daemon.Stop();
        File.Delete(daemon.File("user_ca_next"));
        File.Delete(daemon.File("user_ca_next.pub"));
        await daemon.Restart("--new-ca");
        Assert.DoesNotContain(Fingerprint(next), (await administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        Assert.Equal("tctl: no rotation is under way\n", (await administrator.Types("tctl", "auth", "rotate", "--status")).Error);
    }

    [PeopleFact]
    public async Task Killed_at_any_write_a_rotation_goes_on_where_it_was()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        var (kills, round) = (0, 0);
        foreach (var (before, after) in ((string, string)[])[("", "prepared"), ("prepared", "switched"), ("switched", "")])
            for (var write = 1; ; write++)
            {
                Assert.Equal(before, await StepOf(fleet));
                var died = await Struck(daemon, write, () => fleet.Tctl("auth", "rotate", "user"));
                if (died)
                {
                    kills++;
                    await daemon.Ended();
                    await daemon.Restart();
                }
                // Whatever it left, everybody who should enter does, by a certificate of before and by a new one.
                var step = await StepOf(fleet);
                Assert.True(step == before || step == after || step == "retiring", $"{before}, killed at write {write}: {step}");
                await Eventually.Holds(() => fleet.HasTheList(db1));
                if (round++ > 0)
                    Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
                (await daemon.Myself.Types("tsh", "login")).Done();
                Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
                await Eventually.Holds(async () => await StepOf(fleet) != "retiring", "the rotation ends");
                if (await StepOf(fleet) == after)
                {
                    if (!died || write >= 12)
                        break;
                    // Once more from the step before; at the end, everything from the beginning.
                    if (after.Length > 0)
                        (await fleet.Tctl("auth", "rotate", "user", "--back")).Done();
                    else
                        await Advance(fleet, "switched");
                }
                if (before == "switched")
                {
                    (await RevokeAllOf(fleet, daemon.PublicKey("user_ca"))).Done();
                    (await daemon.Myself.Types("tsh", "login")).Done();
                }
            }
        Assert.True(kills >= 12, $"{kills}");
        Assert.Empty((await fleet.Tctl("audit", "verify")).Error);
    }

    /// <summary>Takes steps until the rotation is where it should be.</summary>
    private static async Task Advance(EnrolledFleet fleet, string to)
    {
        while (await StepOf(fleet) != to)
            (await fleet.Tctl("auth", "rotate", "user")).Done();
    }

    internal static async Task<string> StepOf(EnrolledFleet fleet) =>
        JsonDocument.Parse((await fleet.Tctl("auth", "rotate", "--status", "--format=json")).Done()).RootElement.GetProperty("rotations")
            .EnumerateArray().Select(one => one.GetProperty("step").GetString()!).SingleOrDefault("");

    /// <summary>Runs something while the daemon is killed at its n-th write that lasts; returns whether it was.</summary>
    internal static async Task<bool> Struck(TestDaemon daemon, int write, Func<Task<Outcome>> act)
    {
        using (await KillAt.Attach(daemon, "rename,renameat,renameat2,unlink,fsync,fdatasync", write))
            await act();
        // While it was traced, its end was not told to anybody else.
        var status = $"/proc/{daemon.ProcessId}/stat";
        return daemon.HasEnded || !File.Exists(status) || (await File.ReadAllTextAsync(status)).Contains(") Z ", StringComparison.Ordinal);
    }

    /// <summary>Revokes every live certificate of a key.</summary>
    internal static async Task<Outcome> RevokeAllOf(EnrolledFleet fleet, OpenSsh.PublicKey key)
    {
        var fingerprint = Fingerprint(key);
        var serials = JsonDocument.Parse((await fleet.Tctl("certs", "ls", "--state=live", "--limit=1000", "--format=json")).Done()).RootElement.EnumerateArray()
            .Where(one => one.GetProperty("ca").GetString() == fingerprint).Select(one => one.GetProperty("serial").GetString()!).ToArray();
        return serials is [] ? await fleet.Tctl("status", "--check") : await fleet.Tctl(["certs", "revoke", .. serials]);
    }

    private static string CertificateOf(TestDaemon daemon) => Path.Combine(daemon.Myself.Home, "id-cert.pub");

    private static OpenSsh.PublicKey SignerOf(string file) => OpenSsh.Certificate.ParseLine(File.ReadAllText(file)).SignatureKey;

    private static string Serial(string file) => OpenSsh.Certificate.ParseLine(File.ReadAllText(file)).Serial.ToString(CultureInfo.InvariantCulture);

    private static string Fingerprint(OpenSsh.PublicKey key) =>
        $"SHA256:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(key.ToBlob())).TrimEnd('=')}";
}
