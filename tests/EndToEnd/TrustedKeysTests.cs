namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two CA keys for each purpose, through every file that is written, with sshd and ssh as judges.</summary>
public sealed class TrustedKeysTests
{
    private static readonly string[] Purposes = ["user", "host", "sync"];

    [PeopleFact]
    public async Task Another_key_takes_over_and_nobody_is_locked_out()
    {
        using var published = new Scratch();
        await using var fleet = await EnrolledFleet.Start($"publish_dir: {published["hosts"]}\n");
        var daemon = fleet.Daemon;
        await using var db1 = await fleet.EnrolledHost();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        var pulled = Directory.CreateDirectory(published["pulled"]).FullName;
        Assert.Equal(0, (await Pull("--new-ca")).ExitCode);

        // The next keys are made, and trusted everywhere before they sign.
        await daemon.Stop();
        foreach (var purpose in Purposes)
        {
            (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "next", "-f", daemon.File($"next_{purpose}"))).Done();
            File.WriteAllText(daemon.File($"{purpose}_ca_trusted.pub"), $"# the one that signs next\n\n{File.ReadAllText(daemon.File($"next_{purpose}.pub"))}");
        }
        await daemon.Restart();
        await ListsBoth("_ca", "next_");
        Assert.Matches("user CA: SHA256:.*\nuser CA, also trusted: SHA256:.*\nhost CA: SHA256:.*\nhost CA, also trusted: SHA256:", (await fleet.Tctl("status")).Done());
        // A host that fetches asks before it trusts one more key.
        Assert.Contains("has a key that is not in", (await Pull()).Error);
        Assert.Equal(0, (await Pull("--new-ca")).ExitCode);

        // They change places while certificates of the old ones are in use.
        await daemon.Stop();
        var old = daemon.Scratch["old-cert.pub"];
        File.Copy(Path.Combine(daemon.Myself.Home, "id-cert.pub"), old);
        foreach (var purpose in Purposes)
        {
            File.Move(daemon.File($"{purpose}_ca.pub"), daemon.File($"{purpose}_ca_trusted.pub"), overwrite: true);
            File.Move(daemon.File($"{purpose}_ca"), daemon.File($"old_{purpose}"));
            File.Copy(daemon.File($"{purpose}_ca_trusted.pub"), daemon.File($"old_{purpose}.pub"));
            File.Move(daemon.File($"next_{purpose}"), daemon.File($"{purpose}_ca"));
            File.Move(daemon.File($"next_{purpose}.pub"), daemon.File($"{purpose}_ca.pub"));
        }
        await daemon.Restart();
        var tshCertificate = Path.Combine(daemon.Myself.Home, "id-cert.pub");
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(daemon.PublicKey("user_ca"), OpenSsh.Certificate.ParseLine(File.ReadAllText(tshCertificate)).SignatureKey);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        await ListsBoth("_ca", "old_");
        Assert.Equal(0, (await Pull()).ExitCode);

        // What the old key signed is revoked under it, and the daemon gets in by its own next key to say so.
        (await fleet.Tctl("certs", "revoke", OpenSsh.Certificate.ParseLine(File.ReadAllText(old)).Serial.ToString(System.Globalization.CultureInfo.InvariantCulture))).Done();
        await Eventually.Holds(() => fleet.HasTheList(db1));
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        File.Copy(old, tshCertificate, overwrite: true);
        Assert.Contains("Permission denied", (await fleet.ByCertificate(db1)).Error);

