using System.Collections.Concurrent;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Backups of a daemon at work, and what starting on an old database takes back, with sshd as the judge.</summary>
public sealed class BackupTests
{
    [PeopleFact]
    public async Task Restore_ends_access_granted_before_and_after_the_backup()
    {
        await using var lost = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        await Setup(lost);
        var (alice, bob) = (lost.Person(Person.Alice), lost.Person(Person.Bob));
        var approved = await FileRequest(alice);
        (await lost.Administrator.Types("tctl", "requests", "approve", approved)).Done();
        (await alice.Types("tsh", "login", $"--request-id={approved}")).Done();
        var pending = await FileRequest(bob);

        // Many at once: faster than one a second, serials and versions run ahead of the clock.
        using var enough = new CancellationTokenSource();
        var load = Load(lost, enough.Token);
        await Eventually.Holds(() => load.Serials.Count > 50);
        var file = lost.Scratch["backup.db"];
        var atBackup = load.Serials.Count;
        Assert.Equal($"backup written to {file}\n", (await lost.Administrator.Types("tctl", "backup", file)).Done());
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(file));
        await Eventually.Holds(() => load.Serials.Count > atBackup + 200);
        // Signed after the backup, and answered after it.
        (await bob.Types("tsh", "login")).Done();
        var late = await FileRequest(bob);
        foreach (var serial in load.Serials.Take(5))
            (await lost.Administrator.Types("tctl", "certs", "revoke", $"{serial}")).Done();
        await enough.CancelAsync();
        await load.Done;
        var host = await TestHost.Create(lost, "db1");
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
        Assert.True(await host.LetsIn(bob, "deploy"), host.Log);
        var before = lost.RevocationList();
        await lost.Stop("KILL");
        var issued = load.Serials.Append(Serial(alice)).Append(Serial(bob)).ToList();

        // Another machine: the keys that were kept, and the backup.
        using var elsewhere = new Scratch();
        foreach (var key in (string[])["user_ca", "user_ca.pub", "host_ca", "host_ca.pub"])
            Keep(lost.File(key), elsewhere, key);
        Keep(file, elsewhere, "certauthority.db");
        await using var restored = await TestDaemon.Start(elsewhere);

        Assert.Contains("restored from a backup of ", restored.Log);
        var hostNow = await TestHost.Create(restored, "db1");
        Assert.False(await hostNow.LetsIn(alice, "postgres"));
        Assert.False(await hostNow.LetsIn(bob, "deploy"));
        var krl = restored.RevocationList();
        var userCa = restored.PublicKey("user_ca");
        Assert.All(issued, serial => Assert.True(krl.IsRevoked(userCa, serial), $"{serial} is not revoked"));
        Assert.True(krl.Version > before.Version, $"{krl.Version} after {before.Version}");

        var requests = (await restored.Administrator.Types("tctl", "requests", "ls")).Done();
        Assert.Equal(2, requests.Split("CANCELLED").Length - 1);
        Assert.Contains(approved, requests);
        Assert.Contains(pending, requests);
        Assert.DoesNotContain(late, requests);
        Assert.DoesNotContain("VALID", (await restored.Administrator.Types("tctl", "certs", "ls")).Done());

