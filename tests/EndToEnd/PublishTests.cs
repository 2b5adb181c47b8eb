namespace CertAuthority.Tests.EndToEnd;

/// <summary>The directory from which hosts fetch: what lies there, when, and what the daemon does not take for one.</summary>
public sealed class PublishTests
{
    [Fact]
    public async Task Files_are_published_before_ready_and_before_revoke_returns()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(scratch["hosts"]));
        Assert.Equal(["audit_key.pub", "host_ca.pub", "manifest", "revoked.krl", "user_ca.pub"], Names(scratch["hosts"]));
        Assert.All(Directory.GetFiles(scratch["hosts"]), file => Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(file)));
        foreach (var name in Names(scratch["hosts"]).Where(name => name != "manifest"))
            Assert.Equal(await File.ReadAllBytesAsync(daemon.File(name)), await File.ReadAllBytesAsync(scratch[$"hosts/{name}"]));
        await DaemonTests.Setup(daemon);

        for (var round = 0; round < 5; round++)
        {
            (await daemon.Myself.Types("tsh", "login")).Done();
            var serial = OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "id-cert.pub"))).Serial;
            Assert.False(Published(scratch).IsRevoked(daemon.PublicKey("user_ca"), serial));
            (await daemon.Administrator.Types("tctl", "certs", "revoke", $"{serial}")).Done();
            Assert.True(Published(scratch).IsRevoked(daemon.PublicKey("user_ca"), serial));
        }

        Assert.Equal(["audit_key.pub", "host_ca.pub", "manifest", "revoked.krl", "user_ca.pub"], Names(scratch["hosts"]));
        Assert.Contains($"published for hosts: {scratch["hosts"]}, up to date\n", (await daemon.Administrator.Types("tctl", "status")).Done());
    }

    [Fact]
    public async Task Host_certificates_are_published_while_their_hosts_exist()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}
            ---
            {kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}
            """)).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["key"])).Done();
        foreach (var node in (string[])["db1", "web1"])
            (await daemon.Administrator.Types("tctl", "auth", "sign", $"--host={node}", $"--out={scratch[node]}", scratch["key.pub"])).Done();
        Assert.Equal([".certauthority", "audit_key.pub", "db1-cert.pub", "host_ca.pub", "manifest", "revoked.krl", "user_ca.pub", "web1-cert.pub"], Names(scratch["hosts"]));
        Assert.Equal(await File.ReadAllTextAsync(scratch["db1"]), await File.ReadAllTextAsync(scratch["hosts/db1-cert.pub"]));

        (await daemon.Administrator.Types("tctl", "nodes", "rm", "web1")).Done();
        await daemon.Stop();
        await daemon.Restart();
        await Eventually.Holds(() => Names(scratch["hosts"]).SequenceEqual([".certauthority", "audit_key.pub", "db1-cert.pub", "host_ca.pub", "manifest", "revoked.krl", "user_ca.pub"]));
    }

    [Fact]
    public async Task Start_rewrites_the_list_and_only_the_keys_that_differ()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await daemon.Stop();
        var yesterday = TimeProvider.System.GetUtcNow().AddDays(-1).UtcDateTime;
        foreach (var name in Names(scratch["hosts"]))
            File.SetLastWriteTimeUtc(scratch[$"hosts/{name}"], yesterday);
        scratch.Write("hosts/user_ca.pub", "somebody else's\n");
        File.SetLastWriteTimeUtc(scratch["hosts/user_ca.pub"], yesterday);
        var before = Published(scratch).Version;

        await daemon.Restart();

        Assert.Equal(await File.ReadAllTextAsync(daemon.File("user_ca.pub")), await File.ReadAllTextAsync(scratch["hosts/user_ca.pub"]));
        Assert.Equal(yesterday, File.GetLastWriteTimeUtc(scratch["hosts/host_ca.pub"]));
        Assert.True(Published(scratch).Version > before);
        Assert.True(File.GetLastWriteTimeUtc(scratch["hosts/revoked.krl"]) > yesterday);
    }

    [Fact]
    public async Task Failed_list_publication_is_reported_and_retried()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        var serial = OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "id-cert.pub"))).Serial;
        // In the place of the list lies what no file can replace.
        File.Delete(scratch["hosts/revoked.krl"]);
        Directory.CreateDirectory(scratch["hosts/revoked.krl"]);

        var revoked = await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me");

        Assert.Equal((1, ""), (revoked.ExitCode, revoked.Output));
        Assert.Equal(
            $"tctl: error: the decision stands, but the new revocation list is not yet in {scratch["hosts"]}, so hosts that fetch it from there still accept what was revoked\n"
            + "tctl: hint: writing is tried again until it succeeds; the daemon's log says what is in the way\n", revoked.Error);
        // The daemon's own list has it.
        Assert.True(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), serial));
        Assert.Contains($"publish_dir {scratch["hosts"]} could not be written: ", daemon.Log);
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches($"published for hosts: {scratch["hosts"]}, not up to date since [-0-9]+T[:0-9]+Z: .*revoked.krl", status.Output);
        Assert.StartsWith($"tctl: error: hosts that fetch from {scratch["hosts"]} do not get the revocation list: ", status.Error, StringComparison.Ordinal);

        // Nobody asks again.
        Directory.Delete(scratch["hosts/revoked.krl"]);
        await Eventually.Holds(() => File.Exists(scratch["hosts/revoked.krl"]));
        Assert.True(Published(scratch).IsRevoked(daemon.PublicKey("user_ca"), serial));
        await Eventually.Holds(
            async () => (await daemon.Administrator.Types("tctl", "status")).Output.Contains($"{scratch["hosts"]}, up to date\n", StringComparison.Ordinal), "the status says so");
    }

    [Fact]
    public async Task Failed_key_publication_is_shown_and_delays_no_revocation()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        File.Delete(scratch["hosts/host_ca.pub"]);
        Directory.CreateDirectory(scratch["hosts/host_ca.pub"]);

        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();

        Assert.Contains("not up to date since ", (await daemon.Administrator.Types("tctl", "status")).Output);
        Directory.Delete(scratch["hosts/host_ca.pub"]);
        await Eventually.Holds(() => File.Exists(scratch["hosts/host_ca.pub"]));
    }

    public static TheoryData<string, string, string> Unfit => new()
    {
        { "its group can write there", "mkdir -m 775 hosts", "HOSTS has mode 0775, so that others can write there; run: chmod go-w HOSTS" },
        { "everybody can write there", "mkdir -m 1777 hosts", "HOSTS has mode 1777, so that others can write there; run: chmod go-w HOSTS" },
        { "it leads elsewhere", "mkdir elsewhere; ln -s elsewhere hosts", "HOSTS is a symbolic link; name the directory itself, elsewhere" },
        { "it leads nowhere", "ln -s nowhere hosts", "HOSTS is a symbolic link; name the directory itself, nowhere" },
        { "it is somebody else's", "mkdir hosts; chown 5001 hosts", "HOSTS belongs to uid 5001, who could change it; run: chown 0 HOSTS" },
        { "it is a file", "touch hosts", "The file 'HOSTS' already exists." },
        { "no list can be put there", "mkdir -p hosts/revoked.krl", "HOSTS cannot be written; the log says why" },
    };

    [PeopleTheory]
    [MemberData(nameof(Unfit))]
    public async Task Unsuitable_directory_stops_the_start(string what, string made, string told)
    {
        using var scratch = new Scratch();
        (await TestDebian.Run("sh", "-c", $"cd {scratch.Path}; {made}")).Done();

        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", $"publish_dir: {scratch["hosts"]}\n"));

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.True(refused.Error.EndsWith($"certauthority: error: {told.Replace("HOSTS", scratch["hosts"], StringComparison.Ordinal)}\n", StringComparison.Ordinal), $"{what}: {refused.Error}");
    }

    [Fact]
    public async Task Directory_without_its_parent_is_not_created()
    {
        using var scratch = new Scratch();

        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", $"publish_dir: {scratch["not/here"]}\n"));

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal($"certauthority: error: {scratch["not/here"]} cannot be made: there is no directory {scratch["not"]}\n", refused.Error);
    }

    [Fact]
    public async Task Directory_made_writable_by_other_users_gets_no_list()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        var before = await File.ReadAllBytesAsync(scratch["hosts/revoked.krl"]);
        File.SetUnixFileMode(scratch["hosts"], (UnixFileMode)0b111_111_111);

        Assert.Equal(1, (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).ExitCode);

        Assert.Equal(before, await File.ReadAllBytesAsync(scratch["hosts/revoked.krl"]));
        Assert.Contains($"run: chmod go-w {scratch["hosts"]}\n", (await daemon.Administrator.Types("tctl", "status")).Output);
    }

    [Fact]
    public async Task SIGHUP_moves_publishing_unless_the_new_directory_is_unfit()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: "");
        Assert.DoesNotContain("published", (await daemon.Administrator.Types("tctl", "status")).Done());

        await Reload($"publish_dir: {scratch["hosts"]}\n", "in force");
        Assert.Equal(await File.ReadAllBytesAsync(daemon.File("revoked.krl")), await File.ReadAllBytesAsync(scratch["hosts/revoked.krl"]));

        Directory.CreateDirectory(scratch["open"]);
        File.SetUnixFileMode(scratch["open"], (UnixFileMode)0b111_111_111);
        await Reload($"publish_dir: {scratch["open"]}\n", $"publish_dir cannot be {scratch["open"]}, and stays {scratch["hosts"]}: {scratch["open"]} has mode 0777");
        Assert.Contains($"published for hosts: {scratch["hosts"]}, up to date\n", (await daemon.Administrator.Types("tctl", "status")).Done());
        Assert.Empty(Directory.GetFiles(scratch["open"]));

        await Reload("", $"nothing is published in {scratch["hosts"]} any more; what lies there grows old");
        Assert.DoesNotContain("published", (await daemon.Administrator.Types("tctl", "status")).Done());

        async Task Reload(string text, string logged)
        {
            var before = daemon.Log.Length;
            scratch.Write("certauthority.yaml", text);
            await daemon.Signal("HUP");
            await Eventually.Holds(() => daemon.Log[before..] is var log && log.Contains(logged, StringComparison.Ordinal) && log.Contains("in force", StringComparison.Ordinal), logged);
        }
    }

    [Fact]
    public async Task Directory_of_another_installation_is_refused_and_unchanged()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        var before = Contents(scratch);
        using var elsewhere = new Scratch();
        var settings = elsewhere.Write("certauthority.yaml", $"publish_dir: {scratch["hosts"]}\n");

        var refused = await TestDaemon.Refuses(elsewhere, "--config", settings);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal(
            $"certauthority: error: {scratch["hosts"]} belongs to another installation, whose revocation list {Published(scratch).Version} is there; "
            + $"name another publish_dir, or stop that daemon for good and remove {scratch["hosts/revoked.krl"]}\n", refused.Error);
        Assert.Equal(before, Contents(scratch));

        // It is given away by hand, and then the first one holds back, certificates of hosts included.
        File.Delete(scratch["hosts/revoked.krl"]);
        await using var other = await TestDaemon.Start(elsewhere, configuration: $"publish_dir: {scratch["hosts"]}\n");
        var theirs = Contents(scratch);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}")).Done();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["key"])).Done();
        (await daemon.Administrator.Types("tctl", "auth", "sign", "--host=db1", $"--out={scratch["db1"]}", scratch["key.pub"])).Done();
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        var revoked = await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me");
        Assert.Equal(1, revoked.ExitCode);
        Assert.Contains($"the new revocation list is not yet in {scratch["hosts"]}", revoked.Error, StringComparison.Ordinal);
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("belongs to another installation, whose revocation list ", status.Error, StringComparison.Ordinal);
        Assert.Equal(theirs, Contents(scratch));
        (await other.Administrator.Types("tctl", "status")).Done();
    }

    [Fact]
    public async Task Directory_of_another_copy_of_the_daemon_is_left_alone()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await daemon.Stop();
        using var elsewhere = new Scratch();
        Directory.CreateDirectory(elsewhere["data"]);
        File.SetUnixFileMode(elsewhere["data"], (UnixFileMode)0b111_000_000);
        foreach (var file in Directory.GetFiles(daemon.DataDirectory))
            File.Copy(file, Path.Combine(elsewhere["data"], Path.GetFileName(file)));
        await daemon.Restart();

        var refused = await TestDaemon.Refuses(elsewhere, "--config", elsewhere.Write("certauthority.yaml", $"publish_dir: {scratch["hosts"]}\n"));

        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith($"certauthority: error: a daemon on another copy of this database publishes in {scratch["hosts"]}: its revocation list ", refused.Error, StringComparison.Ordinal);
        (await daemon.Administrator.Types("tctl", "status")).Done();
    }

    private static SortedDictionary<string, string> Contents(Scratch scratch) =>
        new(Directory.GetFiles(scratch["hosts"]).ToDictionary(path => Path.GetFileName(path), path => Convert.ToHexString(File.ReadAllBytes(path))), StringComparer.Ordinal);

    private static OpenSsh.Krl Published(Scratch scratch) => OpenSsh.Krl.Parse(File.ReadAllBytes(scratch["hosts/revoked.krl"]));

    private static IEnumerable<string> Names(string folder) => Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
