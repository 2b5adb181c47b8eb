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
        Assert.Equal(2, (await restored.Administrator.Types("tctl", "audit", "ls")).Done().Split("daemon.restored").Length);
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
        Assert.Equal((1, ""), (nowhere.ExitCode, nowhere.Output));
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