        // Life goes on, with numbers that nobody had.
        (await At(restored, alice).Types("tsh", "login")).Done();
        Assert.True(Serial(alice) > issued.Max());
        Assert.True(await hostNow.LetsIn(alice, "deploy"), hostNow.Log);
        // The next start is an ordinary one.
        await restored.Stop();
        await restored.Restart();
        Assert.True(await hostNow.LetsIn(alice, "deploy"), hostNow.Log);
        Assert.False(await hostNow.LetsIn(bob, "deploy"));
        Assert.True(restored.RevocationList().Version > krl.Version);
        Assert.Equal(2, (await restored.Administrator.Types("tctl", "audit", "ls", "--event=daemon.restored")).Done().Split("daemon.restored").Length);
    }

    [Fact]
    public async Task Copy_older_than_its_revocation_list_counts_as_a_restore()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        await daemon.Stop();
        File.Copy(daemon.File("certauthority.db"), daemon.Scratch["copy"]);
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        var revoked = Serial(daemon.Myself);
        (await daemon.Administrator.Types("tctl", "certs", "revoke", $"{revoked}")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        var live = Serial(daemon.Myself);
        var before = daemon.RevocationList();
        // Until the clock has passed the last serial, as it has at any real restore.
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() > (long)live + 1);
        await daemon.Stop();
        Assert.False(File.Exists(daemon.File("certauthority.db-wal")));
        File.Copy(daemon.Scratch["copy"], daemon.File("certauthority.db"), overwrite: true);

        await daemon.Restart();

        var after = daemon.RevocationList();
        var key = daemon.PublicKey("user_ca");
        Assert.True(after.Version > before.Version);
        Assert.True(after.IsRevoked(key, revoked), "the list forgets what it had revoked");
        Assert.True(after.IsRevoked(key, live), "a certificate without a record lives on");
        Assert.Contains("daemon.restored", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done());
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.False(daemon.RevocationList().IsRevoked(key, Serial(daemon.Myself)));
    }

    [Fact]
    public async Task Restoring_a_backup_twice_reuses_no_serial_or_list_version()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var file = daemon.Scratch["backup.db"];
        (await daemon.Administrator.Types("tctl", "backup", file)).Done();
        var (serials, versions) = (new List<ulong>(), new List<ulong>());
        for (var round = 0; round < 3; round++)
        {
            (await daemon.Myself.Types("tsh", "login")).Done();
            serials.Add(Serial(daemon.Myself));
            versions.Add(daemon.RevocationList().Version);
            await daemon.Stop("KILL");
            foreach (var old in Directory.GetFiles(daemon.DataDirectory, "certauthority.db*").Append(daemon.File("revoked.krl")))
                File.Delete(old);
            File.Copy(file, daemon.File("certauthority.db"));
            await daemon.Restart();
        }
        Assert.Equal(serials.Distinct().Order(), serials);
        Assert.Equal(versions.Distinct().Order(), versions);
    }

    [PeopleFact]
    public async Task Only_administrators_back_up_and_only_force_replaces_a_file()
    {
        await using var daemon = await TestDaemon.Start();
        var file = daemon.Scratch.Write("taken", "something else\n");

        var exists = await daemon.Administrator.Types("tctl", "backup", file);
        Assert.Equal((1, "", $"tctl: error: {file} exists already\ntctl: hint: with -f the backup takes its place\n"), (exists.ExitCode, exists.Output, exists.Error));
        var device = await daemon.Administrator.Types("tctl", "backup", "-f", "/dev/null");
        Assert.Equal((1, "", "tctl: error: /dev/null is a device, and a backup goes into a file\n"), (device.ExitCode, device.Output, device.Error));
        var nowhere = await daemon.Administrator.Types("tctl", "backup", daemon.Scratch["nowhere/file"]);
        Assert.Equal(
            (1, "", $"tctl: error: there is no directory {daemon.Scratch["nowhere"]}\ntctl: hint: create it: install -d -m 700 {daemon.Scratch["nowhere"]}\n"),
            (nowhere.ExitCode, nowhere.Output, nowhere.Error));
        var alice = await daemon.Person(Person.Alice).Types("tctl", "backup", daemon.Scratch["home-5001/backup"]);
        Assert.Equal((1, ""), (alice.ExitCode, alice.Output));
        Assert.Contains("tctl: error: alice is not an administrator\n", alice.Error);
        Assert.Empty(Directory.GetFiles(daemon.Scratch["home-5001"]));
        Assert.Equal("something else\n", await File.ReadAllTextAsync(file));

        (await daemon.Administrator.Types("tctl", "backup", "-f", file)).Done();
        Assert.StartsWith("SQLite format 3\0", await File.ReadAllTextAsync(file, System.Text.Encoding.Latin1));
        // Nothing of it stays with the daemon, and the audit knows who has a copy.
        Assert.Empty(Directory.GetFiles(daemon.DataDirectory, "*backup*"));
        Assert.Contains("backup.taken", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done());
        await daemon.Stop();
        Assert.Equal(3, (await daemon.Administrator.Types("tctl", "backup", daemon.Scratch["unreachable"])).ExitCode);
        Assert.False(File.Exists(daemon.Scratch["unreachable"]));
    }

    [PeopleFact]
    public async Task Directory_keeps_the_newest_backups_and_other_files()
    {
        await using var daemon = await TestDaemon.Start();
        var folder = daemon.Scratch["backups"];
        (await daemon.Administrator.Types("tctl", "backup", "--to", folder)).Done();
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(folder));
        var first = Assert.Single(Directory.GetFiles(folder));
        Assert.Matches(@"/certauthority-\d{8}T\d{6}Z\.db$", first);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(first));
        // Older ones, one of a clock that was ahead, what a killed tctl left, and what belongs to other people or only looks alike.
        string[] mine = ["certauthority-20200101T000000Z.db", "certauthority-20210101T000000Z.db.age", "certauthority-29990101T000000Z.db"];
        string[] unfinished = ["certauthority-20260101T000000Z.db.abcdefgh.ijk", "certauthority-20260101T000000Z.db.age.01234567.xyz"];
        string[] others = ["certauthority.db", "certauthority-20200101T000000Z.db.bak", "x-certauthority-20200101T000000Z.db", "certauthority-2020.db", "notes"];
        foreach (var name in (string[])[.. mine, .. unfinished, .. others])
            File.WriteAllText(Path.Combine(folder, name), "");
        Directory.CreateDirectory(Path.Combine(folder, "certauthority-20190101T000000Z.db"));
        File.CreateSymbolicLink(Path.Combine(folder, "certauthority-20190202T000000Z.db"), daemon.File("certauthority.db"));
        others = [.. others, "certauthority-20190202T000000Z.db"];
        // A name of another second.
        await Eventually.Holds(() => !File.Exists(Path.Combine(folder, $"certauthority-{TimeProvider.System.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}.db")));

        var outcome = (await daemon.Administrator.Types("tctl", "backup", "--to", folder, "--keep=2", "--format=json")).Done();

        var json = System.Text.Json.Nodes.JsonNode.Parse(outcome)!;
        var newest = json["file"]!.GetValue<string>();
        Assert.Equal(
            [first, Path.Combine(folder, mine[1]), Path.Combine(folder, mine[0])], json["removed"]!.AsArray().Select(one => one!.GetValue<string>()));
        Assert.Equal(
            others.Append(mine[2]).Append(Path.GetFileName(newest)).Order(StringComparer.Ordinal),
            Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.True(Directory.Exists(Path.Combine(folder, "certauthority-20190101T000000Z.db")));
        Assert.StartsWith("SQLite format 3\0", await File.ReadAllTextAsync(newest, System.Text.Encoding.Latin1));
        Assert.Equal(new FileInfo(newest).Length, json["bytes"]!.GetValue<long>());
    }

    [PeopleFact]
    public async Task Backup_that_fails_leaves_nothing_in_the_directory()
    {
        await using var daemon = await TestDaemon.Start();
        var folder = daemon.Scratch["backups"];
        var open = Directory.CreateDirectory(daemon.Scratch["open"]).FullName;
        await Fails("--to", open, "--keep=1", $"{open} has mode 0755, so that others can use it; run: chmod 700 {open}\n");
        await Fails("--to", daemon.Scratch["no/where"], "--keep=1", $"there is no directory {daemon.Scratch["no"]}\ntctl: hint: create it: install -d -m 700 {daemon.Scratch["no"]}\n");
        await Fails("--to", daemon.Scratch.Write("file", ""), "--keep=1", $"{daemon.Scratch["file"]} is a file, and --to takes a directory\n");
        await Fails("--to", folder, "--encrypt-to=/no/keys", "age does not encrypt to /no/keys: failed to parse recipient file");
        await Fails("--to", folder, $"--encrypt-to={daemon.Scratch.Write("keys", "nonsense\n")}", $"age does not encrypt to {daemon.Scratch["keys"]}: ");
        var noAge = await (daemon.Administrator with { Environment = [("PATH", World.Programs)] }).Types("tctl", "backup", "--to", folder, $"--encrypt-to={daemon.Scratch["keys"]}");
        Assert.Equal((1, "tctl: error: --encrypt-to needs the program age, which is not installed here\ntctl: hint: apt install age\n"), (noAge.ExitCode, noAge.Error));
        using (await Held(folder))
            await Fails("--to", folder, "--keep=1", $"another backup is being written to {folder}\n");
        await daemon.Stop();
        Assert.Equal(3, (await daemon.Administrator.Types("tctl", "backup", "--to", folder)).ExitCode);
        Assert.Empty(Directory.GetFiles(folder));

        async Task Fails(string option, string value, string other, string error)
        {
            var outcome = await daemon.Administrator.Types("tctl", "backup", option, value, other);
            Assert.True(outcome is { ExitCode: 1, Output: "" } && outcome.Error.StartsWith($"tctl: error: {error}", StringComparison.Ordinal), $"{outcome}");
        }

        static async Task<IDisposable> Held(string folder)
        {
            var flock = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("flock", [folder, "sh", "-c", "echo held; exec cat"])
            { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
            Assert.Equal("held", await flock.StandardOutput.ReadLineAsync());
            return new Holder(flock);
        }
    }

    private sealed class Holder(System.Diagnostics.Process process) : IDisposable
    {
        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }
    }

    /// <summary>To an SSH key, and back with its private half, as docs/operating.md does it; the daemon starts on what comes out.</summary>
    [PeopleFact]
    public async Task Backup_encrypted_to_an_SSH_key_is_restored_with_it()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var (key, folder) = (daemon.Scratch["key"], daemon.Scratch["backups"]);
        (await TestDebian.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
        (await daemon.Administrator.Types("tctl", "backup", "--to", folder, "--keep=3", $"--encrypt-to={key}.pub")).Done();
        var backup = Assert.Single(Directory.GetFiles(folder));
        Assert.EndsWith(".db.age", backup);
        Assert.StartsWith("age-encryption.org/v1\n", await File.ReadAllTextAsync(backup, System.Text.Encoding.Latin1));
        Assert.DoesNotContain("SQLite format", await File.ReadAllTextAsync(backup, System.Text.Encoding.Latin1));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(backup));

        await daemon.Stop();
        foreach (var old in Directory.GetFiles(daemon.DataDirectory, "certauthority.db*"))
            File.Delete(old);
        (await daemon.Administrator.Types("sh", "-c", $"umask 077; age -d -i {key} {backup} >{daemon.File("certauthority.db")}")).Done();
        await daemon.Restart();

        Assert.Contains("restored from a backup of ", daemon.Log);
        Assert.Contains("me", (await daemon.Administrator.Types("tctl", "users", "ls")).Done());
        // It has this backup.
        Assert.Matches(@"(?m)^last backup: \S+Z ", (await daemon.Administrator.Types("tctl", "status")).Done());
    }

    [Theory]
    [InlineData("backup takes either FILE or --to DIR")]
    [InlineData("backup takes either FILE or --to DIR", "/tmp/x", "--to=/tmp/y")]
    [InlineData("--to replaces no file, so it does not take -f", "-f", "--to=/tmp/y")]
    [InlineData("--keep needs --to", "/tmp/x", "--keep=3")]
    [InlineData("--keep takes a number from 1 up, not '0'", "--to=/tmp/y", "--keep=0")]
    public async Task Options_that_do_not_fit_are_a_usage_error(string fault, params string[] arguments)
    {
        var outcome = await new Person(null, "/nonexistent", "unix:/nonexistent").Types(["tctl", "backup", .. arguments]);

        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith($"tctl: error: {fault}\n", outcome.Error);
    }

    private static async Task Setup(TestDaemon daemon)
    {
        await DaemonTests.Setup(daemon);
        foreach (var name in (string[])["alice", "bob"])
            (await daemon.Administrator.Types("tctl", "users", "add", name, "--roles=staff", $"--unix-user={name}")).Done();
    }

    private static async Task<string> FileRequest(Person person) =>
        (await person.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

    // The same person with the same files, at another daemon.
    private static Person At(TestDaemon daemon, Person person) => person with { Server = daemon.Server };

    private static void Keep(string file, Scratch elsewhere, string name)
    {
        if (!Directory.Exists(elsewhere["data"]))
            Directory.CreateDirectory(elsewhere["data"], (UnixFileMode)0b111_000_000);
        File.Copy(file, elsewhere[$"data/{name}"]);
    }

    private static ulong Serial(Person person) => Certificate.ParseLine(File.ReadAllText(Path.Combine(person.Home, "id-cert.pub"))).Serial;


    private static (ConcurrentQueue<ulong> Serials, Task Done) Load(TestDaemon daemon, CancellationToken enough)
    {
        var serials = new ConcurrentQueue<ulong>();
        var key = new Login(TestDaemon.AnyKey, "me");
        var ca = daemon.Connect();
        return (serials, LogIn());

        async Task LogIn()
        {
            while (!enough.IsCancellationRequested)
                serials.Enqueue(ulong.Parse((await ca.Send(Routes.Login, key, CancellationToken.None)).Info!.Serial));
            ca.Dispose();
        }
    }
}
