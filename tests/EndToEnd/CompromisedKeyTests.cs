using System.Text.Json;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A CA key that somebody else may have, in every state in which a rotation can be.</summary>
public sealed class CompromisedKeyTests
{
    private const string Everywhere = "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}";

    [PeopleFact]
    public async Task Next_key_beside_a_stolen_one_opens_nothing()
    {
        await using var fleet = await EnrolledFleet.Start();
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Tctl("auth", "rotate", "user")).Done();
        var (old, next) = (daemon.PublicKey("user_ca"), daemon.PublicKey("user_ca_next"));
        // A thief takes the whole directory.
        var (byOld, byNext) = (await Forged(daemon, "user_ca"), await Forged(daemon, "user_ca_next"));
        Assert.Equal("entered\n", (await fleet.Entering(db1, byOld)).Done());
        Assert.Equal("entered\n", (await fleet.Entering(db1, byNext)).Done());

        var unsure = await fleet.Tctl("auth", "rotate", "user", "--compromised");
        Assert.Contains($"tctl:   {Fingerprint(old)} (signs)\ntctl:   {Fingerprint(next)} (trusted)\n", unsure.Error, StringComparison.Ordinal);
        var replaced = (await fleet.Tctl("auth", "rotate", "user", "--compromised", "--yes")).Done();

