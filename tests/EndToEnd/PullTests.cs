using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The puller of hosts: what it puts in place, what it refuses, and what sshd makes of that.</summary>
public sealed class PullTests(PulledHost pulled) : IClassFixture<PulledHost>
{
    public sealed record Row(string Case, Action<PulledHost, string> Spoil, string Told)
    {
        public override string ToString() => Case;
    }

    public static TheoryData<Row> Refused =>
    [
        new("an empty list", (_, source) => File.WriteAllText($"{source}/revoked.krl", ""), "SOURCE/revoked.krl is empty; "),
        new("a list of blank lines", (_, source) => File.WriteAllText($"{source}/revoked.krl", "\n\n"), "SOURCE/revoked.krl is not a revocation list that sshd can read; "),
        new("garbage", (_, source) => File.WriteAllBytes($"{source}/revoked.krl", [.. "SSHKRL\n\0"u8, .. RandomNumberGenerator.GetBytes(200)]), "is not a revocation list"),
        new("a page of HTML", (_, source) => File.WriteAllText($"{source}/revoked.krl", "<html><body>It works!</body></html>\n"), "is not a revocation list"),
        new("a list cut short", (_, source) => File.WriteAllBytes($"{source}/revoked.krl", File.ReadAllBytes($"{source}/revoked.krl")[..^5]), "is not a revocation list"),
        // What is left is a good list of nobody.
        new("a list cut where a section ends", (pulled, source) => File.WriteAllBytes($"{source}/revoked.krl", File.ReadAllBytes($"{source}/revoked.krl")[..(44 + pulled.Daemon.RevocationList().Comment.Length)]), ", but it is a different list; "),
        new("a list of another daemon", (pulled, source) => File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1, comment: "certauthority 0123456789abcdef 01234567")), "SOURCE/revoked.krl is of another daemon than the list in TRUSTED, or of a copy of it, "),
        new("a list of another copy of the daemon", (pulled, source) => File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1, comment: $"{pulled.Daemon.RevocationList().Comment[..31]}01234567")), "SOURCE/revoked.krl is of another daemon than the list in TRUSTED, or of a copy of it, "),
        new("a list of nobody", (pulled, source) => File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1, comment: "")), "SOURCE/revoked.krl is of another daemon than the list in TRUSTED, or of a copy of it, "),
        new("a list with more behind it", (_, source) => File.AppendAllText($"{source}/revoked.krl", "\n"), "is not a revocation list"),
        new("a public key", (_, source) => File.Copy($"{source}/user_ca.pub", $"{source}/revoked.krl", overwrite: true), "is not a revocation list"),
        new("a version beyond all", (pulled, source) => File.WriteAllBytes($"{source}/revoked.krl", OpenSsh.Krl.Write([], ulong.MaxValue, 1, "")), "is not a revocation list"),
        new("an older list", (pulled, source) => File.Copy(pulled.OldList, $"{source}/revoked.krl", overwrite: true), "; nothing was changed; who can put old "),
        new("no list", (_, source) => File.Delete($"{source}/revoked.krl"), "SOURCE/revoked.krl could not be fetched: "),
        new("a list of 65 MiB", (_, source) => File.WriteAllBytes($"{source}/revoked.krl", new byte[65 << 20]), "SOURCE/revoked.krl could not be fetched: File size limit exceeded; "),
        new("no source", (_, source) => Directory.Delete(source, recursive: true), "SOURCE/revoked.krl could not be fetched: "),
        new("another user CA", (pulled, source) => File.Copy($"{source}/host_ca.pub", $"{source}/user_ca.pub", overwrite: true), "SOURCE/user_ca.pub has a key that is not in TRUSTED; nothing was changed; "),
        new("another host CA, with a newer list", (pulled, source) =>
        {
            File.Copy($"{source}/user_ca.pub", $"{source}/host_ca.pub", overwrite: true);
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        }, "SOURCE/host_ca.pub has a key that is not in TRUSTED; "),
        new("a user CA with an option", (_, source) => File.WriteAllText($"{source}/user_ca.pub", $"cert-authority {File.ReadAllText($"{source}/user_ca.pub")}"), "user_ca.pub is not public keys, a line each; "),
        new("a second user CA", (_, source) => File.AppendAllText($"{source}/user_ca.pub", File.ReadAllText($"{source}/host_ca.pub")), "user_ca.pub has a key that is not in TRUSTED; "),
        new("a second user CA that is no key", (_, source) => File.AppendAllText($"{source}/user_ca.pub", "ssh-ed25519 AAAA\n"), "user_ca.pub is not public keys, a line each; "),
        new("a user CA without a line ending", (_, source) => File.WriteAllText($"{source}/user_ca.pub", File.ReadAllText($"{source}/user_ca.pub").TrimEnd()), "user_ca.pub is not public keys, a line each; "),
        new("half a user CA", (_, source) => File.WriteAllText($"{source}/user_ca.pub", File.ReadAllText($"{source}/user_ca.pub")[..40] + "\n"), "user_ca.pub is not public keys, a line each; "),
        new("an empty user CA", (_, source) => File.WriteAllText($"{source}/user_ca.pub", ""), "SOURCE/user_ca.pub is empty; "),
        new("no host CA", (_, source) => File.Delete($"{source}/host_ca.pub"), "SOURCE/host_ca.pub could not be fetched: "),
    ];

    [PeopleTheory]
    [MemberData(nameof(Refused))]
    public async Task Bad_source_gives_a_one_line_error_and_changes_nothing(Row row)
    {
        var source = pulled.Copy();
        row.Spoil(pulled, source);
        var before = PulledHost.Held(pulled.Trusted);

        var refused = await pulled.PullUnsigned(source, pulled.Trusted);

        IsRefusal(refused, row.Told.Replace("SOURCE", source).Replace("TRUSTED", pulled.Trusted));
        Assert.Equal(before, PulledHost.Held(pulled.Trusted));
        await pulled.JudgesAsItShould();
    }

    /// <summary>Of several daemons, only the one that leads publishes; the directories of the others are old.</summary>
    [PeopleFact]
    public async Task Newest_of_several_sources_counts()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await DaemonTests.Setup(daemon);
        using (var copy = Process.Start("cp", ["-a", scratch["hosts"], scratch["old"]]))
            await copy.WaitForExitAsync();
        (await daemon.Myself.Types("tsh", "login")).Done();
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        var newest = daemon.RevocationList().Version;
        Directory.CreateDirectory(scratch["trusted"]);
        foreach (var sources in (string[][])[["old", "hosts"], ["hosts", "old"], ["nowhere", "hosts"]])
        {
            var settings = Settings(sources);
            var pulled = await daemon.Administrator.Types(PulledHost.Puller, "--config", settings);
            Assert.Equal((0, ""), (pulled.ExitCode, pulled.Error));
            Assert.Equal(newest, OpenSsh.Krl.Parse(File.ReadAllBytes(Path.Combine(scratch["trusted"], "revoked.krl"))).Version);
        }
        var (gone, none) = (await daemon.Administrator.Types(PulledHost.Puller, "--config", Settings("nowhere", "neither")), Settings("hosts", "old"));
        Assert.Equal(1, gone.ExitCode);
        Assert.Equal(["neither", "nowhere"], gone.Error.TrimEnd().Split('\n').Select(line => line.Contains("/nowhere/manifest could not be fetched", StringComparison.Ordinal) ? "nowhere" : line.Contains("/neither/manifest could not be fetched", StringComparison.Ordinal) ? "neither" : line).Order(StringComparer.Ordinal));
        var forced = await daemon.Administrator.Types(PulledHost.Puller, "--config", none, "--force");
        Assert.Equal(2, forced.ExitCode);
        Assert.Contains("with several sources, --force, --take-over and --new-log need --source", forced.Error, StringComparison.Ordinal);
        // The list goes back, and the audit with it, which the host says.
        Assert.Contains("the audit had ", (await daemon.Administrator.Types(PulledHost.Puller, "--config", none, "--force", "--source", scratch["old"])).Error, StringComparison.Ordinal);
        Assert.NotEqual(newest, OpenSsh.Krl.Parse(File.ReadAllBytes(Path.Combine(scratch["trusted"], "revoked.krl"))).Version);

        string Settings(params string[] sources) => scratch.Write(
            "pull.conf", $"{string.Concat(sources.Select(source => $"SOURCE={scratch[source]}\n"))}DIR={scratch["trusted"]}\nALLOW_NEW_CA=yes\n");
    }

    [PeopleFact]
    public async Task A_revocation_reaches_the_host_with_the_next_pull()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {scratch["hosts"]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        Directory.CreateDirectory(scratch["trusted"]);
        var settings = scratch.Write("pull.conf", $"# a remark\n\nSOURCE={scratch["hosts"]}/\nDIR={scratch["trusted"]}\nALLOW_NEW_CA=yes");
        var first = (await daemon.Administrator.Types(PulledHost.Puller, "--config", settings)).Done();
        Assert.Matches($"^{string.Concat(((string[])["audit_key", "user_ca", "host_ca"]).Select(name => $"certauthority-pull: {scratch["trusted"]}/{name}.pub is now SHA256:.{{43}}\n"))}$", first);
        var status = (await daemon.Administrator.Types("tctl", "status")).Done();
        Assert.Contains(first.Split(' ', '\n')[4], status);
        Assert.Contains($"user CA: {first.Split(' ', '\n')[9]}\n", status);
        Assert.All(Directory.GetFiles(scratch["trusted"]), file => Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(file)));
        var host = await TestHost.Create(daemon, "db1", trusts: scratch["trusted"]);
        Assert.True(await host.LetsIn(daemon.Myself, "deploy"), host.Log);

        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        Assert.Equal("", (await daemon.Administrator.Types(PulledHost.Puller, "--config", settings)).Done());

        Assert.False(await host.LetsIn(daemon.Myself, "deploy"));
        Assert.Contains("revoked", host.Log);
    }

    [PeopleFact]
    public async Task Later_list_is_accepted_and_that_of_a_copy_only_on_demand()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.PullUnsigned(source, directory, "--new-ca")).Done();
        var words = pulled.Daemon.RevocationList().Comment.Split(' ');
        // The daemon was started again; of all runs before some, only the version is known.
        foreach (var (later, past) in ((ulong, string)[])[(10, $"{words[2]}:{pulled.Daemon.RevocationList().Version + 5}"), (1000, $"*:{pulled.Daemon.RevocationList().Version + 10}")])
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later, comment: $"certauthority {words[1]} {later:x8} aaaaaaaa:1 {past}"));
            Assert.Equal("", (await pulled.PullUnsigned(source, directory)).Done());
            Assert.Equal(File.ReadAllBytes($"{source}/revoked.krl"), File.ReadAllBytes($"{directory}/revoked.krl"));
        }

        // A copy of the database as it was before that.
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(2000, comment: $"certauthority {words[1]} bbbbbbbb {words[2]}:{pulled.Daemon.RevocationList().Version + 5}"));
        IsRefusal(await pulled.PullUnsigned(source, directory), "is of another daemon than the list in ");
        IsRefusal(await pulled.PullUnsigned(source, directory, "--force"), "is of another daemon than the list in ");
        Assert.Equal("", (await pulled.PullUnsigned(source, directory, "--take-over")).Done());
        Assert.Equal(File.ReadAllBytes($"{source}/revoked.krl"), File.ReadAllBytes($"{directory}/revoked.krl"));
    }

    [PeopleFact]
    public async Task New_CA_key_is_accepted_only_when_allowed()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        IsRefusal(await pulled.Pull(source, directory), $"{source}/user_ca.pub has a key that is not in {directory}; nothing was changed; if it is to be trusted on this host, compare SHA256:");
        IsRefusal(await pulled.PullUnsigned(source, directory), $"{source}/user_ca.pub has a key that is not in {directory}; ");
        Assert.Empty(Directory.GetFileSystemEntries(directory));
        (await pulled.Pull(source, directory, "--new-ca")).Done();

        // A comment is not the key.
        File.WriteAllText(Path.Combine(directory, "user_ca.pub"), $"{string.Join(' ', (await File.ReadAllTextAsync($"{source}/user_ca.pub")).Split(' ')[..2])} carried by hand\n");
        Assert.Equal("", (await pulled.Pull(source, directory)).Done());
        Assert.EndsWith(" carried by hand\n", await File.ReadAllTextAsync(Path.Combine(directory, "user_ca.pub")));

        File.Copy(Path.Combine(source, "host_ca.pub"), Path.Combine(source, "user_ca.pub"), overwrite: true);
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        await pulled.Sign(source);
        IsRefusal(await pulled.Pull(source, directory), $"{source}/user_ca.pub has a key that is not in {directory}; ");
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        Assert.Equal(await File.ReadAllTextAsync($"{source}/user_ca.pub"), await File.ReadAllTextAsync($"{directory}/user_ca.pub"));
    }

    /// <summary>A rotation is under way for weeks, and a revocation reaches the host all the same.</summary>
    [PeopleFact]
    public async Task List_is_taken_while_a_new_key_waits()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        var first = await File.ReadAllTextAsync($"{source}/user_ca.pub");
        var (second, third) = (await Key(), await Key());
        (await pulled.Pull(source, directory, "--new-ca")).Done();

        // The next key comes; then the first one goes, while the next but one comes; then there is none that is known.
        await Waits($"{first}{second}", first, later: 1);
        await File.WriteAllTextAsync($"{directory}/user_ca.pub", $"{first}{second}");
        await Waits($"{second}{third}", second, later: 2);
        await Waits(third, second, later: 3);
        // Of a host key the same.
        await File.WriteAllTextAsync($"{source}/user_ca.pub", second);
        var host = await File.ReadAllTextAsync($"{source}/host_ca.pub");
        await File.AppendAllTextAsync($"{source}/host_ca.pub", third);
        await Signed(4);
        Refuses(await pulled.Pull(source, directory), "host_ca.pub");
        Assert.Equal(host, await File.ReadAllTextAsync($"{directory}/host_ca.pub"));
        // Nobody vouches for the list of another daemon, or without a manifest.
        await Signed(5);
        var before = PulledHost.Held(directory);
        Assert.Contains("; nothing was changed; ", (await pulled.Pull(source, directory, "--take-over")).Error, StringComparison.Ordinal);
        Assert.Contains("; nothing was changed; ", (await pulled.PullUnsigned(source, directory)).Error, StringComparison.Ordinal);
        Assert.Equal(before, PulledHost.Held(directory));
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        Assert.Equal("", (await pulled.Pull(source, directory)).Done());

        async Task Waits(string atSource, string kept, ulong later)
        {
            await File.WriteAllTextAsync($"{source}/user_ca.pub", atSource);
            await Signed(later);
            for (var again = 0; again < 2; again++)
            {
                Refuses(await pulled.Pull(source, directory), "user_ca.pub");
                Assert.Equal(kept, await File.ReadAllTextAsync($"{directory}/user_ca.pub"));
            }
        }

        async Task Signed(ulong later)
        {
            await File.WriteAllBytesAsync($"{source}/revoked.krl", pulled.List(later));
            await pulled.Sign(source);
        }

        void Refuses(Outcome refused, string name)
        {
            Assert.Equal(1, refused.ExitCode);
            Assert.Matches($"^certauthority-pull: error: {source}/{name} has a key that is not in {directory}; it was not taken, and everything else was; if it is to be trusted on this host, compare SHA256:.{{43}} with tctl status, then run: certauthority-pull --new-ca\n$", refused.Error);
            Assert.Equal(File.ReadAllBytes($"{source}/revoked.krl"), File.ReadAllBytes($"{directory}/revoked.krl"));
            Assert.Equal(File.ReadAllText($"{source}/manifest"), File.ReadAllText($"{directory}/manifest"));
        }

        async Task<string> Key()
        {
            var file = pulled.Scratch[$"{Guid.NewGuid()}"];
            (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "next", "-f", file)).Done();
            return await File.ReadAllTextAsync($"{file}.pub");
        }
    }

    [PeopleFact]
    public async Task Host_certificate_is_fetched_if_the_settings_name_the_node()
    {
        var (source, directory) = (pulled.Copy(), Directory.CreateDirectory(pulled.Scratch[$"{Guid.NewGuid()}"]).FullName);
        var (key, certificate) = (pulled.Scratch[$"{Guid.NewGuid()}"], Path.Combine(source, "web1-cert.pub"));
        (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
        await Sign("host_ca", "-h", "-n", "web1,web1.example.com");
        Assert.EndsWith($"certauthority-pull: {directory}/host-cert.pub is new; sshd offers it once it is reloaded\n", (await Pull("--new-ca")).Done(), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(certificate), File.ReadAllText($"{directory}/host-cert.pub"));
        Assert.Equal("", (await Pull()).Done());

        // The next one takes its place; what is none, or another's, does not.
        var before = File.ReadAllText(certificate);
        await Sign("host_ca", "-h", "-n", "web1", "-z", "2");
        Assert.Contains("is new", (await Pull()).Done(), StringComparison.Ordinal);
        Assert.NotEqual(before, File.ReadAllText($"{directory}/host-cert.pub"));
        var good = File.ReadAllText($"{directory}/host-cert.pub");
        foreach (var (spoil, told) in ((Func<Task>, string)[])
                 [
                     (() => Sign("host_ca", "-n", "web1"), "is not a host certificate of this CA"),
                     (() => Sign("user_ca", "-h", "-n", "web1"), "is not a host certificate of this CA"),
                     (() => Sign("host_ca", "-h", "-n", "web1.example.com"), "is not for web1"),
                     (() => File.WriteAllTextAsync(certificate, "<html>\n"), "is not a host certificate of this CA"),
                     (() => File.WriteAllTextAsync(certificate, good + good), "is not a host certificate of this CA"),
                     (() => File.WriteAllTextAsync(certificate, ""), "is empty"),
                 ])
        {
            await spoil();
            IsRefusal(await Pull(), told);
            Assert.Equal(good, File.ReadAllText($"{directory}/host-cert.pub"));
        }

        async Task Sign(string ca, params string[] options)
        {
            (await pulled.Daemon.Administrator.Types(["ssh-keygen", "-q", "-s", pulled.Daemon.File(ca), "-I", "web1", "-V", "+1h", .. options, $"{key}.pub"])).Done();
            File.Move($"{key}-cert.pub", certificate, overwrite: true);
        }

        Task<Outcome> Pull(params string[] arguments) => pulled.Daemon.Administrator.Types(
            [PulledHost.Puller, "--config", pulled.Scratch.Write($"{Guid.NewGuid()}.conf", $"SOURCE={source}\nDIR={directory}\nNODE=web1\n"), .. arguments]);
    }

    [PeopleFact]
    public async Task Older_list_is_accepted_only_with_force()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.PullUnsigned(source, directory, "--new-ca")).Done();
        File.Copy(pulled.OldList, Path.Combine(source, "revoked.krl"), overwrite: true);

        Assert.Equal(1, (await pulled.PullUnsigned(source, directory)).ExitCode);
        (await pulled.PullUnsigned(source, directory, "--force")).Done();

        Assert.Equal(await File.ReadAllBytesAsync(pulled.OldList), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));
    }

    [PeopleTheory]
    [InlineData("missing", null)]
    [InlineData("empty", "")]
    [InlineData("garbage", "SSHKRL\n\0garbage")]
    public async Task Missing_empty_or_garbage_list_is_replaced(string what, string? content)
    {
        var directory = Empty();
        (await pulled.Pull(pulled.Published, directory, "--new-ca")).Done();
        File.Delete($"{directory}/revoked.krl");
        if (content is not null)
            File.WriteAllText($"{directory}/revoked.krl", content);

        (await pulled.Pull(pulled.Published, directory)).Done();

        Assert.True(File.ReadAllBytes($"{pulled.Published}/revoked.krl").AsSpan().SequenceEqual(File.ReadAllBytes($"{directory}/revoked.krl")), what);
    }

    [PeopleFact]
    public async Task Unsigned_list_gets_young_only_while_it_is_renewed()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.PullUnsigned(source, directory, "--new-ca")).Done();
        var (list, yesterday) = (Path.Combine(directory, "revoked.krl"), TimeProvider.System.GetUtcNow().AddDays(-1).UtcDateTime);
        File.SetLastWriteTimeUtc(list, yesterday);
        (await pulled.PullUnsigned(source, directory)).Done();
        Assert.True(File.GetLastWriteTimeUtc(list) > yesterday.AddHours(23));

        // A newer one is better than an older one, however old; but it does not stay young.
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1, age: TimeSpan.FromMinutes(31)));
        (await pulled.PullUnsigned(source, directory)).Done();
        Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync(list));
        File.SetLastWriteTimeUtc(list, yesterday);
        IsRefusal(await pulled.PullUnsigned(source, directory), $"{source}/revoked.krl has not been renewed for half an hour; ");
        Assert.Equal(yesterday, File.GetLastWriteTimeUtc(list));

        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 2, age: TimeSpan.FromMinutes(29)));
        (await pulled.PullUnsigned(source, directory)).Done();
        (await (pulled.Daemon.Administrator with { Environment = [("TZ", "America/New_York")] }).Types(PulledHost.Puller, "--config", pulled.Settings(source, directory, "UNSIGNED=yes\n"))).Done();
    }

    [PeopleFact]
    public async Task Read_only_directory_is_reported_and_left_unchanged()
    {
        var directory = Empty();
        (await pulled.Pull(pulled.Published, directory, "--new-ca")).Done();
        (await TestDebian.Run("mount", "--bind", directory, directory)).Done();
        try
        {
            (await TestDebian.Run("mount", "-o", "remount,bind,ro", directory)).Done();
            var host = await TestHost.Create(pulled.Daemon, "read-only", trusts: directory);
            var before = PulledHost.Held(directory);

            IsRefusal(await pulled.Pull(pulled.Published, directory), $"nothing can be written to {directory}: ");

            Assert.Equal(before, PulledHost.Held(directory));
            await pulled.JudgesAsItShould(host);
        }
        finally
        {
            await TestDebian.Run("umount", "-l", directory);
        }
    }

    [PeopleTheory]
    [InlineData(0b111_111_101)]
    [InlineData(0b111_101_111)]
    public async Task Directory_writable_by_other_users_gets_nothing(int mode)
    {
        var directory = Empty();
        File.SetUnixFileMode(directory, (UnixFileMode)mode);

        IsRefusal(await pulled.Pull(pulled.Published, directory, "--new-ca"), $"others can write to {directory}, and sshd would believe them; run: chmod go-w {directory}");

        Assert.Empty(Directory.GetFileSystemEntries(directory));
    }

    [PeopleFact]
    public async Task Full_disk_changes_nothing_and_the_next_pull_recovers()
    {
        var directory = Empty();
        (await TestDebian.Run("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", directory)).Done();
        try
        {
            (await pulled.Pull(pulled.Published, directory, "--new-ca")).Done();
            var host = await TestHost.Create(pulled.Daemon, "full", trusts: directory);
            var source = pulled.Copy();
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            // From no room at all to almost enough: wherever it breaks off, nothing is changed.
            for (var room = 0; room <= 8192; room += 4096)
            {
                (await TestDebian.Run("sh", "-c", $"cat /dev/zero >{directory}/filler 2>/dev/null; truncate --size=-{room} {directory}/filler")).Done();
                var before = PulledHost.Held(directory);

                IsRefusal(await pulled.Pull(source, directory), directory);

                Assert.Equal(before, PulledHost.Held(directory));
                await pulled.JudgesAsItShould(host);
            }

            File.Delete($"{directory}/filler");
            (await pulled.Pull(source, directory)).Done();
            Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));
        }
        finally
        {
            await TestDebian.Run("umount", "-l", directory);
        }
    }

    [PeopleFact]
    public async Task Concurrent_pulls_all_find_whole_files()
    {
        var directory = Empty();
        var pulls = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pulled.Pull(pulled.Published, directory, "--new-ca")));

        Assert.All(pulls, pull => pull.Done());
        // They came one after the other: the first has put the keys there, and no other one.
        Assert.Single(pulls, pull => pull.Output.Length > 0);
        Assert.Equal(["audit.checkpoint", "audit.peaks", "audit_key.pub", "host_ca.pub", "manifest", "revoked.krl", "user_ca.pub"], Directory.GetFileSystemEntries(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    // Each program that it runs, in turn, is one that kills it, the first or a later time.
    [PeopleTheory]
    [InlineData("flock", 1)]
    [InlineData("mktemp", 1)]
    [InlineData("cp", 1)]
    [InlineData("cp", 3)]
    [InlineData("ssh-keygen", 1)]
    [InlineData("ssh-keygen", 6)]
    [InlineData("chmod", 1)]
    [InlineData("chmod", 3)]
    [InlineData("sync", 1)]
    [InlineData("sync", 2)]
    [InlineData("sync", 5)]
    [InlineData("sync", 6)]
    [InlineData("mv", 1)]
    [InlineData("mv", 2)]
    [InlineData("mv", 3)]
    public async Task Pull_killed_at_any_step_leaves_whole_files_for_the_next(string program, int time)
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        // Everything is new, so that every step is taken.
        File.Copy($"{pulled.Published}/user_ca.pub", $"{source}/host_ca.pub", overwrite: true);
        File.Copy($"{pulled.Published}/host_ca.pub", $"{source}/user_ca.pub", overwrite: true);
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        await pulled.Sign(source);
        var (old, @new) = (Contents(pulled.Published), Contents(source));
        var shims = Empty();
        var real = (await TestDebian.Run("sh", "-c", $"command -v {program}")).Done().Trim();
        File.WriteAllText($"{shims}/{program}", $"#!/bin/sh\necho >>{shims}/count\n[ $(wc -l <{shims}/count) -lt {time} ] || kill -9 0\nexec {real} \"$@\"\n");
        File.SetUnixFileMode($"{shims}/{program}", (UnixFileMode)0b111_101_101);

        var killed = await (pulled.Daemon.Administrator with { Environment = [("PATH", $"{shims}:{Environment.GetEnvironmentVariable("PATH")}")] })
            .Types("setsid", "--wait", PulledHost.Puller, "--config", pulled.Settings(source, directory), "--new-ca");

        Assert.NotEqual(0, killed.ExitCode);
        Assert.Equal(time, File.ReadAllLines($"{shims}/count").Length);
        foreach (var name in (string[])["host_ca.pub", "manifest", "revoked.krl", "user_ca.pub"])
            Assert.Contains(Convert.ToHexString(File.ReadAllBytes($"{directory}/{name}")), (string[])[old[name], @new[name]]);
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        Assert.Equal(@new, Contents(directory));

        // Without what the witness keeps, which is none of the source's files.
        static SortedDictionary<string, string> Contents(string folder) =>
            new(Directory.GetFiles(folder).Where(path => !Path.GetFileName(path).StartsWith("audit.", StringComparison.Ordinal)).ToDictionary(path => Path.GetFileName(path), path => Convert.ToHexString(File.ReadAllBytes(path))), StringComparer.Ordinal);
    }

    [PeopleFact]
    public async Task HTTPS_needs_a_proven_server_name_and_HTTP_is_local_only()
    {
        await using var plain = new WebServer(pulled.Published);
        await using var secure = new WebServer(pulled.Published, secure: true);
        var directory = Empty();
        (await pulled.Pull($"http://127.0.0.1:{plain.Port}/x", directory, "--new-ca")).Done();
        Assert.Equal(await File.ReadAllBytesAsync($"{pulled.Published}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));

        var certificate = pulled.Scratch.Write($"{Guid.NewGuid()}.pem", secure.Certificate!.ExportCertificatePem());
        (await pulled.Pull($"https://localhost:{secure.Port}", directory, [("CURL_CA_BUNDLE", certificate)])).Done();
        IsRefusal(await pulled.Pull($"https://localhost:{secure.Port}", directory), "manifest could not be fetched: curl: (60) SSL certificate problem: ");
        // Nobody listens there.
        IsRefusal(await pulled.Pull("http://127.0.0.1:1", directory), "http://127.0.0.1:1/manifest could not be fetched: curl: (7) ");
    }

    [PeopleTheory]
    [InlineData("a page that says that there is none", "HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\n\r\n<html></html>\n", "manifest could not be fetched: curl: (22) The requested URL returned error: 404")]
    [InlineData("a page that says it without a code", "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html></html>\n", "manifest is not a manifest")]
    [InlineData("somewhere else to look", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "manifest is empty")]
    [InlineData("less than promised", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\nSSHKRL\n", "manifest could not be fetched: curl: (18) ")]
    [InlineData("nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "manifest is empty")]
    [InlineData("more and more", "HTTP/1.1 200 OK\r\n\r\n", "manifest could not be fetched: File size limit exceeded; ")]
    [InlineData("no HTTP", "\u001b[31mred\u0007\n\n", "manifest could not be fetched: curl: (1) ")]
    public async Task Bad_web_server_reply_is_rejected_and_changes_nothing(string what, string answer, string told)
    {
        await using var server = new WebServer(pulled.Published) { Instead = answer, Endless = what == "more and more" };
        var before = PulledHost.Held(pulled.Trusted);

        IsRefusal(await pulled.Pull($"http://localhost:{server.Port}", pulled.Trusted), $"http://localhost:{server.Port}/{told}");

        Assert.Equal(before, PulledHost.Held(pulled.Trusted));
        await pulled.JudgesAsItShould();
    }

    [PeopleFact]
    public async Task Pull_works_from_an_rsync_daemon()
    {
        var port = TestPort.Next();
        var configuration = pulled.Scratch.Write("rsyncd.conf", $"port = {port}\naddress = 127.0.0.1\nuse chroot = no\n[certauthority]\npath = {pulled.Published}\n");
        using var rsync = Process.Start("rsync", ["--daemon", "--no-detach", $"--config={configuration}"]);
        var directory = Empty();
        var first = new Outcome(1, "", "");
        await Eventually.Holds(async () => (first = await pulled.Pull($"rsync://127.0.0.1:{port}/certauthority", directory, "--new-ca")).ExitCode == 0, "it listens");
        Assert.Equal(await File.ReadAllBytesAsync($"{pulled.Published}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));

        IsRefusal(await pulled.Pull($"rsync://127.0.0.1:{port}/elsewhere", directory), $"rsync://127.0.0.1:{port}/elsewhere/manifest could not be fetched: ");
        rsync.Kill(entireProcessTree: true);
        await rsync.WaitForExitAsync();
        IsRefusal(await pulled.Pull($"rsync://127.0.0.1:{port}/certauthority", directory), "could not be fetched: ");
    }

    [PeopleFact]
    public async Task Pull_works_with_rsync_over_ssh()
    {
        var me = pulled.Daemon.Myself;
        var (shims, directory) = (Empty(), Empty());
        // Root's own ~/.ssh is not for tests to change.
        File.WriteAllText($"{shims}/config", $"""
            IdentityFile {me.Home}/id
            CertificateFile {me.Home}/id-cert.pub
            IdentitiesOnly yes
            StrictHostKeyChecking no
            UserKnownHostsFile /dev/null
            LogLevel ERROR
            ProxyCommand {pulled.Host.ProxyCommand}

            """);
        File.WriteAllText($"{shims}/ssh", $"#!/bin/sh\nexec /usr/bin/ssh -F {shims}/config \"$@\"\n");
        File.SetUnixFileMode($"{shims}/ssh", (UnixFileMode)0b111_101_101);
        (string, string)[] environment = [("PATH", $"{shims}:{Environment.GetEnvironmentVariable("PATH")}")];

        (await pulled.Pull($"deploy@pulled:{pulled.Published}", directory, environment, "--new-ca")).Done();

        Assert.Equal(await File.ReadAllBytesAsync($"{pulled.Published}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));
        IsRefusal(await pulled.Pull($"root@pulled:{pulled.Published}", directory, environment), $"root@pulled:{pulled.Published}/manifest could not be fetched: root@pulled: Permission denied (publickey).; ");
    }

    [PeopleTheory]
    [InlineData("SOURCE=/x\nNODE=Db1", "NODE takes the name of a node, not \"Db1\"")]
    [InlineData("SOURCE=/x\nNODE=../db1", "NODE takes the name of a node, not \"../db1\"")]
    [InlineData("SOURCE=/x\nNODE=-rf", "NODE takes the name of a node, not \"-rf\"")]
    [InlineData("SOURCE=http://ca.example.com/x", "SOURCE takes https:// for another host than this, not http://ca.example.com/x")]
    [InlineData("SOURCE=http://127.0.0.1.example.com", "SOURCE takes https:// for another host than this, ")]
    [InlineData("SOURCE=http://localhost:80@example.com/x", "SOURCE takes https://, not http://localhost:80@example.com/x")]
    [InlineData("SOURCE=http://localhost#@example.com", "SOURCE takes https://, not ")]
    [InlineData("SOURCE=ftp://ca.example.com", "SOURCE takes https://, rsync://, HOST:PATH for rsync over ssh, or a directory, not ftp://ca.example.com")]
    [InlineData("SOURCE=file:///etc", "SOURCE takes https://, rsync://, ")]
    [InlineData("SOURCE=relative", "SOURCE takes https://, rsync://, ")]
    [InlineData("SOURCE=--rsh=sh:x", "SOURCE is not a place: --rsh=sh:x")]
    [InlineData("SOURCE=", "SOURCE takes https://, rsync://, ")]
    [InlineData("", "SOURCE takes https://, rsync://, ")]
    [InlineData("SOURCE=/srv\nDIR=etc", "DIR takes an absolute path, not \"etc\"")]
    [InlineData("SOURCE=/srv\nSORCE=/srv", ":2: not a setting: SORCE=/srv; there are SOURCE, DIR, NODE, REPORT, HOST_KEY, and ALLOW_NEW_CA and UNSIGNED, each yes or no")]
    [InlineData("SOURCE=/srv\n\nALLOW_NEW_CA=true", ":3: not a setting: ALLOW_NEW_CA=true; ")]
    [InlineData("SOURCE=/srv\n$(touch DIR/x)", ":2: not a setting: $(touch ")]
    [InlineData("SOURCE=/srv\nDIR=/nowhere/at/all", "there is no directory /nowhere/at/all; make it: install -d -m 755 /nowhere/at/all")]
    public async Task Invalid_settings_are_rejected(string settings, string told)
    {
        var file = pulled.Scratch.Write($"{Guid.NewGuid()}.conf", settings.Replace("DIR/x", Empty() + "/x"));

        IsRefusal(await pulled.Daemon.Administrator.Types(PulledHost.Puller, "--config", file), told);
    }

    [PeopleFact]
    public async Task Wrong_argument_exits_with_2_and_missing_settings_are_named()
    {
        var typed = await pulled.Daemon.Administrator.Types(PulledHost.Puller, "--frobnicate");
        Assert.Equal((2, "", "certauthority-pull: error: there is no argument \"--frobnicate\"; usage: certauthority-pull [--config FILE] [--source SOURCE] [--new-ca] [--force] [--take-over] [--new-log] [--check]\n"), (typed.ExitCode, typed.Output, typed.Error));
        IsRefusal(await pulled.Daemon.Administrator.Types(PulledHost.Puller, "--config", "/nowhere"), "/nowhere cannot be read; it says where to fetch from: SOURCE=...");
        // What goes onto hosts says where from only when somebody has filled it in.
        IsRefusal(await pulled.Daemon.Administrator.Types(PulledHost.Puller, "--config", $"{PulledHost.Puller}.conf"), "SOURCE takes https://, ");
    }

    public sealed record Case(string Name, Func<PulledHost, string, Task> Spoil, string Told)
    {
        public override string ToString() => Name;
    }

    public static TheoryData<Case> RefusedManifests =>
    [
        new("a changed manifest", Edit(text => text.Replace("made 2", "made 3", StringComparison.Ordinal)), "SOURCE/manifest was not signed by SHA256:"),
        new("a forged signature", Edit(text => text.Replace("\nU1NIU0lH", "\nU1NIU0lI", StringComparison.Ordinal)), "SOURCE/manifest was not signed by SHA256:"),
        new("a manifest of another key", async (pulled, source) =>
        {
            var key = pulled.Scratch[$"{Guid.NewGuid()}"];
            (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source, key: key);
            // Nor does the source say which key to go by.
            File.Copy($"{key}.pub", $"{source}/audit_key.pub", overwrite: true);
        }, "SOURCE/manifest was not signed by SHA256:"),
        new("a signature for something else", Later(change: null, purpose: "certauthority-audit-checkpoint"), "SOURCE/manifest was not signed by SHA256:"),
        new("an old manifest with its list", async (pulled, source) =>
        {
            File.Copy(pulled.OldList, $"{source}/revoked.krl", overwrite: true);
            await pulled.Sign(source);
        }, "; nothing was changed; who can put old files there"),
        new("a manifest of half an hour ago", async (pulled, source) =>
        {
            // Held back: the host has seen this very one.
            await pulled.Sign(source, made: TimeProvider.System.GetUtcNow().AddMinutes(-31));
        }, "SOURCE/manifest was made 31 minutes ago by the clock of this host, and was fresh until "),
        new("another manifest of the same list", (pulled, source) => pulled.Sign(source, made: TimeProvider.System.GetUtcNow().AddMinutes(1)), ", as the one in TRUSTED does, but it is a different manifest; "),
        new("another list of the same version", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 0));
            await pulled.Sign(source);
        }, ", as the one in TRUSTED does, but it is a different "),
        new("a replaced body", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 2));
        }, "SOURCE/revoked.krl is not the file that SOURCE/manifest names; "),
        new("a replaced body by hash", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            Directory.CreateDirectory($"{source}/by-hash");
            File.WriteAllBytes($"{source}/by-hash/{PulledHost.Hash($"{source}/revoked.krl")}", pulled.List(later: 2));
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 3));
        }, "SOURCE/revoked.krl is not the file that SOURCE/manifest names; "),
        new("a body that is cut short", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1)[..^5]);
        }, "SOURCE/revoked.krl is not the file that SOURCE/manifest names; "),
        new("no body", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            File.Delete($"{source}/revoked.krl");
        }, "SOURCE/revoked.krl could not be fetched: "),
        new("a user CA that is not the one named", async (pulled, source) =>
        {
            File.Copy($"{source}/user_ca.pub", $"{source}/was");
            File.AppendAllText($"{source}/user_ca.pub", File.ReadAllText($"{source}/host_ca.pub"));
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source);
            File.Move($"{source}/was", $"{source}/user_ca.pub", overwrite: true);
        }, "SOURCE/user_ca.pub is not the file that SOURCE/manifest names; "),
        new("no manifest", (_, source) => Delete($"{source}/manifest"), "SOURCE/manifest could not be fetched: "),
        new("an empty manifest", (_, source) => File.WriteAllTextAsync($"{source}/manifest", ""), "SOURCE/manifest is empty; "),
        new("a page of HTML", (_, source) => File.WriteAllTextAsync($"{source}/manifest", "<html>\n"), "SOURCE/manifest is not a manifest; "),
        new("half a manifest", Edit(text => text[..(text.Length / 2)]), "SOURCE/manifest is not whole; "),
        new("a manifest without its end", Edit(text => text[..^1]), "SOURCE/manifest is not whole; "),
        new("a manifest with more behind it", Edit(text => text + "\n"), "SOURCE/manifest is not whole; "),
        new("a manifest that is too large", Edit(text => text + new string('x', 1024)), "SOURCE/manifest could not be fetched: File size limit exceeded; nothing was changed; this host has an audit key, "),
        new("a manifest of a later format", Later(text => text.Replace("manifest v1", "manifest v2", StringComparison.Ordinal)), "SOURCE/manifest has a format that this certauthority-pull does not know; "),
        new("a line that it must know", Later(text => text + "groups 0123abcd\n"), "SOURCE/manifest has a line that this certauthority-pull does not know: groups 0123abcd; "),
        new("a line that is missing", Later(text => string.Join('\n', text.Split('\n').Where(line => !line.StartsWith("fresh", StringComparison.Ordinal)))), "SOURCE/manifest is malformed; "),
        new("a day that there is not", Later(text => text.Replace("\nmade 20", "\nmade 2026-13-01T00:00:00Z\nmade 20", StringComparison.Ordinal)), "SOURCE/manifest is malformed; "),
        new("a version that is not the list's", Later(text => text.Replace("version 1", "version 2", StringComparison.Ordinal)), "SOURCE/manifest names list 2"),
        new("another installation", Later(text => string.Join('\n', text.Split('\n').Select((line, n) => n == 1 ? "installation 0123456789abcdef" : line))), "SOURCE/manifest is of another daemon than what is in TRUSTED; "),
        new("a signed list that sshd cannot read", async (pulled, source) =>
        {
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
            await pulled.Sign(source, text => text.Replace(PulledHost.Hash($"{source}/revoked.krl"), PulledHost.Hash($"{source}/user_ca.pub"), StringComparison.Ordinal));
            File.Copy($"{source}/user_ca.pub", $"{source}/revoked.krl", overwrite: true);
        }, "SOURCE/revoked.krl is not a revocation list that sshd can read; "),
    ];

    [PeopleTheory]
    [MemberData(nameof(RefusedManifests))]
    public async Task Bad_manifest_is_refused_in_one_line_and_changes_nothing(Case row)
    {
        var (source, directory) = (pulled.Copy(), pulled.Trusted);
        if (row.Name == "a manifest of half an hour ago")
            (await pulled.Pull(source, directory = Empty(), "--new-ca")).Done();
        await row.Spoil(pulled, source);
        if (row.Name == "a manifest of half an hour ago")
            File.Copy($"{source}/manifest", $"{directory}/manifest", overwrite: true);
        var before = PulledHost.Held(directory);

        IsRefusal(await pulled.Pull(source, directory), row.Told.Replace("SOURCE", source).Replace("TRUSTED", directory));

        Assert.Equal(before, PulledHost.Held(directory));
        if (directory == pulled.Trusted)
            await pulled.JudgesAsItShould();
    }

    [PeopleFact]
    public async Task Poll_without_news_is_less_than_a_kilobyte()
    {
        await using var web = new WebServer(pulled.Published);
        var directory = Empty();
        var url = $"http://127.0.0.1:{web.Port}/x";
        (await pulled.Pull(url, directory, "--new-ca")).Done();
        // From under their hashes, which any cache may keep.
        foreach (var name in (string[])["revoked.krl", "user_ca.pub", "host_ca.pub"])
            Assert.Contains(web.Asked, one => one.StartsWith($"x/by-hash/{PulledHost.Hash($"{pulled.Published}/{name}")} ", StringComparison.Ordinal));
        Assert.DoesNotContain(web.Asked, one => one.StartsWith("x/revoked.krl", StringComparison.Ordinal));
        await Eventually.Holds(async () =>
        {
            web.Asked.Clear();
            (await pulled.Pull(url, directory)).Done();
            return web.Asked.Count == 2;
        }, "nothing happens any more");
        Assert.Equal(["x/manifest", "x/audit/checkpoint"], web.Asked.Select(one => one.Split(' ')[0]));
        Assert.InRange(web.Asked.Sum(one => int.Parse(one.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)), 500, 1024);
        // A list that comes in between costs one body.
        (await pulled.Daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        web.Asked.Clear();
        (await pulled.Pull(url, directory)).Done();
        Assert.Single(web.Asked, one => one.StartsWith("x/by-hash/", StringComparison.Ordinal));
        (await pulled.Daemon.Myself.Types("tsh", "login")).Done();
        (await pulled.Pull(pulled.Published, pulled.Trusted)).Done();
    }

    [PeopleFact]
    public async Task List_is_as_old_as_its_manifest_whenever_it_came()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        var list = Path.Combine(directory, "revoked.krl");
        var made = await Signed(later: 1, minutes: -20);
        (await pulled.Pull(source, directory)).Done();
        Assert.Equal(made, File.GetLastWriteTimeUtc(list));
        // Neither a cache nor a clock makes it younger.
        File.SetLastWriteTimeUtc(list, TimeProvider.System.GetUtcNow().UtcDateTime);
        (await pulled.Pull(source, directory)).Done();
        Assert.Equal(made, File.GetLastWriteTimeUtc(list));

        // A late one is better than an older one, and is said to be late.
        made = await Signed(later: 2, minutes: -45);
        IsRefusal(await pulled.Pull(source, directory), $"{source}/manifest was made 45 minutes ago by the clock of this host, and was fresh until ");
        Assert.Equal((File.ReadAllText($"{source}/manifest"), made), (File.ReadAllText($"{directory}/manifest"), File.GetLastWriteTimeUtc(list)));
        Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync(list));
        var held = PulledHost.Held(directory);
        IsRefusal(await pulled.Pull(source, directory), "; nothing was changed; somebody may hold back newer lists: ");
        Assert.Equal(held, PulledHost.Held(directory));
        // A host that has seen nothing takes none.
        var late = Empty();
        IsRefusal(await pulled.Pull(source, late, "--new-ca"), "; nothing was changed; somebody may hold back newer lists: ");
        Assert.Empty(Directory.GetFileSystemEntries(late));

        // The clock of the host is behind.
        await Signed(later: 3, minutes: 10);
        IsRefusal(await pulled.Pull(source, directory), "minutes from now by the clock of this host, ");
        Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync(list));
        Assert.InRange(File.GetLastWriteTimeUtc(list), TimeProvider.System.GetUtcNow().AddMinutes(-2).UtcDateTime, TimeProvider.System.GetUtcNow().UtcDateTime);

        async Task<DateTime> Signed(ulong later, int minutes)
        {
            var at = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().AddMinutes(minutes).ToUnixTimeSeconds());
            File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later));
            await pulled.Sign(source, made: at);
            return at.UtcDateTime;
        }
    }

    [PeopleFact]
    public async Task Older_manifest_is_accepted_only_with_force()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        File.Copy(pulled.OldList, $"{source}/revoked.krl", overwrite: true);
        await pulled.Sign(source, text => $"{text}optional-of-later 1 2 3\n");
        // Whoever takes away the list does not make the host forget.
        File.Delete($"{directory}/revoked.krl");
        IsRefusal(await pulled.Pull(source, directory), "; nothing was changed; who can put old files there");
        (await pulled.Pull(source, directory, "--force")).Done();
        Assert.Equal(await File.ReadAllBytesAsync(pulled.OldList), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));
        Assert.Equal("", (await pulled.Pull(source, directory)).Done());
    }

    // As with a script that was upgraded, on a host of before.
    [PeopleFact]
    public async Task Host_without_audit_key_gets_lists_and_says_so()
    {
        var (source, directory) = (pulled.Copy(), Empty());
        (await pulled.PullUnsigned(source, directory, "--new-ca")).Done();
        Assert.Equal(["host_ca.pub", "revoked.krl", "user_ca.pub"], Directory.GetFiles(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        IsRefusal(await pulled.Pull(source, directory), $"nobody verified the list and the keys that were taken, because {directory}/audit_key.pub is missing; ");
        Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));

        // The key comes on demand, and from then on there is no way back.
        await pulled.Sign(source);
        Assert.Matches($"^certauthority-pull: {directory}/audit_key.pub is now SHA256:.{{43}}\n$", (await pulled.Pull(source, directory, "--new-ca")).Done());
        File.Delete($"{source}/manifest");
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 2));
        foreach (var arguments in (string[][])[[], ["--new-ca"], ["--force"], ["--take-over"]])
            IsRefusal(await pulled.Pull(source, directory, arguments), $"{source}/manifest could not be fetched: ");
        // Only root on the host can say so, and a source without a key gives none.
        Assert.Equal("", (await pulled.PullUnsigned(source, directory)).Done());
        File.Delete($"{source}/audit_key.pub");
        IsRefusal(await pulled.Pull(source, Empty(), "--new-ca"), "audit_key.pub could not be fetched: ");
    }

    [PeopleFact]
    public async Task Another_audit_key_is_accepted_only_on_demand()
    {
        var (source, directory, key) = (pulled.Copy(), Empty(), pulled.Scratch[$"{Guid.NewGuid()}"]);
        (await pulled.Pull(source, directory, "--new-ca")).Done();
        (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
        File.Copy($"{key}.pub", $"{source}/audit_key.pub", overwrite: true);
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        await pulled.Sign(source, key: key);
        foreach (var arguments in (string[][])[[], ["--new-ca"], ["--force", "--take-over"]])
            IsRefusal(await pulled.Pull(source, directory, arguments), "/manifest was not signed by SHA256:");
        Directory.Delete($"{source}/audit", recursive: true);
        Assert.StartsWith($"certauthority-pull: {directory}/audit_key.pub is now SHA256:", (await pulled.Pull(source, directory, "--new-log")).Output, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllBytesAsync($"{source}/revoked.krl"), await File.ReadAllBytesAsync($"{directory}/revoked.krl"));
    }

    [PeopleFact]
    public async Task Ssh_keygen_that_cannot_verify_is_named()
    {
        var (directory, shims) = (Empty(), Empty());
        (await pulled.Pull(pulled.Published, directory, "--new-ca")).Done();
        File.WriteAllText($"{shims}/ssh-keygen", "#!/bin/sh\ncase $1 in -Y) echo 'unknown option -- Y' >&2; exit 1 ;; esac\nexec /usr/bin/ssh-keygen \"$@\"\n");
        File.SetUnixFileMode($"{shims}/ssh-keygen", (UnixFileMode)0b111_101_101);
        IsRefusal(await pulled.Pull(pulled.Published, directory, [("PATH", $"{shims}:{Environment.GetEnvironmentVariable("PATH")}")]), "ssh-keygen on this host cannot verify signatures, as none before OpenSSH 8.1 can; ");
    }

    private static Func<PulledHost, string, Task> Edit(Func<string, string> change) =>
        async (_, source) => await File.WriteAllTextAsync($"{source}/manifest", change(await File.ReadAllTextAsync($"{source}/manifest")));

    private static Func<PulledHost, string, Task> Later(Func<string, string>? change, string purpose = "certauthority-manifest") => async (pulled, source) =>
    {
        File.WriteAllBytes($"{source}/revoked.krl", pulled.List(later: 1));
        await pulled.Sign(source, change, purpose: purpose);
    };

    private static Task Delete(string path)
    {
        File.Delete(path);
        return Task.CompletedTask;
    }

    private static void IsRefusal(Outcome outcome, string told)
    {
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Matches("^certauthority-pull: error: [\x20-\x7e]+\n$", outcome.Error);
        Assert.Contains(told, outcome.Error);
    }

    private string Empty() => Directory.CreateDirectory(pulled.Scratch[$"{Guid.NewGuid()}"]).FullName;

    /// <summary>Serves the files of a folder under any path, or says something else.</summary>
    private sealed class WebServer : IAsyncDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly Task serving;
        private readonly string folder;

        public WebServer(string folder, bool secure = false)
        {
            this.folder = folder;
            if (secure)
            {
                using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
                var names = new SubjectAlternativeNameBuilder();
                names.AddDnsName("localhost");
                request.CertificateExtensions.Add(names.Build());
                Certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
            }
            listener.Start();
            serving = Serve();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public X509Certificate2? Certificate { get; }

        public string? Instead { get; init; }

        public bool Endless { get; init; }

        /// <summary>What was asked for, and how many bytes it has.</summary>
        public List<string> Asked { get; } = [];

        public async ValueTask DisposeAsync()
        {
            listener.Stop();
            await serving;
            Certificate?.Dispose();
        }

        private async Task Serve()
        {
            while (true)
                try
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    await Answer(client.GetStream());
                }
                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // The client has gone away.
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
        }

        private async Task Answer(Stream stream)
        {
            if (Certificate is not null)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsServerAsync(Certificate);
                stream = tls;
            }
            using var reader = new StreamReader(stream, leaveOpen: true);
            var asked = (await reader.ReadLineAsync())!.Split(' ')[1];
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
                // The head of the request.
            }
            var words = asked.Split('/');
            var file = Enumerable.Range(0, words.Length).Select(first => Path.Combine(folder, string.Join('/', words[first..]))).FirstOrDefault(File.Exists);
            byte[] content = Instead is null && file is not null ? await File.ReadAllBytesAsync(file) : [];
            Asked.Add($"{string.Join('/', words[1..])} {content.Length}");
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Instead ?? $"HTTP/1.1 {(file is null ? "404 Not Found" : "200 OK")}\r\nContent-Length: {content.Length}\r\nConnection: close\r\n\r\n"));
            await stream.WriteAsync(content);
            while (Endless)
                await stream.WriteAsync(new byte[1 << 20]);
            await stream.DisposeAsync();
        }
    }
}
