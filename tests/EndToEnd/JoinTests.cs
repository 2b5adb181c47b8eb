using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts that come under the authority by themselves, with sshd as the judge.</summary>
public sealed class JoinTests(JoinTests.Site site) : IClassFixture<JoinTests.Site>
{
    /// <summary>One daemon, where hosts fetch and leave what they say.</summary>
    public sealed class Site : IAsyncLifetime, IDisposable
    {
        private readonly Scratch scratch = new();

        internal EnrolledFleet Fleet { get; private set; } = null!;

        internal string Published => scratch["published"];

        internal string Reports => scratch["reports"];

        internal string this[string name] => scratch[name];

        public async Task InitializeAsync()
        {
            Directory.CreateDirectory(Reports);
            Fleet = await EnrolledFleet.Start($"publish_dir: {Published}\nreports_dir: {Reports}\n");
        }

        public async Task DisposeAsync() => await Fleet.DisposeAsync();

        public void Dispose() => scratch.Dispose();
    }

    private static string Joiner => Path.Combine(World.Repository, "packaging/host/certauthority-join");

    private EnrolledFleet Fleet => site.Fleet;

    [PeopleFact]
    public async Task Host_with_a_token_joins_and_a_certificate_enters()
    {
        await using var web1 = await Host("web1");
        var token = await Token("web1", "--labels=type=db", "--addr=127.0.0.*", "--admit");
        Assert.DoesNotContain(token.Split('.')[1], await File.ReadAllTextAsync(Fleet.Daemon.File("certauthority.db")), StringComparison.Ordinal);

        // Interrupted at several places, and run again.
        foreach (var seconds in (string[])["0.05", "0.3", "1", "4"])
            await web1.Run($"echo {token} | timeout {seconds} {Joiner} --name web1 --addr 127.0.0.1:{web1.Port} -");
        var joined = await Join(web1, token, $"--addr 127.0.0.1:{web1.Port}");
        Assert.True(joined.ExitCode == 0, joined.Error + Fleet.Daemon.Log);

        // What it has is what every host has that enrolls, and a certificate opens it.
        var files = JsonDocument.Parse((await Fleet.Tctl("nodes", "export", "web1", "--format=json")).Done()).RootElement.EnumerateArray()
            .ToDictionary(file => file.GetProperty("path").GetString()!, file => file.GetProperty("content").GetBytesFromBase64());
        foreach (var (path, content) in files.Where(file => !file.Key.EndsWith("revoked.krl", StringComparison.Ordinal)))
            Assert.Equal(content, await File.ReadAllBytesAsync(web1[path["/etc/ssh/".Length..]]));
        await Enters(web1);

        // The same again changes nothing; and the token is used up.
        Assert.Equal(0, (await Join(web1, token, "")).ExitCode);
        await using var web2 = await Host("web2");
        Assert.Equal(1, (await Join(web2, token, "--wait 8", "web1")).ExitCode);
        Assert.Contains("join_web1 to join does not count: there is a node of this name with another host key, or with none on record", Fleet.Daemon.Log, StringComparison.Ordinal);
        Assert.Equal(1, (await Join(web2, token, "--wait 8")).ExitCode);
        Assert.Contains("join_web2 to join does not count: its token is for web1", Fleet.Daemon.Log, StringComparison.Ordinal);

        var audit = (await Fleet.Tctl("audit", "ls", "--format=json")).Done();
        foreach (var what in (string[])["join_token.created", "join.asked", "join.admitted"])
            Assert.Contains($"\"{what}\"", audit, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Host_waits_until_an_administrator_admits_its_key()
    {
        await using var web3 = await Host("web3");
        var token = await Token("web*", "--uses=2", "--labels=type=db");
        var waited = await Join(web3, token, "--wait 9");
        Assert.Contains("nobody has admitted this host yet", waited.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(web3["sshd_config.d/00-certauthority.conf"]));

        var key = (await web3.Run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).Done().Split(' ')[1];
        Assert.Contains(key, (await Fleet.Tctl("nodes", "joins")).Done(), StringComparison.Ordinal);
        Assert.Equal(1, (await Fleet.Tctl("nodes", "admit", "web3", "--host-key=SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVAs")).ExitCode);
        Assert.Equal(1, (await Fleet.Tctl("nodes", "admit", "web3")).ExitCode);
        Assert.Contains("who can enter web3 as root: me (role dba)", (await Fleet.Tctl("nodes", "admit", "web3", $"--host-key={key}")).Error, StringComparison.Ordinal);

        var joined = await Join(web3, token, "");
        Assert.True(joined.ExitCode == 0, joined.Error + Fleet.Daemon.Log);
        await Enters(web3);

        await using var web4 = await Host("web4");
        await Join(web4, token, "--wait 9");
        (await Fleet.Tctl("nodes", "refuse", "web4", "--reason=not ours")).Done();
        Assert.Contains("error: this host was refused; tctl nodes joins --all says why; to ask again, it needs another token: tctl nodes token web4", (await Join(web4, token, "--wait 9")).Error + (await Join(web4, token, "--wait 9")).Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Host_joins_by_a_key_that_an_administrator_knows()
    {
        await using var db7 = await Host("db7");
        await using var thief = await Host("thief");
        var key = (await db7.Run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).Done().Split(' ')[1];
        var token = await Token("db7", $"--host-key={key}", "--labels=type=db", "--admit");
        Assert.Equal("-", token.Split('.')[1]);

        Assert.Equal(1, (await Join(thief, token, "--wait 8", "db7")).ExitCode);
        Assert.Contains("it does not prove that it has the token", Fleet.Daemon.Log, StringComparison.Ordinal);
        var joined = await Join(db7, token, "");
        Assert.True(joined.ExitCode == 0, joined.Error + Fleet.Daemon.Log);
        await Enters(db7);
    }

    [PeopleFact]
    public async Task Garbage_in_the_folder_grants_nothing_and_holds_back_nobody()
    {
        await using var web9 = await Host("web9");
        var token = await Token("web9", "--labels=type=db", "--admit");
        var ended = await Token("web8", "--admit", "--yes");
        (await Fleet.Tctl("nodes", "end-token", ended.Split('.')[0])).Done();
        for (var n = 0; n < 60; n++)
            await File.WriteAllTextAsync($"{site.Reports}/join_garbage{n}", "certauthority-join v1\nname garbage\n");
        await File.WriteAllBytesAsync($"{site.Reports}/join_huge", new byte[10_000_000]);
        File.CreateSymbolicLink($"{site.Reports}/join_link", "/dev/zero");
        (await Fleet.Daemon.Administrator.Types("mkfifo", $"{site.Reports}/join_pipe")).Done();
        Directory.CreateDirectory($"{site.Reports}/join_folder");
        await Eventually.Holds(() => Fleet.Daemon.Log.Contains("more requests to join do not count; who can write to", StringComparison.Ordinal));
        Assert.Equal(1, (await Join(web9, ended, "--wait 8", "web8")).ExitCode);
        Assert.Contains("join_web8 to join does not count: its token does not exist or has ended", Fleet.Daemon.Log, StringComparison.Ordinal);
        // Another key over what a host asked.
        var request = await File.ReadAllTextAsync($"{site.Reports}/join_web8");
        await File.WriteAllTextAsync($"{site.Reports}/join_web8", request.Replace("name web8", "name web7", StringComparison.Ordinal));
        await Eventually.Holds(() => Fleet.Daemon.Log.Contains("join_web8 to join does not count: it is malformed, or of another name", StringComparison.Ordinal));
        // A proof for other lines is none.
        var forged = token.Replace(token.Split('.')[1], new string('0', 64), StringComparison.Ordinal);
        Assert.Equal(1, (await Join(web9, forged, "--wait 8")).ExitCode);
        Assert.Contains("join_web9 to join does not count: it does not prove that it has the token", Fleet.Daemon.Log, StringComparison.Ordinal);
        // The source of another daemon is refused before anything is asked.
        var other = $"{token[..token.LastIndexOf('.')]}.Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVAs";
        Assert.Contains("it is of another daemon; nothing was changed", (await Join(web9, other, "")).Error, StringComparison.Ordinal);

        Assert.Equal(0, (await Join(web9, token, "")).ExitCode);
        Assert.DoesNotContain("garbage", (await Fleet.Tctl("nodes", "joins", "--all")).Done() + (await Fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Host_whose_sshd_refuses_the_drop_in_gets_its_own_back()
    {
        await using var web5 = await Host("web5");
        var token = await Token("web5", "--labels=type=db", "--admit");
        var (config, dropIn) = (web5["../certauthority-pull.conf"], web5["sshd_config.d/00-certauthority.conf"]);
        var settings = (await File.ReadAllTextAsync(config)).TrimEnd('\n');

        // Two keys, however they are apart.
        var other = Directory.CreateDirectory(site["two-keys"]).FullName;
        var key = (await File.ReadAllTextAsync($"{site.Published}/audit_key.pub")).TrimEnd('\n');
        await File.WriteAllTextAsync(config, settings.Replace(site.Published, other, StringComparison.Ordinal));
        foreach (var between in (string[])["\n", "\r", "\r\n"])
        {
            await File.WriteAllTextAsync($"{other}/audit_key.pub", $"{key}{between}{await File.ReadAllTextAsync(web5["ssh_host_ed25519_key.pub"])}");
            Assert.Contains("two-keys is not one line and not SHA256:", (await Join(web5, token, "")).Error, StringComparison.Ordinal);
        }
        Assert.False(File.Exists(web5["certauthority/audit_key.pub"]));

        // Killed while sshd tests what is in place; then sshd does not take it; then another line comes first.
        const string mine = "# The one that was there before.\n";
        await File.WriteAllTextAsync(config, settings);
        await File.WriteAllTextAsync(dropIn, mine);
        await File.WriteAllTextAsync(site["sshd"], "#!/bin/sh\n[ \"$1\" != -t ] || eval \"$AT_TEST\"\nexec /usr/sbin/sshd \"$@\"\n");
        File.SetUnixFileMode(site["sshd"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Task<Outcome> Tested(string what) => Join(web5, token, "", around: $"AT_TEST='{what}' PATH={Path.GetDirectoryName(site["sshd"])}:$PATH");
        Assert.NotEqual(0, (await Tested("kill -9 $PPID")).ExitCode);
        Assert.Contains("TrustedUserCAKeys", await File.ReadAllTextAsync(dropIn), StringComparison.Ordinal);
        Assert.Contains("error: sshd does not take the drop-in: no such word", (await Tested("echo no such word >&2; exit 255")).Error, StringComparison.Ordinal);
        Assert.Equal(mine, await File.ReadAllTextAsync(dropIn));
        await File.WriteAllTextAsync(web5["sshd_config.d/00-before.conf"], "RevokedKeys none\n");
        Assert.Contains("error: other lines of the configuration of sshd overrule the drop-in: look for revokedkeys\n", (await Join(web5, token, "")).Error, StringComparison.Ordinal);
        Assert.Equal(mine, await File.ReadAllTextAsync(dropIn));
        await File.WriteAllTextAsync(web5["sshd_config.d/00-before.conf"], "RevokedKeys /etc/ssh/of-another\n");
        Assert.Contains("sshd goes by another authority here (revokedkeys /etc/ssh/of-another;)", (await Join(web5, token, "")).Error, StringComparison.Ordinal);
        File.Delete(web5["sshd_config.d/00-before.conf"]);

        var joined = await Join(web5, token, "");
        Assert.True(joined.ExitCode == 0, joined.Error + Fleet.Daemon.Log);
        Assert.Equal($"{settings}\nNODE=web5\n", await File.ReadAllTextAsync(config));
        Assert.Equal(["00-certauthority.conf"], Directory.GetFiles(web5["sshd_config.d"]).Select(Path.GetFileName));
        Assert.Contains("NODE is web5, and --name is web6", (await Join(web5, token, "", "web6")).Error, StringComparison.Ordinal);
        await Enters(web5);
    }

    [PeopleFact]
    public async Task Host_that_nobody_could_enter_joins_only_with_yes()
    {
        const string nobody = "nobody could enter web12: no role opens it for any user, and plain keys open nothing there once it has joined";
        await using var web12 = await Host("web12");
        var refused = await Fleet.Tctl("nodes", "token", "web12", "--admit");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(nobody, refused.Error, StringComparison.Ordinal);
        var token = await Token("web12");
        Assert.Equal(1, (await Join(web12, token, "--wait 9")).ExitCode);
        var key = (await web12.Run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).Done().Split(' ')[1];
        refused = await Fleet.Tctl("nodes", "admit", "web12", $"--host-key={key}");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(nobody, refused.Error, StringComparison.Ordinal);
        (await Fleet.Tctl("nodes", "admit", "web12", $"--host-key={key}", "--yes")).Done();
        Assert.Equal(0, (await Join(web12, token, "")).ExitCode);
    }

    public static readonly TheoryData<string, string, string> Undermined = new()
    {
        { "00-a.conf", "AuthorizedKeysFile /etc/ssh/keys\n", "other lines of the configuration of sshd overrule the drop-in: look for authorizedkeysfile\n" },
        { "00-a.conf", "AuthorizedPrincipalsFile /etc/ssh/principals\n", "other lines of the configuration of sshd overrule the drop-in: look for authorizedprincipalsfile\n" },
        { "99-z.conf", "Match User postgres\n    AuthorizedKeysFile /etc/ssh/keys\n", "/etc/ssh/sshd_config.d/99-z.conf:2 authorizedkeysfile /etc/ssh/keys)" },
        { "99-z.conf", "Match Group daemon\n  TrustedUserCAKeys = \"/etc/ssh/other\"\n", "/etc/ssh/sshd_config.d/99-z.conf:2 trustedusercakeys /etc/ssh/other)" },
        { "99-z.conf", "Match Address 192.0.2.0/24\n    Include /etc/ssh/more\n", "/etc/ssh/more:1 authorizedprincipalsfile /etc/ssh/principals)" },
    };

    /// <summary>What would open the host in place of ours, for root or for any other account.</summary>
    [PeopleTheory]
    [MemberData(nameof(Undermined))]
    public async Task Host_that_other_lines_would_open_does_not_join(string file, string lines, string told)
    {
        var name = $"web6-{Guid.NewGuid():N}"[..12];
        await using var web6 = await Host(name);
        await File.WriteAllTextAsync(web6["keys"], "");
        await File.WriteAllTextAsync(web6["principals"], "postgres@db1\n");
        await File.WriteAllTextAsync(web6["more"], "AuthorizedPrincipalsFile /etc/ssh/principals\n");
        await File.WriteAllTextAsync(web6[$"sshd_config.d/{file}"], lines);
        var refused = await Join(web6, await Token(name, "--labels=type=db", "--admit"), "");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(told, refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(web6["sshd_config.d/00-certauthority.conf"]));
    }

    [PeopleFact]
    public async Task Principals_of_another_file_open_nothing_after_a_join()
    {
        await using var web7 = await Host("web7");
        await File.WriteAllTextAsync(web7["principals"], "root@elsewhere\n");
        // After ours, so that ours wins.
        await File.WriteAllTextAsync(web7["sshd_config.d/99-z.conf"], "AuthorizedPrincipalsFile /etc/ssh/principals\n");
        Assert.Equal(0, (await Join(web7, await Token("web7", "--labels=type=db", "--admit"), "")).ExitCode);
        Assert.Contains("authorizedprincipalsfile none", (await web7.Run("sshd -T -C user=root,host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22,rdomain=")).Done().ToLowerInvariant(), StringComparison.Ordinal);
        await Enters(web7);
    }

    [PeopleFact]
    public async Task Settings_are_judged_before_the_token_is_used()
    {
        await using var web10 = await Host("web10");
        await File.AppendAllTextAsync(web10["../certauthority-pull.conf"], "SOURCES=x\n");
        var token = await Token("web10", "--labels=type=db", "--admit");
        Assert.Contains("/etc/certauthority-pull.conf:3: not a setting: SOURCES=x; ", (await Join(web10, token, "")).Error, StringComparison.Ordinal);
        Assert.False(File.Exists($"{site.Reports}/join_web10"));
        foreach (var script in (string[])[Joiner, PulledHost.Puller])
            Assert.StartsWith(script == Joiner ? "Brings this host" : "Fetches what", (await web10.Run($"{script} --help")).Done(), StringComparison.Ordinal);
    }

    private async Task<FleetHost> Host(string name)
    {
        var host = await Fleet.Host(name);
        // Debian's awk is a link to here.
        Directory.CreateDirectory(host["../alternatives"]);
        File.CreateSymbolicLink(host["../alternatives/awk"], "/usr/bin/mawk");
        await File.WriteAllTextAsync(host["../certauthority-pull.conf"], $"SOURCE={site.Published}\nREPORT={site.Reports}\n");
        return host;
    }

    private async Task<string> Token(string name, params string[] options) => (await Fleet.Tctl(["nodes", "token", name, .. options])).Done().Trim();

    private static Task<Outcome> Join(FleetHost host, string token, string options, string? name = null, string around = "") =>
        host.Run($"echo {token} | {around} {Joiner} --name {name ?? host.Name} --wait 40 {options} -");

    /// <summary>sshd reads the drop-in when it starts again.</summary>
    private async Task Enters(FleetHost host)
    {
        await host.Stop();
        await host.Restart();
        Assert.Equal(1, (await Fleet.ByKey(host)).ExitCode / 255);
        (await Fleet.Daemon.Myself.Types("tsh", "login")).Done();
        var entered = await Fleet.ByCertificate(host);
        Assert.True(entered.ExitCode == 0, $"{entered.Error}{host.Log}");
    }
}