        var fresh = daemon.PublicKey("user_ca");
        Assert.DoesNotContain(fresh, (PublicKey[])[old, next]);
        Assert.StartsWith($"the user CA key is now {Fingerprint(fresh)}, and no other", replaced, StringComparison.Ordinal);
        Assert.EndsWith($"\n  revoked: {Fingerprint(old)}\n  revoked: {Fingerprint(next)}\n", replaced, StringComparison.Ordinal);
        Assert.False(File.Exists(daemon.File("user_ca_next")));
        await Eventually.Holds(() => fleet.HasTheList(db1));
        Assert.Contains("Permission denied", (await fleet.Entering(db1, byOld)).Error, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await fleet.Entering(db1, byNext)).Error, StringComparison.Ordinal);
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        // Each of them is in the audit, and stays on the list.
        Assert.Equal(2, (await fleet.Tctl("audit", "ls", "--event=ca.revoked", "--format=jsonl")).Done().Split("\"ca.revoked\"").Length - 1);
        await daemon.Stop();
        await daemon.Restart();
        Assert.Superset(new HashSet<PublicKey> { old, next }, daemon.RevocationList().RevokedKeys.ToHashSet());
    }

    [Fact]
    public async Task Key_that_signs_goes_with_the_one_before_it()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        // A calm rotation leaves the former key beside the present one.
        for (var step = 0; step < 3; step++)
            (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        var former = daemon.PublicKey("user_ca_previous");
        for (var step = 0; step < 2; step++)
            (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        var (old, signing) = (daemon.PublicKey("user_ca"), daemon.PublicKey("user_ca_next"));

        var unsure = await administrator.Types("tctl", "auth", "rotate", "user", "--compromised");
        Assert.Equal(
            $"tctl: every user CA key that may be known to others is revoked, and a fresh one is made:\ntctl:   {Fingerprint(former)} (former)\ntctl:   {Fingerprint(old)} (trusted)\ntctl:   {Fingerprint(signing)} (signs)\n",
            unsure.Error[..unsure.Error.IndexOf("tctl: error", StringComparison.Ordinal)]);
        (await administrator.Types("tctl", "auth", "rotate", "user", "--compromised", "--yes")).Done();

        Assert.DoesNotContain(daemon.PublicKey("user_ca"), (PublicKey[])[former, old, signing]);
        Assert.Equal(new HashSet<PublicKey> { former, old, signing }, daemon.RevocationList().RevokedKeys.ToHashSet());
        // The host key: it goes too, and signs nothing again after a restore.
        for (var step = 0; step < 2; step++)
            (await administrator.Types("tctl", "auth", "rotate", "host")).Done();
        var stolen = daemon.PublicKey("host_ca_next");
        File.Copy(daemon.File("host_ca_next"), daemon.Scratch["stolen"]);
        (await administrator.Types("tctl", "auth", "rotate", "host", "--compromised", "--yes")).Done();
        Assert.NotEqual(stolen, daemon.PublicKey("host_ca"));
        await daemon.Stop();
        File.Copy(daemon.Scratch["stolen"], daemon.File("host_ca"), overwrite: true);
        File.Delete(daemon.File("host_ca.pub"));
        Assert.Matches($"^certauthority: error: host_ca has {System.Text.RegularExpressions.Regex.Escape(Fingerprint(stolen))}, which was replaced at .*Z because somebody else may have it; restore the right key, or remove this one with its \\.pub to have a new one made\n$", (await TestDaemon.Refuses(daemon.Scratch)).Error);
    }

    [Fact]
    public async Task Keys_other_than_those_that_were_shown_are_left_alone()
    {
        await using var daemon = await TestDaemon.Start();
        using var ca = daemon.Connect();
        var shown = (await ca.Send(Protocol.Routes.ListRotations, new Protocol.ListRotations(), default)).Compromised!.Where(one => one.Key == "user").Select(one => one.Fingerprint).ToArray();
        (await daemon.Administrator.Types("tctl", "auth", "rotate", "user")).Done();

        var refused = await Assert.ThrowsAsync<Protocol.ProblemException>(() => ca.Send(Protocol.Routes.RotateKey, new Protocol.RotateKey("user", "compromised", Keys: shown), default));

        Assert.Equal("the user CA keys have changed since they were shown; nothing was done", refused.Problem.Detail);
        Assert.True(File.Exists(daemon.File("user_ca_next")));
    }

    [PeopleTheory]
    [InlineData("prepared")]
    [InlineData("switched")]
    public async Task Killed_at_any_write_a_replacement_goes_on(string step)
    {
        await using var daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        var administrator = daemon.Administrator;
        (await administrator.Types(["tctl", "create"], Everywhere)).Done();
        (await administrator.Types("tctl", "users", "add", "me", "--roles=everywhere", $"--unix-user={Environment.UserName}")).Done();
        var kills = 0;
        for (var (write, died) = (1, true); died; write++)
        {
            Assert.True(write < 80, "it ends");
            while (await Step() != step)
                (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
            PublicKey[] stolen = [daemon.PublicKey("user_ca"), daemon.PublicKey("user_ca_next")];
            using (await KillAt.Attach(daemon, "rename,renameat,renameat2,unlink,fsync,fdatasync", write))
                await administrator.Types("tctl", "auth", "rotate", "user", "--compromised", "--yes");
            var state = $"/proc/{daemon.ProcessId}/stat";
            died = daemon.HasEnded || !File.Exists(state) || (await File.ReadAllTextAsync(state)).Contains(") Z ", StringComparison.Ordinal);
            if (died)
            {
                kills++;
                await daemon.Ended();
                await daemon.Restart();
                // Whatever it left, the same command goes on.
                (await administrator.Types("tctl", "auth", "rotate", "user", "--compromised", "--yes")).Done();
            }
            Assert.Equal("", await Step());
            Assert.Superset(stolen.ToHashSet(), daemon.RevocationList().RevokedKeys.ToHashSet());
            Assert.DoesNotContain(daemon.PublicKey("user_ca"), daemon.RevocationList().RevokedKeys);
            Assert.False(File.Exists(daemon.File("user_ca_next")));
            (await daemon.Myself.Types("tsh", "login")).Done();
            Assert.Equal(daemon.PublicKey("user_ca"), Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "id-cert.pub"))).SignatureKey);
            Assert.Equal("1\n", (await administrator.Types("bash", "-c", "tctl certs ls --state=live --format=json | jq length")).Done());
            // The switch waits for no certificate, and the end would.
            (await administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done();
        }
        Assert.True(kills >= 8, $"{kills}");

        async Task<string> Step() =>
            JsonDocument.Parse((await administrator.Types("tctl", "auth", "rotate", "--status", "--format=json")).Done()).RootElement.GetProperty("rotations")
                .EnumerateArray().Select(one => one.GetProperty("step").GetString()!).SingleOrDefault("");
    }

    [Fact]
    public async Task Every_host_counts_as_trusting_a_revoked_key()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        foreach (var name in (string[])["web1", "web2"])
            (await administrator.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: {name}}}, spec: {{addr: {name}.example.com}}}}")).Done();
        var early = await administrator.Types("tctl", "auth", "rotate", "user", "--abandon=web1");
        Assert.Equal(
            (1, "tctl: error: no rotation of the user CA key is under way, so there is nothing to leave a host behind in\ntctl: hint: tctl auth rotate user\n"), (early.ExitCode, early.Error));
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        var waits = await administrator.Types("tctl", "auth", "rotate", "user");
        Assert.Equal(
            "tctl: error: 2 hosts have not confirmed: web1, web2\ntctl: hint: once they have it: tctl auth rotate user --confirm=web1,web2; to leave them behind: --abandon=web1,web2\n", waits.Error);
        (await administrator.Types("tctl", "auth", "rotate", "user", "--confirm=web1,web2")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "user", "--back")).Done();
        // Both were seen with keys that are gone by now.
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "user", "--confirm=web2")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "user", "--abandon=web1")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        // The one that was left behind takes the key by hand, after the end.
        Assert.Equal("confirmed: web1\n", (await administrator.Types("tctl", "auth", "rotate", "user", "--confirm=web1")).Done());

        var replaced = await administrator.Types("tctl", "auth", "rotate", "user", "--compromised", "--yes");

        Assert.Equal(1, replaced.ExitCode);
        Assert.Equal("[\"web1\",\"web2\"]\n", await Trusting());
        (await administrator.Types("tctl", "auth", "rotate", "user", "--confirm=web2")).Done();
        Assert.Equal("[\"web1\"]\n", await Trusting());
        (await administrator.Types("tctl", "auth", "rotate", "user", "--confirm=web1")).Done();
        Assert.Equal("null\n", await Trusting());

        async Task<string> Trusting() => (await administrator.Types("bash", "-c", "tctl status --format=json | jq -c .hosts_with_revoked_ca")).Output;
    }

    private static async Task<string> Forged(TestDaemon daemon, string key)
    {
        var (stolen, thief) = (daemon.Scratch[$"stolen-{key}"], daemon.Scratch[$"thief-{key}"]);
        (await daemon.Administrator.Types("cp", daemon.File(key), stolen)).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", thief)).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-s", stolen, "-I", "thief", "-n", "root", "-z", "4", $"{thief}.pub")).Done();
        return $"{thief}-cert.pub";
    }

    private static string Fingerprint(PublicKey key) =>
        $"SHA256:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(key.ToBlob())).TrimEnd('=')}";
}
