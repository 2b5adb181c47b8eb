namespace CertAuthority.Tests.EndToEnd;

/// <summary>The groups of a host that fetches: which file it takes, and that none that it refuses holds anything else back.</summary>
public sealed class PullGroupsTests(PulledHost pulled) : IClassFixture<PulledHost>
{
    private const string Tokens = "a.0123456789abcdef\nb.0123456789abcdef\n.\n";

    public sealed record Case(string Name, Func<Site, Task> Spoil, string Told)
    {
        public override string ToString() => Name;
    }

    public static TheoryData<Case> Refused =>
    [
        new("a group more", Edit(text => $"{text}".Replace("b.0", "c.0", StringComparison.Ordinal)), "was not signed by the audit key of this host; "),
        new("a forged signature", Edit(text => text.Replace("\nU1NIU0lH", "\nU1NIU0lI", StringComparison.Ordinal)), "was not signed by the audit key of this host; "),
        new("another key", async site => await site.Sign(site.Text(1), key: await site.Key()), "was not signed by the audit key of this host; "),
        new("a signature for something else", site => site.Sign(site.Text(1), purpose: "certauthority-manifest"), "was not signed by the audit key of this host; "),
        new("another host", site => site.Sign(site.Text(1, node: "web2")), "is that of web2, and this host is web1; "),
        new("another installation", site => site.Sign(site.Text(1, installation: "0123456789abcdef")), "is of another daemon than the revocation list here, or of a copy of it; "),
        new("a copy of the daemon", site => site.Sign(site.Text(1, run: "01234567")), "is of another daemon than the revocation list here, or of a copy of it; "),
        new("an older file", site => site.Sign(site.Text(-1)), "belongs to list "),
        new("another file of the same list", site => site.Sign(site.Text(0, tokens: "c.0123456789abcdef\n.\n")), "belongs to list "),
        new("a later format", site => site.Sign(site.Text(1).Replace("groups v1", "groups v2", StringComparison.Ordinal)), "has a format that this certauthority-pull does not know; "),
        new("a manifest", site => site.Put(File.ReadAllText($"{site.Source}/manifest")), "is not the groups of a host; "),
        new("a page of HTML", site => site.Put("<html>\n"), "is not the groups of a host; "),
        new("an empty file", site => site.Put(""), "could not be fetched, and this host is in groups: it is empty; "),
        new("no file", site => site.Put(null), "could not be fetched, and this host is in groups: "),
        new("half a file", Edit(text => text[..(text.Length / 2)]), "is not whole; "),
        new("a file without its end", Edit(text => text[..^1]), "is not whole; "),
        new("a file with more behind it", Edit(text => text + "\n"), "is not whole; "),
        new("a file that is too large", Edit(text => text + new string('x', 2048)), "could not be fetched, and this host is in groups: File size limit exceeded; "),
        new("no groups and no dot", site => site.Sign(site.Text(1, tokens: "")), "is malformed; "),
        new("no dot", site => site.Sign(site.Text(1, tokens: "c.0123456789abcdef\n")), "is malformed; "),
        new("a dot before the end", site => site.Sign(site.Text(1, tokens: ".\nc.0123456789abcdef\n.\n")), "is malformed; "),
        new("a name without a token", site => site.Sign(site.Text(1, tokens: "c\n.\n")), "is malformed; "),
        new("a principal", site => site.Sign(site.Text(1, tokens: "root@web2.0123456789abcdef\n.\n")), "is malformed; "),
        new("two words", site => site.Sign(site.Text(1, tokens: "c.0123456789abcdef x\n.\n")), "is malformed; "),
        new("seventeen groups", site => site.Sign(site.Text(1, tokens: string.Concat(Enumerable.Range(0, 17).Select(n => $"g{n}.0123456789abcdef\n")) + ".\n")), "is malformed; "),
        new("no version", site => site.Sign(string.Join('\n', site.Text(1).Split('\n').Where(line => !line.StartsWith("version", StringComparison.Ordinal)))), "is malformed; "),
        new("a version with a zero before it", site => site.Sign(site.Text(1).Replace("version ", "version 0", StringComparison.Ordinal)), "is malformed; "),
    ];

