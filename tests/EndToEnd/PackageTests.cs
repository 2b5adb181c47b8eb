namespace CertAuthority.Tests.EndToEnd;

/// <summary>What ./package makes, in a fresh Debian: installed, used, upgraded, removed, purged.</summary>
public sealed class PackageTests(TestDebian debian) : IClassFixture<TestDebian>
{
    const string State = "/var/lib/certauthority";

    [PeopleFact]
    public async Task From_the_first_installation_to_the_purge()
    {
        (await debian.Types("useradd", "--create-home", "alice")).Done();

        // Installed.
        (await debian.Types("apt-get", "install", "-qq", "-y", "--no-install-recommends", "/tmp/older.deb")).Done();
        Assert.Matches("^certauthority:x:\\d{3}:\\d{3}:CertAuthority:/var/lib/certauthority:/usr/sbin/nologin\n$", (await debian.Types("getent", "passwd", "certauthority")).Done());
        Assert.Equal("certauthority 700\n", (await debian.Types("stat", "--format=%U %a", State)).Done());
        Assert.True(IsLink("/etc/systemd/system/sockets.target.wants/certauthority.socket"));
        Assert.True(IsLink("/etc/systemd/system/multi-user.target.wants/certauthority.service"));
        Assert.Equal("the configuration is good\n", (await debian.Types("certauthority", "--check-config")).Done());

        // Used, by root and by alice, with the daemon in its sandbox under its own account.
        var daemon = await debian.Start();
        File.WriteAllText(debian["/tmp/roles.yaml"], "{kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}\n");
        (await debian.Types("tctl", "create", "/tmp/roles.yaml")).Done();
        (await debian.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        Assert.Contains("logins: deploy (all hosts)\n", (await debian.TypesAs("alice", "tsh", "login")).Done());
        Assert.Contains("user certificate\n", (await debian.TypesAs("alice", "ssh-keygen", "-Lf", "/home/alice/.certauthority/id-cert.pub")).Done());
        var refused = await debian.TypesAs("alice", "tctl", "users", "ls");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.StartsWith("tctl: error: alice is not an administrator", refused.Error);
        // It writes to hosts as far as the network that its unit does not have.
        File.WriteAllText(debian["/tmp/node.yaml"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: 192.0.2.1, push: true}}\n");
        (await debian.Types("tctl", "create", "/tmp/node.yaml")).Done();
        (await debian.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/tmp/key")).Done();
        (await debian.Types("tctl", "auth", "sign", "--host=db1", "--out=/tmp/cert", "/tmp/key.pub")).Done();
        Assert.StartsWith(
            "tctl: error: nothing can be written to db1: ssh: connect to host 192.0.2.1 port 22: Network is unreachable (the daemon's unit has a network with the drop-in of docs/hosts.md only)\n",
            (await debian.Types("tctl", "nodes", "sync", "db1")).Error);
        await debian.Stop(daemon);
        var key = File.ReadAllText(debian[State + "/user_ca.pub"]);

        // Upgraded: configuration and state stay.
        File.AppendAllText(debian["/etc/certauthority/certauthority.yaml"], "# ours\n");
        (await debian.Types("dpkg", "--install", "/tmp/certauthority.deb")).Done();
        Assert.EndsWith("# ours\n", File.ReadAllText(debian["/etc/certauthority/certauthority.yaml"]));
        daemon = await debian.Start();
        Assert.Equal(key, File.ReadAllText(debian[State + "/user_ca.pub"]));
        Assert.Contains("user: alice\n", (await debian.TypesAs("alice", "tsh", "status")).Done());
        await debian.Stop(daemon);

        // A database of tomorrow is refused in words.
        await using (var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={debian[State + "/certauthority.db"]};Pooling=False"))
        {
            await database.OpenAsync();
            using var command = database.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            await command.ExecuteNonQueryAsync();
        }
        var newer = await TestDebian.Run(TestDebian.Repository("tests/unit"), debian.Root);
        Assert.Equal((1, ""), (newer.ExitCode, newer.Output));
        Assert.Contains("was written by a newer certauthority", newer.Error);

        // Removed: the programs are gone, what it knows is not. Purged: nothing is left, and that was said.
        var removed = await debian.Types("dpkg", "--remove", "certauthority");
        removed.Done();
        Assert.Contains("certauthority: keys and database stay in /var/lib/certauthority; a purge removes them for good\n", removed.Error);
        Assert.False(File.Exists(debian["/usr/bin/tsh"]));
        Assert.Equal(key, File.ReadAllText(debian[State + "/user_ca.pub"]));
        Assert.True(File.Exists(debian["/etc/certauthority/certauthority.yaml"]));
        var purged = await debian.Types("dpkg", "--purge", "certauthority");
        purged.Done();
        Assert.Contains("certauthority: removing /var/lib/certauthority with the CA keys", purged.Error);
        Assert.All([State, "/etc/certauthority", "/usr/lib/certauthority", "/run/certauthority"], folder => Assert.False(Directory.Exists(debian[folder]), folder));
        Assert.Equal(2, (await debian.Types("getent", "passwd", "certauthority")).ExitCode);
        Assert.False(IsLink("/etc/systemd/system/multi-user.target.wants/certauthority.service"));
    }

    [PeopleFact]
    public async Task Everything_in_it_is_roots_and_nobody_elses_to_write()
    {
        var files = (await TestDebian.Run("dpkg-deb", "--contents", debian.Package)).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(files, file => Assert.Matches("^(d|-|l)rw[x-](r-[x-]r-[x-]|rwxrwx) root/root ", file));
        Assert.All(["./usr/bin/tsh", "./usr/bin/tctl", "./usr/sbin/certauthority -> ../lib/certauthority/certauthority", "./usr/share/doc/certauthority/copyright",
            "./usr/share/certauthority/host/certauthority-pull", "./usr/share/certauthority/host/certauthority-pull.timer"],
            path => Assert.Single(files, file => file.EndsWith(" " + path, StringComparison.Ordinal)));
    }

    [PeopleFact]
    public async Task The_image_is_one_that_others_can_read()
    {
        var config = (await TestDebian.Run("skopeo", "inspect", "--config", $"docker-archive:{debian.Image}")).Done();

        Assert.Contains("\"/usr/sbin/certauthority\"", config);
        Assert.Contains("\"User\":\"certauthority\"", config.Replace(" ", "").Replace("\n", ""));
    }

    bool IsLink(string path) => new FileInfo(debian[path]).LinkTarget is not null;
}

