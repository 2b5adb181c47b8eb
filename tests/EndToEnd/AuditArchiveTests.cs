using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Old entries of the audit move to an archive, and everything that was signed stays provable.</summary>
public sealed class AuditArchiveTests
{
    private const string Keep = "keep: 30d";

    private static readonly string Script = Path.Combine(World.Repository, "scripts", "audit-verify.py");

    [PeopleFact]
    public async Task Old_entries_move_and_stay_provable()
    {
        using var site = await Site.Start();
        var (daemon, root) = (site.Daemon, site.Daemon.Administrator);
        var serial = (await At(root, "tctl certs ls --format=json | jq -r '.[0].serial'")).Done().Trim();
        (await At(root, "tctl audit checkpoint > kept; mkdir -p fresh")).Done();

        var done = await At(root, "tctl audit archive archive");

        Assert.Equal("512 entries are in archive and no more in the daemon, which begins with entry 513\n", done.Done());
        await Eventually.Holds(() => First(daemon) == 513);
        Assert.Equal("513\n", (await At(root, "tctl audit ls --order=oldest --limit=1 --format=json | jq .[0].seq")).Done());
        Assert.Equal("""{"count":512,"changes":[{"path":"archived","old":"0","new":"512"}]}""" + "\n",
            (await At(root, "tctl audit ls --event=audit.archived --format=json | jq -c '.[0] | {count, changes: .changes[:1]}'")).Done());
        Assert.Contains("audit archived: entries up to 512, from before 20", (await root.Types("tctl", "status")).Output);

        // Whoever would skip what is archived is told so.
        Assert.Matches("^tctl: entries up to 512, all from before .*Z, are archived and not shown\n$", (await At(root, "tctl audit ls --limit=1000")).Error);
        Assert.Matches("^tctl: entries up to 512, ", (await At(root, "tctl audit ls --order=oldest --limit=1")).Error);
        Assert.Equal("", (await At(root, "tctl audit ls --limit=2 --format=json")).Error);
        Assert.Equal("", (await At(root, "tctl audit ls --since=1d")).Error);
        foreach (var late in (string[])["tctl audit ls --order=oldest --after=0", "tctl audit ls --follow --after=511"])
            Assert.Matches("^tctl: error: the entries up to 512 are archived, and what follows entry [0-9]+ is among them\ntctl: hint: ", (await At(root, late)).Error);
        Assert.Equal("513\n", (await At(root, "tctl audit ls --follow --after=512 --format=jsonl --limit=1 | jq .seq")).Done());
        Assert.Contains("tctl: warning: what happened before ", (await At(root, "tctl access report --since=90d > /dev/null")).Error);
        Assert.Contains("entries of the audit up to 512 are archived", (await At(root, "tctl access report --since=90d --format=json | jq -r .not_seen")).Done());
        Assert.Equal("null\n", (await At(root, "tctl access report --since=1d --unused=1d --format=json | jq -r .not_seen")).Done());

        // A certificate of then is proven from the archive, without the daemon.
        Assert.Equal($"tctl: error: the entry of certificate {serial} is archived\ntctl: hint: whoever has the archive of the audit can prove it from there\n", (await root.Types("tctl", "audit", "prove", serial)).Error);
        Assert.Contains("tctl: error: entry 7 is archived\n", (await root.Types("tctl", "audit", "prove", "--seq=7")).Error);
        Assert.Equal(serial + "\n", (await At(root, $"tctl audit prove {serial} --archive archive --format=json > proof.json; jq -r .entry proof.json | jq -r .serial")).Done());
        Assert.Contains(" is checked: ", (await At(root, $"python3 {Script} --proof proof.json --key archive/audit_key.pub")).Done());
        Assert.Contains("has no certificate with the serial 1\n", (await At(root, "tctl audit prove 1 --archive archive")).Error);
        (await root.Types("tctl", "audit", "prove", "--seq=513")).Done();

        // The whole log, with the archive and without.
        Assert.Contains("\nthe first 512 are archived: only their hashes were checked; --archive DIR says where they are\n", (await At(root, "tctl audit verify --since kept")).Done());
        Assert.DoesNotContain("archived", (await At(root, "tctl audit verify --since kept --archive archive")).Done());
        var without = await At(root, "tctl audit export fresh");
        Assert.Equal((1, true), (without.ExitCode, without.Error.StartsWith("tctl: error: the daemon has archived the entries from 1 on, and they are not in fresh\n")));
        (await At(root, "tctl audit export fresh --archive archive")).Done();
        (await At(root, "tctl audit verify fresh --since kept")).Done();
        (await At(root, "tctl audit export archive")).Done();
        Assert.EndsWith(" are checked\n", (await At(root, $"python3 {Script} archive --since kept")).Done());
        Assert.StartsWith("nothing is archived: ", (await At(root, "tctl audit archive archive")).Done());

        // The next start, and a restored backup: another log begins behind the archive.
        await daemon.Stop("KILL");
        await site.Restart();
        Assert.Equal("ready\n", (await root.Types("tctl", "status", "--check")).Done());
        (await root.Types("tctl", "backup", site.Scratch["backup.db"])).Done();
        (await root.Types("tctl", "users", "update", "me", "--set-logins=lost")).Done();
        await daemon.Stop();
        File.Copy(site.Scratch["backup.db"], daemon.File("certauthority.db"), overwrite: true);
        await site.Restart();
        (await root.Types("tctl", "audit", "prove", "--seq=513")).Done();
        Assert.DoesNotContain("archived", (await At(root, "tctl audit verify")).Done());
        Assert.Equal("ready\n", (await root.Types("tctl", "status", "--check")).Done());
        Assert.Matches("^tctl: error: archive has the log ", (await At(root, "tctl audit verify --archive archive")).Error);
        Assert.Matches("^tctl: error: archive has the log ", (await At(root, "tctl audit export archive")).Error);
        (await At(root, "tctl audit export other")).Done();
        Assert.EndsWith(" are checked\n", (await At(root, $"python3 {Script} other")).Done());
        Assert.DoesNotContain("proof_failed", (await root.Types("tctl", "audit", "ls", "--limit=1000")).Output);
    }

