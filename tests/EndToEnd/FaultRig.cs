#pragma warning disable RS0030 // A seed repeats a round.
using System.Diagnostics;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What goes wrong in a round.</summary>
internal enum Fault
{
    KillLeader,
    KillFollower,
    KillBoth,
    KillServer,
    PromoteStandby,
    PromoteStandbyAndKillLeader,
    CutLeader,
    CutFollower,
    CutBoth,
    StallLeader,
    StallBoth,
    PauseLeader,
    PauseFollower,
    PauseStandby,
    FillServer,
    FillLeader,
}

/// <summary>
/// Two daemons on a PostgreSQL server with a synchronous standby, a host that the leader writes to, and callers. Each round breaks
/// something, mends it, and has the witness compare what was acknowledged with what is there.
/// </summary>
internal sealed class FaultRig : IAsyncDisposable
{
    // A daemon that is silent for 6 seconds loses the lock.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan UntilItEnds = TimeSpan.FromSeconds(20);

    // On a busy machine: a start, a takeover, and what both wait for.
    private static readonly TimeSpan UntilItIssues = TimeSpan.FromSeconds(45);

    private const string Disk = "700m";

    private readonly Scratch[] scratch = [new(), new()];
    private readonly FaultRigWitness witness = new();
    private readonly CancellationTokenSource over = new();
    private readonly List<Task> watches = [];
    private readonly bool[] isHeld = new bool[2];
    private readonly Random random;
    private readonly TimeSpan pause;
    private TestPostgres primary;
    private TestPostgres standby;
    private FaultRigLine[] lines = [];
    private TestDaemon[] daemons = [];
    private EnrolledFleet fleet = null!;
    private FleetHost host = null!;
    private FaultRigLoad load = null!;
    private string key = "";

    private FaultRig(int seed, TimeSpan pause)
    {
        (random, this.pause) = (new Random(seed), pause);
        primary = TestPostgres.Start(Disk);
        // The standby has this too, so it acknowledges nothing alone once it is promoted.
        primary.Run("ALTER SYSTEM SET synchronous_standby_names = 's1'");
        primary.Run("SELECT pg_reload_conf()");
        standby = primary.StartStandby("s1", Disk);
    }

    public FaultRigWitness Witness => witness;

    public string Phases { get; private set; } = "";

    /// <summary>What both daemons logged last, without what callers did.</summary>
    public string Logs => string.Join('\n', daemons.Select((daemon, n) =>
        $"daemon {n + 1}:\n{string.Join('\n', daemon.Log.Split('\n').Where(line => !line.Contains(" by root: ", StringComparison.Ordinal)).TakeLast(20))}"));

    /// <param name="seed">Of everything that is random.</param>
    /// <param name="longPause">How long processes are paused that are paused for long; at least as long as a daemon may be silent.</param>
    public static async Task<FaultRig> Start(int seed, TimeSpan? longPause = null)
    {
        var rig = new FaultRig(seed, longPause ?? Silence);
        try
        {
            await rig.Furnish();
            return rig;
        }
        catch
        {
            await rig.DisposeAsync();
            throw;
        }
    }

    /// <summary>Breaks something under load, mends it, and compares; also if it never mends, as far as the server answers by then.</summary>
    public async Task Round(Fault fault, bool last = false)
    {
        try
        {
            await TryRound(fault, last);
        }
        catch
        {
            await load.Stop();
            try
            {
                witness.Check(primary, scratch[0].Path, everything: true);
            }
            catch (Npgsql.NpgsqlException e)
            {
                witness.Count($"not compared: {e.Message}");
            }
            throw;
        }
    }

    private async Task TryRound(Fault fault, bool last)
    {
        var clock = Stopwatch.StartNew();
        Phases = "";
        void Phase(string name) => Phases += $" {name} {clock.Elapsed.TotalSeconds:F1}";
        load.GoOn();
        // Somebody waits by hand, in every round.
        using var waits = Wait.Start(Of("waits"), "tsh request create --user=waiter --roles=oncall --force");
        var id = await waits.Filed();
        Phase("filed");
        await load.Progress();
        await Task.Delay(random.Next(300));
        Phase("before");
        await Break(fault, await load.Leader());
        Phase("fault");
        var healed = Stopwatch.StartNew();
        await load.Progress();
        if (healed.Elapsed > UntilItIssues)
            witness.Violated("stood still", $"both daemons issue again only after {healed.Elapsed.TotalSeconds:F0} s");
        Phase("progress");
        await load.Approve(id);
        if (await waits.Ended() is { ExitCode: not 0 } outcome)
            witness.Violated("waiter lost", $"tsh waited for request {id}, and ended: {outcome}");
        await Eventually.Holds(() => witness.IsUpToDate(host, daemons[0].PublicKey("user_ca")), "the host has everything that is revoked");
        Phase("list");
        await load.Rest();
        Phase("rest");
        witness.Check(primary, scratch[0].Path, last);
        await Eventually.Holds(() => witness.IsUpToDate(host, daemons[0].PublicKey("user_ca")), "the host has everything that is revoked");
        Phase("check");
        await Judge();
        Phase("judged");
        // Whichever leads by now.
        if (last && await Of("admin").Types("tctl", "audit", "verify") is { ExitCode: not 0 } unproven)
            witness.Violated("lost", $"the audit: {unproven}");
    }