    [PeopleTheory]
    [MemberData(nameof(Refused))]
    public async Task Bad_groups_are_refused_and_hold_back_nothing(Case row)
    {
        var site = await Take();
        await site.List(1);
        await row.Spoil(site);
        var before = Groups(site);

        IsFault(await site.Pull(), $"{site.Source}/groups/web1 {row.Told}");

        Assert.Equal(before, Groups(site));
        // The list is the next one all the same.
        Assert.Equal(await File.ReadAllBytesAsync($"{site.Source}/revoked.krl"), await File.ReadAllBytesAsync($"{site.Directory}/revoked.krl"));
        // What is good again is taken again.
        await site.Sign(site.Text(1, tokens: "d.0123456789abcdef\n.\n"));
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal("d.0123456789abcdef\n.\n", await File.ReadAllTextAsync($"{site.Directory}/groups"));
    }

    /// <summary>A host never has groups with a list that is older than the one of their moment.</summary>
    [PeopleFact]
    public async Task Groups_wait_for_their_list()
    {
        var site = await Take();
        await site.Sign(site.Text(5, tokens: "c.0123456789abcdef\n.\n"));
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
        await site.List(5);
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal("c.0123456789abcdef\n.\n", await File.ReadAllTextAsync($"{site.Directory}/groups"));

        // Whoever takes an older list by force gives up the groups, before it is there.
        await site.List(1);
        Assert.Equal($"certauthority-pull: {site.Directory}/groups is gone: it belongs to a later revocation list\n", (await site.Pull("--force")).Done());
        Assert.Empty(Groups(site));
        await site.Sign(site.Text(1));
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
    }

    [PeopleFact]
    public async Task Groups_of_before_a_start_or_a_restore_go_on()
    {
        var site = await Take();
        var run = site.Run;
        foreach (var (later, past) in ((int, string)[])[(10, $"{run}:{site.Version + 5}"), (20, $"*:{site.Version + 10}")])
        {
            await site.List(later, $"certauthority {site.Installation} {later:x8} {past}");
            Assert.Equal("", (await site.Pull()).Done());
            Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
        }
        // Of that run, and later than what this list knows of it.
        await site.Sign(site.Text(15));
        IsFault(await site.Pull(), "is of another daemon than the revocation list here, or of a copy of it");
    }

