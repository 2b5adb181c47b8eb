using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon that is killed between an entry, its leaf, the checkpoint and its files, while people log in.</summary>
public sealed class AuditCrashTests
{
    private const int Workers = 3;
    private const int Rounds = 5;

    private static readonly string Script = Path.Combine(World.Repository, "scripts", "audit-verify.py");

    private readonly ConcurrentDictionary<string, bool> acknowledged = [];
    private readonly ConcurrentDictionary<string, long> checkpoints = [];
    private readonly ConcurrentDictionary<long, string> shown = [];

    /// <summary>
    /// The log of the database gets entries, and then leaves with their checkpoint; the file beside it is written, flushed and renamed; the
    /// directory for hosts gets tiles and the checkpoint in the same way.
    /// </summary>
    [StraceFact]
    public async Task Kills_between_entry_leaf_and_checkpoint_lose_nothing()
    {
        using var scratch = new Scratch();
        var publish = scratch["publish"];
        Directory.CreateDirectory(publish);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}publish_dir: {publish}\n");
        await DaemonTests.Setup(daemon);
        var steps = new (string Calls, string? Path, int Most)[]
        {
            ("fsync,fdatasync", daemon.File("certauthority.db-wal"), 4),
            ("pwrite64", daemon.File("certauthority.db-wal"), 12),
            ("fsync,fdatasync", daemon.DataDirectory, 3),
            ("fsync", null, 4),
            ("rename,renameat,renameat2", null, 3),
            ("unlink,unlinkat,rmdir", null, 2),
        };
        var fired = new List<string>();
        for (var round = 0; round < Rounds * steps.Length; round++)
        {
            var (calls, path, most) = steps[round % steps.Length];
            using var isOver = new CancellationTokenSource();
            var work = Enumerable.Range(0, Workers).Select(_ => LogIn(daemon, isOver.Token)).Append(Watch(daemon, publish, isOver.Token)).ToList();
            using (await KillAt.Attach(daemon, calls, 1 + RandomNumberGenerator.GetInt32(most), path))
            {
                for (var clock = System.Diagnostics.Stopwatch.StartNew(); !daemon.HasEnded && clock.Elapsed < TimeSpan.FromSeconds(4);)
                    await Task.Delay(20);
                if (daemon.HasEnded)
                    fired.Add(calls);
                else
                    await daemon.Stop("KILL");
            }
            await isOver.CancelAsync();
            await Task.WhenAll(work);
            await daemon.Restart();
            await Compare(daemon, $"round {round}, {calls} of {path}");
        }
        Assert.True(fired.Count > Rounds && fired.Contains("pwrite64") && fired.Contains("rename,renameat,renameat2"), string.Join(' ', fired));
        Assert.True(acknowledged.Count > 50, $"only {acknowledged.Count} logins");
        Assert.True(checkpoints.Count > Rounds, $"only {checkpoints.Count} checkpoints");
        // Another program agrees, with every checkpoint that anybody saw.
        var folder = scratch["seen"];
        Directory.CreateDirectory(folder);
        foreach (var (note, n) in checkpoints.Keys.Select((note, n) => (note, n)))
            await File.WriteAllTextAsync(Path.Combine(folder, $"{n}"), note);
        (await daemon.Administrator.Types("tctl", "audit", "export", scratch["export"])).Done();
        var since = string.Join(' ', Enumerable.Range(0, checkpoints.Count).Select(n => $"--since {Path.Combine(folder, $"{n}")}"));
        Assert.EndsWith(" are checked\n", (await daemon.Administrator.Types("bash", "-c", $"python3 {Script} {scratch["export"]} {since}")).Done());
        (await daemon.Administrator.Types("bash", "-c", $"tctl audit verify {since}")).Done();
    }

    private async Task LogIn(TestDaemon daemon, CancellationToken isOver)
    {
        using var ca = daemon.Connect();
        try
        {
            while (!isOver.IsCancellationRequested)
                acknowledged[(await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey), CancellationToken.None)).Info!.Serial] = true;
        }
        catch (UnreachableException)
        {
            // Killed.
        }
    }

    /// <summary>Reads checkpoints and entries as fast as it can, from the daemon and from the directory for hosts.</summary>
    private async Task Watch(TestDaemon daemon, string publish, CancellationToken isOver)
    {
        using var ca = daemon.Connect();
        var position = $"{shown.Keys.DefaultIfEmpty().Max()}";
        try
        {
            while (!isOver.IsCancellationRequested)
            {
                if (await ca.Send(Routes.GetCheckpoint, new GetCheckpoint(), CancellationToken.None) is { Note: { } note, Size: { } size })
                    checkpoints[note] = size;
                if (File.Exists(Path.Combine(publish, "audit/checkpoint")))
                    Seen(await File.ReadAllTextAsync(Path.Combine(publish, "audit/checkpoint"), CancellationToken.None));
                var page = await ca.Send(Routes.ListAudit, new ListAudit(After: position, Order: AuditOrders.Oldest, Limit: 1000), CancellationToken.None);
                foreach (var entry in page.Entries)
                    shown[entry.Seq!.Value] = $"{entry.Event} {entry.Serial}";
                position = page.Position!;
            }
        }
        catch (UnreachableException)
        {
            // Killed.
        }
    }

    private void Seen(string note) => checkpoints[note] = long.Parse(note.Split('\n')[1]);

    private async Task Compare(TestDaemon daemon, string when)
    {
        var root = daemon.Administrator;
        Assert.True((await root.Types("tctl", "status", "--check")).ExitCode == 0, $"{when}: {daemon.Log}");
        var stored = daemon.StoredAudit().Select(one => (one.Seq, Entry: JsonSerializer.Deserialize(one.Json, ProtocolJson.Lenient.Of<AuditEntry>())!)).ToList();
        Assert.True(stored.Select(one => one.Seq).SequenceEqual(Enumerable.Range(1, stored.Count).Select(n => (long)n)), when);
        var issued = stored.Where(one => one.Entry.Event == "certificate.issued").Select(one => one.Entry.Serial!).ToList();
        Assert.Equal(issued.Count, issued.Distinct().Count());
        Assert.True(acknowledged.Keys.Except(issued).ToList() is [], $"{when}: a login is not in the audit");
        using var ca = daemon.Connect();
        var listed = new HashSet<string>();
        string? after = null;
        do
        {
            var page = await ca.Send(Routes.ListCertificates, new ListCertificates(After: after));
            listed.UnionWith(page.Certificates.Select(one => one.Serial));
            after = page.Next;
        }
        while (after is not null);
        Assert.True(issued.Except(listed).ToList() is [], $"{when}: the audit has a certificate that nobody made");
        foreach (var (seq, what) in shown)
            Assert.True(stored.Count >= seq && stored[(int)seq - 1].Entry is var entry && $"{entry.Event} {entry.Serial}" == what, $"{when}: entry {seq} was {what}");
        Assert.DoesNotContain(stored, one => one.Entry.Event is "audit.proof_failed" or "audit.log_replaced" or "daemon.restored");
        // What the largest checkpoint that anybody saw has is the beginning of what is there.
        if (checkpoints.MaxBy(one => one.Value).Key is { } largest)
        {
            await File.WriteAllTextAsync(daemon.Scratch["largest"], largest);
            var verified = await root.Types("tctl", "audit", "verify", "--since", daemon.Scratch["largest"]);
            Assert.True(verified.ExitCode == 0, $"{when}: {verified.Error}");
        }
    }
}
