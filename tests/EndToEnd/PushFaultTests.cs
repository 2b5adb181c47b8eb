namespace CertAuthority.Tests.EndToEnd;

/// <summary>A fleet with one host, for many tests.</summary>
public sealed class OneEnrolledHost : IAsyncLifetime
{
    internal EnrolledFleet Fleet { get; private set; } = null!;

    internal FleetHost Db1 { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Fleet = await EnrolledFleet.Start();
        if (World.HasPeople)
            Db1 = await Fleet.EnrolledHost();
    }

    public async Task DisposeAsync()
    {
        if (Db1 is not null)
            await Db1.DisposeAsync();
        await Fleet.DisposeAsync();
    }
}

/// <summary>What can be wrong on a host that the daemon writes to: each is told, changes nothing there, and is overcome; so one host serves for all.</summary>
public sealed class PushFaultTests(OneEnrolledHost one) : IClassFixture<OneEnrolledHost>
{
    private EnrolledFleet fleet => one.Fleet;

    private FleetHost db1 => one.Db1;

    public static readonly TheoryData<string, string, bool?> Lists = new()
    {
        { "garbage", "echo garbage > revoked.krl", false },
        { "missing", "rm revoked.krl", false },
        { "empty, so that everybody enters", ": > revoked.krl", true },
        { "half of one, and half of the next beside it", "head -c 20 revoked.krl > revoked.krl.new; chown certauthority-sync revoked.krl.new; cp revoked.krl.new revoked.krl", false },
        { "half of one that another daemon wrote", "printf 'SSHKRL\\n\\0\\0\\0\\0\\1\\377\\0\\0\\0\\0\\0\\0\\0' > revoked.krl", false },
        // sshd needs more than a minute to refuse by it, so nobody waits for that.
        { "far larger than any", "truncate -s 100M revoked.krl", null },
        { "old, where that does not matter", "touch -d '2 hours ago' revoked.krl", true },
        { "beside a CA key that is not ours", "echo ssh-ed25519 AAAA > user_ca.pub", false },
    };

    [PeopleTheory]
    [MemberData(nameof(Lists))]
    public async Task Damaged_list_on_a_host_never_blocks_the_correct_one(string what, string damage, bool? enters)
    {
        (await db1.Run($"cd /etc/ssh/certauthority; {damage}")).Done();
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.True(enters is null || enters == ((await fleet.ByCertificate(db1)).ExitCode == 0), what);

        Assert.Matches("^db1 has revocation list [0-9]+\n$", (await fleet.Tctl("nodes", "sync", "db1")).Done());

        Assert.True(fleet.HasTheList(db1), what);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal("audit.checkpoint\nhost-cert.pub\nmanifest\nrevoked.krl\nuser_ca.pub\n", (await db1.Run("ls /etc/ssh/certauthority")).Done());
    }

    public static readonly TheoryData<string, string, string, string> Obstacles = new()
    {
        { "another key", "cd /etc/ssh; mv ssh_host_ed25519_key k; ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key; rm certauthority/host-cert.pub", "cd /etc/ssh; mv k ssh_host_ed25519_key", "it shows another host key than the one on record" },
        { "a directory of somebody else's", "chown root /etc/ssh/certauthority", "chown certauthority-sync /etc/ssh/certauthority", "dest open \"/etc/ssh/certauthority/revoked.krl.new\": Permission denied" },
        { "a directory to read only", "mount --bind /etc/ssh/certauthority /etc/ssh/certauthority && mount -o remount,ro,bind /etc/ssh/certauthority", "umount /etc/ssh/certauthority", "dest open \"/etc/ssh/certauthority/revoked.krl.new\": Failure (sftp says no more; often a disk that is full, or can only be read)" },
        { "a full disk", "cd /etc/ssh; mkdir t; mount -t tmpfs -o size=24k,mode=755 none t; cp -p certauthority/* t; chown certauthority-sync t; head -c 1M /dev/zero > t/fill 2>/dev/null; mount --move t certauthority || mount --bind t certauthority", "umount /etc/ssh/certauthority", "write remote \"/etc/ssh/certauthority/revoked.krl.new\": Failure (sftp says no more" },
        { "something in the way", "mkdir /etc/ssh/certauthority/revoked.krl.new", "rmdir /etc/ssh/certauthority/revoked.krl.new", "dest open \"/etc/ssh/certauthority/revoked.krl.new/revoked.krl\": Permission denied" },
        { "no file", "cd /etc/ssh/certauthority; mknod revoked.krl.new c 1 3; chown certauthority-sync revoked.krl.new", "rm /etc/ssh/certauthority/revoked.krl.new", "/etc/ssh/certauthority/revoked.krl.new: not a regular file" },
        { "an account that is gone", "userdel certauthority-sync", "useradd --system --no-create-home --home-dir / --shell /usr/sbin/nologin --password '*' certauthority-sync; chown certauthority-sync /etc/ssh/certauthority", "certauthority-sync@127.0.0.1: Permission denied (publickey)." },
        { "another CA that is let in", "cd /etc/ssh/certauthority-sync; mv sync_ca.pub k; cp ../certauthority/user_ca.pub sync_ca.pub", "cd /etc/ssh/certauthority-sync; mv k sync_ca.pub", "certauthority-sync@127.0.0.1: Permission denied (publickey)." },
    };

    [PeopleTheory]
    [MemberData(nameof(Obstacles))]
    public async Task Push_obstacle_is_reported_changes_nothing_and_is_overcome(string what, string put, string taken, string told)
    {
        (await db1.Run(put)).Done();
        var before = File.ReadAllBytes(db1["certauthority/revoked.krl"]);

        var refused = await fleet.Tctl("nodes", "sync", "db1");

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.True(refused.Error.StartsWith("tctl: error: nothing can be written to db1: ", StringComparison.Ordinal) && refused.Error.Contains(told, StringComparison.Ordinal), $"{what}: {refused.Error}");
        Assert.Equal(before, File.ReadAllBytes(db1["certauthority/revoked.krl"]));
        // What was revoked meanwhile waits, and nobody has to remember it.
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        (await fleet.Tctl("certs", "revoke", "--user=me")).Done();
        Assert.Contains(told, (await fleet.Status("db1")).GetProperty("failure").GetString(), StringComparison.Ordinal);
        Assert.Matches($"hosts written to: 1, 0 of them with this list\n", (await fleet.Tctl("status")).Done());
        (await db1.Run(taken)).Done();
        await Eventually.Holds(() => fleet.HasTheList(db1), $"{what} is overcome");
        // The host has the list a moment before the daemon has heard that it does.
        await Eventually.Holds(async () => !(await fleet.Status("db1")).TryGetProperty("failure", out _), $"the daemon knows that {what} is overcome");
    }
}