    [PeopleFact]
    public async Task Host_that_left_its_groups_needs_no_file_any_more()
    {
        var site = await Take();
        // Neither a file that somebody removed on the host nor one that somebody changed stays.
        File.Delete($"{site.Directory}/groups");
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
        File.WriteAllText($"{site.Directory}/groups", "c.0123456789abcdef\n.\n");
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));

        await site.List(1);
        await site.Sign(site.Text(1, tokens: ".\n"));
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(".\n", await File.ReadAllTextAsync($"{site.Directory}/groups"));
        await site.Put(null);
        Assert.Equal("", (await site.Pull()).Done());

        // Without a node of its own, or without signatures, it has none.
        foreach (var settings in (string[])["", "NODE=web1\nUNSIGNED=yes\n", "NODE=web2\n"])
        {
            await site.Sign(site.Text(1));
            site.Settings = "NODE=web1\n";
            File.Delete($"{site.Directory}/groups.signed");
            Assert.Equal("", (await site.Pull()).Done());
            Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
            site.Settings = settings;
            Assert.StartsWith($"certauthority-pull: {site.Directory}/groups is gone: it is ", (await site.Pull()).Output, StringComparison.Ordinal);
            Assert.Empty(Groups(site));
        }
    }

    /// <summary>A source with a host certificate and groups for web1, and a host that took them.</summary>
    private async Task<Site> Take()
    {
        var site = new Site(pulled, pulled.Copy(), Directory.CreateDirectory(pulled.Scratch[$"{Guid.NewGuid()}"]).FullName);
        var key = await site.Key();
        (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-s", pulled.Daemon.File("host_ca"), "-I", "web", "-h", "-n", "web1,web2", "-V", "+1h", $"{key}.pub")).Done();
        foreach (var node in (string[])["web1", "web2"])
            File.Copy($"{key}-cert.pub", $"{site.Source}/{node}-cert.pub");
        await site.List(0);
        // Most hosts are in no group.
        (await site.Pull("--new-ca")).Done();
        Assert.Empty(Groups(site));
        await site.Sign(site.Text(0));
        Assert.Equal("", (await site.Pull()).Done());
        Assert.Equal(Tokens, await File.ReadAllTextAsync($"{site.Directory}/groups"));
        return site;
    }

    private static string[] Groups(Site site) => [.. PulledHost.Held(site.Directory).Where(one => one.StartsWith($"{site.Directory}/groups", StringComparison.Ordinal))];

    private static Func<Site, Task> Edit(Func<string, string> change) => async site =>
    {
        await site.Sign(site.Text(1));
        await site.Put(change(await File.ReadAllTextAsync($"{site.Source}/groups/web1")));
    };

    private static void IsFault(Outcome outcome, string told)
    {
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Matches("^certauthority-pull: error: [\x20-\x7e]+; everything else was done, and the groups in place stay; [\x20-\x7e]+\n$", outcome.Error);
        Assert.Contains(told, outcome.Error);
    }

    /// <summary>A source of files, and a host that fetches from it.</summary>
    public sealed class Site
    {
        private readonly PulledHost pulled;
        private readonly string[] words;

        internal Site(PulledHost pulled, string source, string directory)
        {
            (this.pulled, Source, Directory) = (pulled, source, directory);
            var list = pulled.Daemon.RevocationList();
            (words, Version) = (list.Comment.Split(' '), (long)list.Version);
        }

        public string Source { get; }

        public string Directory { get; }

        public string Settings { get; set; } = "NODE=web1\n";

        public string Installation => words[1];

        public string Run => words[2];

        /// <summary>The version of the first list.</summary>
        public long Version { get; }

        public string Text(int later, string node = "web1", string? installation = null, string? run = null, string tokens = Tokens) =>
            $"certauthority-groups v1\ninstallation {installation ?? Installation}\nrun {run ?? Run}\nnode {node}\nversion {Version + later}\n{tokens}";

        public async Task List(int later, string? comment = null)
        {
            File.WriteAllBytes($"{Source}/revoked.krl", OpenSsh.Krl.Write(pulled.Daemon.RevocationList().Revoked, (ulong)(Version + later), (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), comment ?? string.Join(' ', words)));
            await pulled.Sign(Source);
        }

        public async Task Sign(string text, string? key = null, string purpose = "certauthority-groups")
        {
            var file = pulled.Scratch.Write($"{Guid.NewGuid()}.text", text);
            (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-Y", "sign", "-f", key ?? pulled.Daemon.File("audit_key"), "-n", purpose, file)).Done();
            await Put(text + await File.ReadAllTextAsync($"{file}.sig"));
        }

        public Task Put(string? file)
        {
            System.IO.Directory.CreateDirectory($"{Source}/groups");
            File.Delete($"{Source}/groups/web1");
            return file is null ? Task.CompletedTask : File.WriteAllTextAsync($"{Source}/groups/web1", file);
        }

        public async Task<string> Key()
        {
            var key = pulled.Scratch[$"{Guid.NewGuid()}"];
            (await pulled.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
            return key;
        }

        internal Task<Outcome> Pull(params string[] arguments) => pulled.Daemon.Administrator.Types(
            [PulledHost.Puller, "--config", pulled.Settings(Source, Directory, Settings), .. arguments]);
    }
}
