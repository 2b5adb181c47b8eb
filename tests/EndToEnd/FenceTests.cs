namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two daemons and one fleet: neither takes back what the other has revoked, and both say so.</summary>
public sealed class FenceTests : IAsyncLifetime, IDisposable
{
    private readonly Scratch scratch = new();
    private EnrolledFleet fleet = null!;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start($"notify: {{command: [/bin/sh, -c, 'cat >> {scratch["told"]}; echo >> {scratch["told"]}']}}\n");

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    public void Dispose() => scratch.Dispose();

    [PeopleFact]
    public async Task Copied_daemon_writes_to_no_host_until_it_takes_over()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        await fleet.Daemon.Stop();
        using var elsewhere = new Scratch();
        Copy(elsewhere, "user_ca", "host_ca", "sync_ca", "certauthority.db", "revoked.krl");
        await fleet.Daemon.Restart();
        (await fleet.Tctl("certs", "revoke", "--wait", "--user=me")).Done();
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);

        // The copy does not know of the revocation, and its lists have higher versions: they begin with the seconds of the clock.
        await Eventually.Holds(() => (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() > fleet.Daemon.RevocationList().Version);
        await using var copy = await TestDaemon.Start(elsewhere);
        await Eventually.Holds(async () => (await On(copy, "nodes", "ls")).Done().Contains(": a daemon on another copy of this database writes to it: its revocation list ", StringComparison.Ordinal), "the copy sees the other's list");
        Assert.True(copy.RevocationList().Version > fleet.Daemon.RevocationList().Version);
        Assert.True(fleet.HasTheList(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        var status = await On(copy, "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("tctl: error: the revocation list of another daemon is on 1 host, and this one writes nothing there: db1\n", status.Error, StringComparison.Ordinal);
        var synced = await On(copy, "nodes", "sync", "db1");
        Assert.Equal(1, synced.ExitCode);
        Assert.EndsWith("tctl: hint: find the other daemon, and stop it if it is not meant to be; then: tctl nodes sync db1 --take-over\n", synced.Error, StringComparison.Ordinal);
        (await fleet.Tctl("status")).Done();

        // Somebody decides for the copy; then the other one holds back, and tells.
        Assert.Matches("^db1 has revocation list [0-9]+\n$", (await On(copy, "nodes", "sync", "db1", "--take-over")).Done());
        Assert.Contains("node.taken_over", (await On(copy, "audit", "ls")).Done(), StringComparison.Ordinal);
        var list = File.ReadAllBytes(db1["certauthority/revoked.krl"]);
        Assert.Equal(1, (await fleet.Tctl("nodes", "sync", "db1")).ExitCode);
        Assert.Equal(list, File.ReadAllBytes(db1["certauthority/revoked.krl"]));
        Assert.Equal(1, (await fleet.Tctl("status")).ExitCode);
        var told = scratch["told"];
        await Eventually.Holds(() => File.Exists(told) && File.ReadAllText(told).Contains("\"event\":\"hosts.contested\"", StringComparison.Ordinal));
        await copy.Stop();
        (await fleet.Tctl("nodes", "sync", "db1", "--take-over")).Done();
        (await fleet.Tctl("status")).Done();
        Assert.True(fleet.HasTheList(db1));
    }

    [PeopleFact]
    public async Task Machine_resumed_from_a_snapshot_counts_as_another_daemon()
    {
        await using var db1 = await fleet.EnrolledHost();
        // It is in the same run, and has made a list that this one has not.
        var list = fleet.Daemon.RevocationList();
        var theirs = OpenSsh.Krl.Write(list.Revoked, list.Version - 1000, list.GeneratedDate, list.Comment);
        File.WriteAllBytes(db1["certauthority/revoked.krl"], theirs);

        Assert.Contains("a daemon on another copy of this database writes to it: its revocation list ", (await fleet.Tctl("nodes", "sync", "db1")).Error, StringComparison.Ordinal);

        Assert.Equal(theirs, File.ReadAllBytes(db1["certauthority/revoked.krl"]));
        (await fleet.Tctl("nodes", "sync", "db1", "--take-over")).Done();
        Assert.True(fleet.HasTheList(db1));
    }

    [PeopleFact]
    public async Task Moved_or_restored_daemon_continues_but_keys_alone_do_not()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Tctl("backup", fleet.Daemon.Scratch["backup.db"])).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        await fleet.Daemon.Stop();

        // Its keys, and a database that knows nothing of the host: another installation.
        using var fresh = new Scratch();
        Copy(fresh, "user_ca", "host_ca", "sync_ca");
        await using (var other = await TestDaemon.Start(fresh))
        {
            (await other.Administrator.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: db1}}, spec: {{addr: '127.0.0.1:{db1.Port}', push: true}}}}")).Done();
            (await On(other, "auth", "sign", "--host=db1", $"--out={fresh["cert"]}", db1["ssh_host_ed25519_key.pub"])).Done();
            var refused = await On(other, "nodes", "sync", "db1");
            Assert.Equal(1, refused.ExitCode);
            Assert.StartsWith("tctl: error: nothing can be written to db1: another installation writes to it: its revocation list ", refused.Error, StringComparison.Ordinal);
            Assert.True(fleet.HasTheList(db1));
            await other.Stop();
        }

        // The same database on another machine.
        using var moved = new Scratch();
        Copy(moved, "user_ca", "host_ca", "sync_ca", "certauthority.db", "revoked.krl");
        await using (var daemon = await TestDaemon.Start(moved))
        {
            (await On(daemon, "nodes", "sync", "db1")).Done();
            await daemon.Stop();
        }

        // A backup: it has revoked all that it does not know of.
        using var restored = new Scratch();
        Copy(restored, "user_ca", "host_ca", "sync_ca");
        File.Copy(fleet.Daemon.Scratch["backup.db"], restored["data/certauthority.db"]);
        await using (var daemon = await TestDaemon.Start(restored))
        {
            (await On(daemon, "nodes", "sync", "db1")).Done();
            (await On(daemon, "status")).Done();
        }

        // What was lost is back, and stays away from the hosts.
        await fleet.Daemon.Restart();
        Assert.Contains("a daemon on another copy of this database writes to it", (await fleet.Tctl("nodes", "sync", "db1")).Error, StringComparison.Ordinal);
    }

    private static Task<Outcome> On(TestDaemon daemon, params string[] words) => daemon.Administrator.Types(["tctl", .. words]);

    /// <summary>What lies in the data directory of the daemon, which is stopped, in another folder.</summary>
    private void Copy(Scratch to, params string[] names)
    {
        Directory.CreateDirectory(to["data"]);
        File.SetUnixFileMode(to["data"], (UnixFileMode)0b111_000_000);
        foreach (var name in names)
            File.Copy(fleet.Daemon.File(name), to[$"data/{name}"]);
        foreach (var key in names.Where(name => name.EndsWith("_ca", StringComparison.Ordinal)))
            File.Copy(fleet.Daemon.File($"{key}.pub"), to[$"data/{key}.pub"]);
    }
}