        // No key goes while a certificate of it is in use.
        await daemon.Stop();
        File.Move(daemon.File("user_ca_trusted.pub"), daemon.Scratch["aside"]);
        Assert.Contains("certificates that are still valid were signed by SHA256:", (await TestDaemon.Refuses(daemon.Scratch)).Error);
        File.Move(daemon.Scratch["aside"], daemon.File("user_ca_trusted.pub"));
        await daemon.Restart();
        (await fleet.Tctl("certs", "revoke", "--all", "--yes")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        await daemon.Stop();
        File.Delete(daemon.File("user_ca_trusted.pub"));
        await daemon.Restart();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal(0, (await Pull()).ExitCode);
        foreach (var file in (string[])[published["hosts/user_ca.pub"], $"{pulled}/user_ca.pub"])
            Assert.Single(await File.ReadAllLinesAsync(file));
        await Eventually.Holds(() => File.ReadAllLines(db1["certauthority/user_ca.pub"]).Length == 1);

        Task<Outcome> Pull(params string[] options) => daemon.Administrator.Types(
            ["bash", "-c", $"printf 'SOURCE={published["hosts"]}\\nDIR={pulled}\\n' >{published["pull.conf"]} && exec {PulledHost.Puller} --config {published["pull.conf"]} {string.Join(' ', options)}"]);

        // Every file names the signing key first, then the other one.
        async Task ListsBoth(string first, string second)
        {
            // The files that let the daemon itself in are root's on the host, out of its reach.
            (await (await fleet.WithCertificate()).Types("tctl", "nodes", "enroll", "db1", "--ssh", db1.Address)).Done();
            (await daemon.Myself.Types("tsh", "login")).Done();
            (await daemon.Myself.Types("tsh", "login", "--out", daemon.Scratch[$"job-{second}"])).Done();
            var (userCas, hostCas, syncCas) = (Both("user"), Both("host"), Both("sync"));
            Assert.Equal(userCas, Keys((await fleet.Tctl("auth", "export", "--type=user")).Done()));
            Assert.Equal(hostCas, Keys((await fleet.Tctl("auth", "export", "--type=host")).Done()));
            Assert.Equal(userCas, Keys(await File.ReadAllTextAsync(published["hosts/user_ca.pub"])));
            Assert.Equal(hostCas, Keys(await File.ReadAllTextAsync(published["hosts/host_ca.pub"])));
            Assert.Equal(userCas, Keys(await File.ReadAllTextAsync(db1["certauthority/user_ca.pub"])));
            Assert.Equal(syncCas, Keys(await File.ReadAllTextAsync(db1["certauthority-sync/sync_ca.pub"])));
            Assert.Equal(hostCas, Keys(await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "known_cas"))));
            Assert.Equal(hostCas, Keys(await File.ReadAllTextAsync(daemon.Scratch[$"job-{second}-known_hosts"])));

            string[] Both(string purpose) =>
                [daemon.PublicKey($"{purpose}{first}").ToString(), daemon.PublicKey($"{second}{purpose}").ToString()];
        }

        static IEnumerable<string> Keys(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => OpenSsh.PublicKey.ParseLine(line.Replace("@cert-authority * ", "", StringComparison.Ordinal)).ToString());
    }

    public static TheoryData<string, string, string> Faults => new()
    {
        { "no key", "echo ssh-ed25519 AAAA > data/user_ca_trusted.pub", "S/data/user_ca_trusted.pub:1: " },
        { "an option before it", "sed 's/^/cert-authority /' data/user_ca.pub > data/user_ca_trusted.pub", "S/data/user_ca_trusted.pub:1: " },
        { "the other purpose's key", "cp data/host_ca.pub data/user_ca_trusted.pub", "is trusted as user CA and as host CA, so what it signs for one would open the other; take it out of S/data/user_ca_trusted.pub or S/data/host_ca_trusted.pub" },
        { "one key for two", "cp data/user_ca.pub more; ssh-keygen -q -t ed25519 -N '' -f other; cp other.pub data/host_ca_trusted.pub; cp other.pub data/sync_ca_trusted.pub", "is trusted as host CA and as sync CA, " },
        { "writable by others", "cp data/user_ca.pub data/user_ca_trusted.pub; chmod 666 data/user_ca_trusted.pub", "S/data/user_ca_trusted.pub has mode 0666, so that others can write to it; run: chmod go-w S/data/user_ca_trusted.pub" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Bad_file_of_trusted_keys_stops_the_start(string what, string spoil, string told)
    {
        await using var daemon = await TestDaemon.Start();
        await daemon.Stop();
        (await daemon.Administrator.Types("bash", "-c", $"cd {daemon.Scratch.Path} && {spoil}")).Done();

        var refused = await TestDaemon.Refuses(daemon.Scratch);

        Assert.True(refused.ExitCode == 1, what);
        Assert.Contains(told.Replace("S/", $"{daemon.Scratch.Path}/", StringComparison.Ordinal), refused.Error, StringComparison.Ordinal);
        Assert.Single(refused.Error.TrimEnd('\n').Split('\n'));
    }
}