    [PeopleFact]
    public async Task Archive_that_is_not_whole_removes_nothing()
    {
        using var site = await Site.Start(more: "admins: {users: [carol]}\n");
        var (daemon, root) = (site.Daemon, site.Daemon.Administrator);
        Assert.Equal((1, "tctl: error: only root archives the audit\n"), await daemon.Person(Person.Carol).Types("tctl", "audit", "archive", site.Scratch["carol"]) is var carol ? (carol.ExitCode, carol.Error) : default);
        await using (var other = await TestDaemon.Start())
            (await other.Administrator.Types("tctl", "audit", "export", site.Scratch["work/other"])).Done();
        Assert.Matches("^tctl: error: other has the log certauthority/[0-9a-f]+, and the daemon has ", (await At(root, "tctl audit archive other")).Error);
        Assert.Equal(1, First(daemon));
        (await At(root, "tctl audit archive archive")).Done();
        await Eventually.Holds(() => First(daemon) == 513);
        using (var ca = daemon.Connect())
            for (var n = 0; n < 300; n++)
                await ca.Send(Routes.UpdateUser, new UpdateUser("me", Logins: [$"y{n}"]));
        await daemon.Stop();
        await site.At(TimeSpan.FromDays(31));

        const string missing = "tctl: error: the daemon has archived the entries from 1 on, and they are not in spoilt\n";
        foreach (var (spoil, fault) in ((string, string)[])[
            ("rm spoilt/tile/entries/000", missing),
            ("printf x | dd of=spoilt/tile/entries/000 bs=1 seek=100 conv=notrunc", missing),
            ("truncate -s -1 spoilt/tile/entries/000", missing),
            ("printf x | dd of=spoilt/tile/0/000 bs=1 seek=100 conv=notrunc", missing),
            ("printf x | dd of=spoilt/checkpoint bs=1 seek=50 conv=notrunc", "tctl: error: "),
            ("rm -r spoilt; mkdir spoilt", missing)])
        {
            (await At(root, $"rm -rf spoilt; cp -r archive spoilt; {spoil} 2> /dev/null")).Done();
            var refused = await At(root, "tctl audit archive spoilt");
            Assert.Equal((1, true), (refused.ExitCode, refused.Error.StartsWith(fault, StringComparison.Ordinal)));
        }
        Assert.Equal(513, First(daemon));
        // What the daemon still has is fetched again.
        (await At(root, "rm archive/tile/0/002* -r; tctl audit archive archive")).Done();
        await Eventually.Holds(() => First(daemon) == 769);
        Assert.Contains(" are checked", (await At(root, $"tctl audit export archive; python3 {Script} archive")).Done());
        Assert.DoesNotContain("archived", (await At(root, "tctl audit verify --archive archive")).Done());
    }