    /// <summary>Somebody who knows both daemons.</summary>
    private Person Of(string home) => new(null, scratch[0][home], string.Join(',', daemons.Select(daemon => daemon.Server)));

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await Task.WhenAll(watches);
        foreach (var line in lines)
            line.Mend();
        if (load is not null)
            await load.DisposeAsync();
        if (host is not null)
            await host.DisposeAsync();
        foreach (var daemon in daemons)
            await daemon.DisposeAsync();
        foreach (var line in lines)
            line.Dispose();
        standby.Dispose();
        primary.Dispose();
        foreach (var one in scratch)
        {
            if (Directory.Exists(one["data"]))
                await Run("umount", "--lazy", one["data"]);
            one.Dispose();
        }
        over.Dispose();
    }

    private async Task Furnish()
    {
        primary.Create(scratch[0].Path);
        lines = [new(primary.Folder), new(primary.Folder)];
        foreach (var one in scratch)
        {
            Directory.CreateDirectory(one["data"]);
            await Run("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", one["data"]);
        }
        var first = await TestDaemon.Start(scratch[0], configuration: Configuration(0));
        daemons = [first];
        fleet = await EnrolledFleet.Around(first);
        (await first.Administrator.Types(["tctl", "create"], FaultRigLoad.Resources)).Done();
        host = await fleet.EnrolledHost();
        PostgresTests.CopyKeys(first, scratch[1]);
        var second = TestDaemon.Follows(scratch[1], Configuration(1));
        daemons = [first, second];
        await second.Served;
        key = scratch[0]["key"];
        await Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
        load = new FaultRigLoad(witness, daemons, await File.ReadAllTextAsync($"{key}.pub"));
        watches.AddRange([Supervise(0), Supervise(1), Watch()]);
        await Eventually.Holds(() => load.Latest is not null && load.LatestRevoked is not null, "the load begins");
    }

    private string Configuration(int n)
    {
        var options = primary.Options(TestPostgres.Schema(scratch[0].Path));
        (options["Host"], options["Port"]) = ("127.0.0.1", $"{lines[n].Port}");
        return $"database: \"postgres:{string.Join(';', options.Select(option => $"{option.Key}={option.Value}"))}\"\n{TestDaemon.ManyLogins}";
    }

    /// <param name="fault">What goes wrong.</param>
    /// <param name="leader">Which daemon leads; -1 if nobody knows.</param>
    private async Task Break(Fault fault, int leader)
    {
        leader = Math.Max(leader, 0);
        var follower = 1 - leader;
        switch (fault)
        {
            case Fault.KillLeader:
                await Kill(leader);
                break;
            case Fault.KillFollower:
                await Kill(follower);
                break;
            case Fault.KillBoth:
                await Task.WhenAll(Kill(leader), Kill(follower));
                break;
            case Fault.KillServer:
                primary.Kill();
                await Task.Delay(random.Next(1000));
                primary.Resume();
                break;
            case Fault.PromoteStandby:
                await Promote();
                break;
            case Fault.PromoteStandbyAndKillLeader:
                await Task.WhenAll(Kill(leader), Promote());
                break;
            case Fault.CutLeader:
            case Fault.CutFollower:
            case Fault.CutBoth:
                FaultRigLine[] cut = fault == Fault.CutBoth ? lines : [lines[fault == Fault.CutLeader ? leader : follower]];
                await Through(cut, line => line.Cut(), TimeSpan.FromSeconds(random.NextDouble() * 3));
                break;
            case Fault.StallLeader:
            case Fault.StallBoth:
                FaultRigLine[] stalled = fault == Fault.StallBoth ? lines : [lines[leader]];
                // Shorter and longer than the server lets a daemon be silent.
                await Through(stalled, line => line.Stall(), random.Next(2) == 0 ? TimeSpan.FromSeconds(2) : pause);
                break;
            case Fault.PauseLeader:
                await PauseLeader(leader);
                break;
            case Fault.PauseFollower:
                await daemons[follower].Signal("STOP");
                await Task.Delay(pause);
                await daemons[follower].Signal("CONT");
                break;
            case Fault.PauseStandby:
                standby.Signal("STOP");
                await Task.Delay(random.Next(500, 3000));
                standby.Signal("CONT");
                break;
            case Fault.FillServer:
                await Full(primary.Folder);
                break;
            case Fault.FillLeader:
                await Full(scratch[leader]["data"]);
                break;
        }
    }

    private async Task Kill(int daemon)
    {
        isHeld[daemon] = true;
        await daemons[daemon].Kill();
        // Started again before another one leads, or after it.
        await Task.Delay(random.Next(1500));
        isHeld[daemon] = false;
    }

    /// <summary>Pauses the daemon that leads until another one does. When it wakes, it leads no more, and ends by itself.</summary>
    private async Task PauseLeader(int leader)
    {
        var former = Holder();
        await daemons[leader].Signal("STOP");
        await Task.Delay(pause);
        await Eventually.Holds(() => Holder() != former, "another daemon leads");
        isHeld[leader] = true;
        await daemons[leader].Signal("CONT");
        for (var clock = Stopwatch.StartNew(); !daemons[leader].HasEnded && clock.Elapsed < UntilItEnds;)
        {
            if (Holder() == former)
                witness.Violated("zombie", "a daemon that was paused, and replaced, leads again");
            await Task.Delay(100);
        }
        if (!daemons[leader].HasEnded)
            witness.Violated("zombie", "a daemon that was paused, and replaced, goes on");
        isHeld[leader] = false;

        string Holder() => (string)primary.Run($"SELECT holder FROM {TestPostgres.Schema(scratch[0].Path)}.writer");
    }

    /// <summary>
    /// Kills the server and promotes the standby, which misses what the server did last: the connection between them fell silent before.
    /// Then a new standby is made.
    /// </summary>
    private async Task Promote()
    {
        var sender = (int)primary.Run("SELECT pid FROM pg_stat_replication WHERE application_name = 's1'");
        await Run("kill", "-s", "STOP", $"{sender}");
        await Task.Delay(random.Next(3) == 0 ? random.Next(2500, 3500) : random.Next(100, 900));
        primary.Kill();
        standby.Run("SELECT pg_promote()");
        foreach (var line in lines)
            line.Server = standby.Folder;
        primary.Dispose();
        primary = standby;
        standby = await Task.Run(() => primary.StartStandby("s1", Disk));
    }

    private static async Task Through(FaultRigLine[] lines, Action<FaultRigLine> fault, TimeSpan time)
    {
        foreach (var line in lines)
            fault(line);
        await Task.Delay(time);
        foreach (var line in lines)
            line.Mend();
    }

    private async Task Full(string folder)
    {
        var filler = Path.Combine(folder, "filler");
        using (var file = File.Create(filler))
            try
            {
                for (var block = new byte[4096]; ;)
                {
                    file.Write(block);
                    file.Flush();
                }
            }
            catch (IOException)
            {
                // It is full.
            }
        await Task.Delay(2000);
        File.Delete(filler);
        // A server that cannot write its log has ended.
        if (folder == primary.Folder && !primary.IsReady())
            primary.Resume();
    }

    /// <summary>Starts a daemon that has ended again, as systemd does.</summary>
    private async Task Supervise(int n)
    {
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(50);
            if (isHeld[n] || !daemons[n].HasEnded)
                continue;
            try
            {
                await daemons[n].Restart();
                witness.Count("starts");
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException or TimeoutException)
            {
                // The server is away, or the disk is full.
                witness.Count("starts in vain");
            }
        }
    }

    /// <summary>Looks at the list of the host all the time.</summary>
    private async Task Watch()
    {
        for (; !over.IsCancellationRequested; await Task.Delay(20))
            witness.Look(host);
    }

    /// <summary>What sshd says: the last certificate enters, and the last one that was revoked does not.</summary>
    private async Task Judge()
    {
        await Task.WhenAll(Says(load.Latest!, true), Says(load.LatestRevoked!, false));

        async Task Says(string certificate, bool enters)
        {
            var file = scratch[0].Write($"judged-{enters}-cert.pub", $"{certificate}\n");
            var outcome = await fleet.Entering(host, file, key);
            if (enters != (outcome.ExitCode == 0))
                witness.Violated(enters ? "lost" : "older list", $"sshd {(enters ? "refuses" : "lets in")} {OpenSsh.Certificate.ParseLine(certificate).Serial}: {outcome}");
            witness.Count(enters ? "let in" : "kept out");
        }
    }

    private static async Task Run(params string[] words)
    {
        using var process = Process.Start(words[0], words[1..]);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