    [StraceFact]
    public async Task Kill_at_any_step_loses_nothing_and_is_repeated()
    {
        using var site = await Site.Start();
        var (daemon, root) = (site.Daemon, site.Daemon.Administrator);
        var whole = daemon.StoredAudit();
        // The command, at some of the files that it writes.
        foreach (var n in (int[])[1, 2, 4, 7, 10, 13])
        {
            var killed = await At(root, $"strace -f -qq -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:signal=KILL:when={n} tctl audit archive archive");
            Assert.True(killed.ExitCode != 0, $"{n}: {killed.Output}");
            Assert.Equal(1, First(daemon));
        }
        await daemon.Stop("KILL");
        await At(root, "cp -a ../data saved; cp -a archive saved-archive");
        // The daemon, at some of the commits.
        var kills = 0;
        foreach (var (calls, n) in ((string, int)[])[("fsync,fdatasync", 1), ("fsync,fdatasync", 2), ("pwrite64", 1), ("pwrite64", 5), ("pwrite64", 12), ("pwrite64", 40)])
        {
            (await At(root, "rm -rf ../data archive; cp -a saved ../data; cp -a saved-archive archive")).Done();
            await site.Restart();
            using (await KillAt.Attach(daemon, calls, n, daemon.File("certauthority.db-wal")))
            {
                await At(root, "tctl audit archive archive");
                await Eventually.Holds(() => daemon.HasEnded || First(daemon) == 513);
                kills += daemon.HasEnded ? 1 : 0;
            }
            if (!daemon.HasEnded)
                await daemon.Stop("KILL");
            await site.Restart();
            Assert.Equal("ready\n", (await root.Types("tctl", "status", "--check")).Done());
            (await At(root, "tctl audit verify --archive archive")).Done();
            (await At(root, "tctl audit archive archive")).Done();
            await Eventually.Holds(() => First(daemon) == 513);
            Assert.DoesNotContain("archived", (await At(root, "tctl audit verify --archive archive")).Done());
            Assert.EndsWith(" are checked\n", (await At(root, $"tctl audit export archive > /dev/null; python3 {Script} archive")).Done());
            var left = daemon.StoredAudit();
            Assert.Equal(whole.Skip(512).Select(one => one.Seq), left.Take(whole.Count - 512).Select(one => one.Seq));
            Assert.Equal(1, left.Count(one => System.Text.Encoding.UTF8.GetString(one.Json).Contains("\"audit.archived\"", StringComparison.Ordinal)));
            await daemon.Stop("KILL");
        }
        Assert.True(kills >= 3, $"only {kills} kills");
    }

    private static long First(TestDaemon daemon) => daemon.StoredAudit()[0].Seq;

    /// <summary>Runs a line of shell in a folder of the administrator.</summary>
    private static Task<Outcome> At(Person person, string line) =>
        person.Types("bash", "-c", $"mkdir -p {Path.GetDirectoryName(person.Home)}/work; cd {Path.GetDirectoryName(person.Home)}/work; {line}");

    /// <summary>A daemon with more than 512 entries from sixty days ago.</summary>
    private sealed class Site : IDisposable
    {
        private readonly TimeOfDay clock;

        private Site(Scratch scratch, TimeOfDay clock) => (Scratch, this.clock) = (scratch, clock);

        public Scratch Scratch { get; }

        public TestDaemon Daemon { get; private set; } = null!;

        public static async Task<Site> Start(string audit = Keep, string more = "", int changes = 520)
        {
            var scratch = new Scratch();
            var site = new Site(scratch, new TimeOfDay(scratch.Path, TimeSpan.FromDays(-60)));
            site.Daemon = await TestDaemon.Start(scratch, around: site.clock.Around, configuration: $"{TestDaemon.ManyLogins}audit: {{{audit}}}\n{more}");
            await DaemonTests.Setup(site.Daemon);
            (await site.Daemon.Myself.Types([.. site.clock.Around, "tsh", "login"])).Done();
            using (var ca = site.Daemon.Connect())
                for (var n = 0; n < changes; n++)
                    await ca.Send(Routes.UpdateUser, new UpdateUser("me", Logins: [$"x{n}"]));
            await site.Daemon.Stop();
            await site.At(TimeSpan.Zero);
            return site;
        }

        /// <summary>Starts the daemon at another time of day.</summary>
        public async Task At(TimeSpan ahead)
        {
            clock.Set(ahead);
            await Restart();
            (await Daemon.Administrator.Types("tctl", "clock", "accept")).Done();
            // From then on, a checkpoint has everything that is old.
            (await Daemon.Administrator.Types("bash", "-c", "tctl audit prove --seq=$(tctl audit ls --limit=1 --format=json | jq .[0].seq)")).Done();
        }

        public Task Restart(params string[] around) => Daemon.Restart(around: [.. clock.Around, .. around]);

        public void Dispose()
        {
            Daemon.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Scratch.Dispose();
        }
    }
}
