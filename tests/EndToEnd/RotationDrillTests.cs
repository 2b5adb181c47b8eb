using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using CertAuthority.Protocol;
using Microsoft.Data.Sqlite;
using UnreachableException = CertAuthority.Protocol.UnreachableException;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// The user CA key of twenty hosts changes, those that the daemon writes to and those that fetch, of two releases of OpenSSH. The daemon is
/// killed at each durable write of each step, there and back, and every second time what was not flushed is lost, as by a power cut. In each
/// step every host is away, or interrupted while it gets its files. Meanwhile people log in, certificates are revoked and requests are denied,
/// and sshd is asked all the time who enters.
/// </summary>
public sealed class RotationDrillTests : IAsyncLifetime, IDisposable
{
    private const int Written = 16;
    private const int Fetching = 4;
    private const int Waves = 6;

    private static readonly Step prepare = new(RotationActs.Prepare, "", "prepared");
    private static readonly Step undo = new(RotationActs.Back, "prepared", "");
    private static readonly Step @switch = new(RotationActs.Switch, "prepared", "switched");
    private static readonly Step @return = new(RotationActs.Back, "switched", "prepared");
    private static readonly Step retire = new(RotationActs.Retire, "switched", "");

    private readonly Scratch published = new();
    private readonly List<FleetHost> hosts = [];
    private readonly ConcurrentDictionary<FleetHost, bool> away = [];
    private readonly HashSet<FleetHost> hasBeenAway = [];
    private readonly CancellationTokenSource over = new();
    private readonly Dictionary<Step, List<Strike>> due = [];
    private readonly List<string> kills = [];
    private readonly ConcurrentDictionary<string, int> counts = [];
    private readonly ConcurrentQueue<Certificate> revoked = [];
    private int judgments;
    private volatile bool isQuiet;
    private Task[] load = [];
    private volatile Expected expected = new([], []);
    private EnrolledFleet fleet = null!;
    private Writes writes = null!;
    private CaClient ca = null!;

    private TestDaemon Daemon => fleet.Daemon;

    private Write Log => new("flush", Daemon.File("certauthority.db-wal"));

    private Write Checkpoint => new("rename", Daemon.File("audit_checkpoint"));

    private IEnumerable<FleetHost> WrittenTo => hosts.Take(Written);

    private IEnumerable<FleetHost> Fetchers => hosts.Skip(Written);

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        Directory.CreateDirectory(published["reports"]);
        writes = new Writes(published.Path);
        fleet = await EnrolledFleet.Start($"publish_dir: {published["hosts"]}\nreports_dir: {published["reports"]}\npush: {{parallel: 3}}\n", writes.Around);
        ca = Daemon.Connect();
    }

    public async Task DisposeAsync()
    {
        await over.CancelAsync();
        await Task.WhenAny(Task.WhenAll(load));
        foreach (var host in hosts)
            await host.DisposeAsync();
        ca?.Dispose();
        if (fleet is not null)
            await fleet.DisposeAsync();
    }

    public void Dispose()
    {
        over.Dispose();
        published.Dispose();
    }

    [PeopleFact]
    public async Task Twenty_hosts_change_their_key_and_lock_nobody_out()
    {
        await LearnWrites();
        await Furnish();
        var (before, outcast) = (await LogIn("before"), await LogIn("outcast"));
        var stranger = await Stranger();
        await Revoke(outcast);
        await Fetch();
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList), "all hosts have the list");
        var (oldKey, old) = (Daemon.PublicKey("user_ca"), Fingerprint());
        expected = new([before], [outcast, stranger]);
        load = [Task.Run(Logins), Task.Run(Denials), Task.Run(Outside)];

        await Wave(1, prepare);
        await Wave(2, undo);
        await Alternate(prepare, undo);
        await Fetch();
        // Reports are read every few seconds.
        await Task.WhenAll(Judge(), Eventually.Holds(async () => await Rotations() is [{ UnconfirmedCount: 0 }], "every host has confirmed"));
        await Wave(3, @switch);
        var after = await LogIn("after");
        Assert.Equal(Daemon.PublicKey("user_ca_next"), OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(after.File)).SignatureKey);
        stranger = await Stranger();
        expected = new([before, after], [outcast, stranger]);
        await Wave(4, @return);
        await Alternate(@switch, @return);
        // No record knows it.
        var unknown = await SignedBy(Daemon.File("user_ca"), "unknown");
        await Enters(hosts[0], unknown);

        expected = new([after], [outcast, stranger]);
        await Wave(5, null, async () =>
        {
            var revoking = Task.CompletedTask;
            Assert.NotNull(await Killed("drain", new Write("rename", Daemon.File("revoked.krl")), 1, false, () => revoking = RevokeAllOf(old)));
            await revoking;
        });
        expected = new([after], [before, outcast, stranger]);
        await Wave(6, null, Retire);
        Assert.Equal(oldKey, Daemon.PublicKey("user_ca_previous"));
        await Eventually.Holds(() => hosts.All(host => File.ReadAllLines(host["certauthority/user_ca.pub"]).Length == 1));
        expected = new([after], [before, outcast, stranger, unknown, await SignedBy(Daemon.File("user_ca_previous"), "late")]);
        await over.CancelAsync();
        await Task.WhenAll(load);
        await Judge(last: true);
        // What was said to be revoked is, whatever was lost since.
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList), "all hosts have the list");
        foreach (var (n, certificate) in revoked.Index())
            await Refuses(hosts[n % Written], certificate);

        Assert.All(due, one => Assert.Empty(one.Value));
        Assert.Equal(Waves * hosts.Count, counts["interrupted"] + counts["away"]);
        Assert.Equal(hosts.Count, hasBeenAway.Count);
        foreach (var what in (string[])["entered", "revoked", "denied", "let in", "kept out"])
            Assert.True(counts.GetValueOrDefault(what) >= 5, $"{what}: {counts.GetValueOrDefault(what)}");
        Assert.Empty((await fleet.Tctl("audit", "verify")).Error);
        // Those that died beside a new key, too.
        await Eventually.Holds(() => Directory.GetFiles(Daemon.File("."), "*.unfinished-*") is [], "no temporary file is left");
    }

    /// <summary>
    /// A whole rotation before there are hosts, in which nobody disturbs: each of its writes is one at which the daemon is to die. The audit is
    /// published after every change; of that, only the daemon's own checkpoint counts.
    /// </summary>
    private async Task LearnWrites()
    {
        foreach (var step in (Step[])[prepare, undo, prepare, @switch, @return, @switch, retire])
        {
            writes.Rest();
            await Rotate(step);
            due[step] = [
                .. writes.Made.Where(write => write != Checkpoint && !write.File.Contains("/audit/", StringComparison.Ordinal)).CountBy(write => write)
                    .SelectMany(one => Enumerable.Range(1, one.Value).Select(nth => (Write: one.Key, Nth: nth)))
                    .Select((one, place) => new Strike(one.Write, one.Nth, CutsPower: place % 2 == 1 && one != (Log, 1))),
                new Strike(Checkpoint, 1, CutsPower: false),
                // The first flush is of the row.
                new Strike(Log, 1, CutsPower: true),
            ];
        }
        writes.Rest();
    }

    private async Task Furnish()
    {
        (await Daemon.Administrator.Types(["tctl", "create", "--force"], """
            {kind: role, version: v8, metadata: {name: oncall}, spec: {allow: {logins: [deploy], node_labels: {type: db}}}}
            ---
            {kind: role, version: v8, metadata: {name: other}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
            ---
            {kind: role, version: v8, metadata: {name: caller}, spec: {allow: {request: {roles: [oncall]}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [dba, caller], unix_users: ['0']}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [other]}}
            """)).Done();
        // The other release makes those wait who failed before.
        hosts.AddRange(await Task.WhenAll(Enumerable.Range(1, Written + Fetching).Select(n => n % 2 == 0
            ? fleet.Host($"{(n > Written ? "web" : "db")}{n}", "PerSourcePenalties no", release: "forky")
            : fleet.Host($"{(n > Written ? "web" : "db")}{n}"))));
        await Task.WhenAll(Enroll(WrittenTo), Enroll(Fetchers, "--no-push"));
        await Fetch();
    }

    /// <summary>Takes a step there and back, until the daemon was killed at each write of both; ends with the first one taken.</summary>
    private async Task Alternate(Step there, Step back)
    {
        for (var turn = 0; due[there].Count + due[back].Count > 0; turn++)
        {
            Assert.True(turn < 150, $"not killed at: {string.Join(", ", due[there].Concat(due[back]))}\n{string.Join('\n', kills)}");
            var step = await Standing() == there.From ? there : back;
            if (due[step] is [var strike, ..])
                await Struck(step, strike, turn);
            else
                await Rotate(step);
        }
        if (await Standing() != there.To)
            await Rotate(there);
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList), "all hosts have the list");
    }

    /// <summary>Takes a step in which the daemon is killed. What it left is the state before or the one after, and everybody enters who should.</summary>
    private async Task Struck(Step step, Strike strike, int turn)
    {
        var left = await Killed(step.Act, strike.At, strike.Nth, strike.CutsPower, () => Rotate(step));
        var standing = await Standing();
        Assert.True(standing == step.From || standing == step.To || standing == "retiring", $"{step}, {strike}: {standing}");
        // The row was written in the first flush, unless somebody else was served first. It is there once it is flushed, or if nothing is lost.
        var isRow = strike.At == Log && strike.Nth == 1;
        if (left is not null && (!isRow || (left != step.From && standing == (strike.CutsPower ? step.From : left))))
            due[step].Remove(strike);
        else
            // In the other order, it is there again later.
            due[step] = [.. due[step].Where(one => one != strike), strike];
        var host = hosts[turn * 7 % hosts.Count];
        await Task.WhenAll(Enters(host, expected.Enter[turn % expected.Enter.Length]), Refuses(host, expected.Refused[turn % expected.Refused.Length]));
    }

    /// <summary>The old key leaves. The daemon cannot take this step twice: once it is written, each start goes on with it, and is killed at its next write.</summary>
    private async Task Retire()
    {
        var lost = Assert.Single(due[retire], one => one is { At: var at, CutsPower: true } && at == Log && one.Nth == 1);
        for (var turn = 0; due[retire].Contains(lost); turn++)
        {
            Assert.True(turn < 10, string.Join('\n', kills));
            await Struck(retire, lost, turn);
        }
        for (var turn = 0; await Dies("retire", Log, 1, false, () => Rotate(retire)) != "retiring"; turn++)
        {
            Assert.True(turn < 10, string.Join('\n', kills));
            if (Daemon.HasEnded)
                await Daemon.Restart(around: writes.Around);
        }
        Write[] keys = [.. ((string[])["user_ca_previous.pub", "user_ca_previous", "user_ca", "user_ca.pub"]).Select(name => new Write("rename", Daemon.File(name)))];
        var strikes = due[retire].Where(one => one.At != Log && one.At != Checkpoint).ToList();
        Assert.Equal(keys, strikes.Select(one => one.At).Where(at => keys.Contains(at)));
        foreach (var strike in strikes)
            await DiesAtItsStart(strike.At, strike.Nth, strike.CutsPower);
        // At each flush of a start, up to the one of the end of the rotation; that is lost, unless another flush took it along before.
        isQuiet = true;
        for (var nth = 1; StepInTheDatabase() != ""; nth++)
        {
            Assert.True(nth < 20, string.Join('\n', kills));
            await DiesAtItsStart(Log, nth, false);
        }
        writes.CutPower(Daemon.File("certauthority.db"));
        Assert.Contains(StepInTheDatabase(), (string[])["retiring", ""]);
        isQuiet = false;
        await DiesAtItsStart(Checkpoint, 1, false);
        due[retire].Clear();
        writes.Rest();
        await Daemon.Restart(around: writes.Around);
        await Eventually.Holds(async () => await Standing() == "", "the rotation ends");

        async Task DiesAtItsStart(Write at, int nth, bool cutsPower)
        {
            writes.DieAt(at, nth);
            await Daemon.RestartToDie(writes.Around);
            Dead("retire", at, nth, cutsPower);
        }
    }

    /// <summary>Has the daemon die while something is done, and starts it again.</summary>
    /// <returns>The step that it left before anything was lost; null if it lives.</returns>
    private async Task<string?> Killed(string what, Write at, int nth, bool cutsPower, Func<Task> act)
    {
        var left = await Dies(what, at, nth, cutsPower, act);
        writes.Rest();
        // One that dies at the last moment does not count, and the write has its turn again.
        if (left is not null || await Died(TimeSpan.FromSeconds(0.5)))
            await Daemon.Restart(around: writes.Around);
        return left;
    }

    /// <summary>Has the daemon die while something is done.</summary>
    /// <returns>The step that it left before anything was lost; null if it lives.</returns>
    private async Task<string?> Dies(string what, Write at, int nth, bool cutsPower, Func<Task> act)
    {
        foreach (var one in load.Where(one => one.IsFaulted))
            await one;
        writes.DieAt(at, nth);
        await Task.WhenAny(act(), Died(TimeSpan.FromSeconds(60)));
        // A write of what follows the answer comes soon; one that does not come in this turn comes in another.
        if (!await Died(TimeSpan.FromSeconds(1.5)))
            return null;
        await Daemon.Ended();
        var left = StepInTheDatabase();
        Dead(what, at, nth, cutsPower);
        return left;
    }

    private async Task<bool> Died(TimeSpan within)
    {
        for (var clock = Stopwatch.StartNew(); !Daemon.HasEnded && clock.Elapsed < within;)
            await Task.Delay(10);
        return Daemon.HasEnded;
    }

    private void Dead(string what, Write at, int nth, bool cutsPower)
    {
        Assert.Equal(at, writes.Made[^1]);
        kills.Add($"{what}: {at} {nth}{(cutsPower ? ", and the power went" : "")}");
        if (cutsPower)
            writes.CutPower(Daemon.File("certauthority.db"));
    }

    /// <summary>Takes a step. A daemon that dies over it is started again by whoever killed it, and then shows where it is.</summary>
    private async Task Rotate(Step step)
    {
        try
        {
            await ca.Send(Routes.RotateKey, new RotateKey("user", step.Act));
        }
        catch (UnreachableException)
        {
            // It is asked where it is.
        }
    }

    private async Task<string> Standing() => (await Rotations()) is [var one] ? one.Step : "";

    private async Task<KeyRotation[]> Rotations() => (await Asks(() => ca.Send(Routes.ListRotations, new ListRotations()))).Rotations;

    /// <summary>The step that a daemon would find that starts now.</summary>
    private string StepInTheDatabase()
    {
        var copy = published["copy.db"];
        File.Copy(Daemon.File("certauthority.db"), copy, overwrite: true);
        File.Delete($"{copy}-shm");
        File.Delete($"{copy}-wal");
        if (File.Exists(Daemon.File("certauthority.db-wal")))
            File.Copy(Daemon.File("certauthority.db-wal"), $"{copy}-wal");
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = copy, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT step FROM ca_rotations WHERE purpose = 'user'";
        return ((string?)command.ExecuteScalar() ?? "").ToLowerInvariant();
    }

    /// <summary>
    /// Takes a step, during which the daemon is killed once the step is written, some hosts are away, and every other one is interrupted: the
    /// session in which the daemon writes to it, or its sshd with everything in it, or its puller. Then all go on.
    /// </summary>
    /// <param name="number">From 1.</param>
    /// <param name="step">The step.</param>
    /// <param name="act">What is done instead.</param>
    private async Task Wave(int number, Step? step, Func<Task>? act = null)
    {
        FleetHost[] gone = [.. hosts.Where((_, n) => n % Waves == number - 1)];
        foreach (var host in gone)
        {
            away[host] = true;
            hasBeenAway.Add(host);
            Count("away");
        }
        await Task.WhenAll(gone.Select(host => host.Stop()));
        var cuts = await Task.WhenAll(WrittenTo.Except(gone).Select(host => Cut(host, number)));
        if (step is not null)
        {
            var strike = due[step].Find(one => one.At == new Write("rename", published["hosts/user_ca.pub"]))!;
            await Struck(step, strike, number);
            Assert.DoesNotContain(strike, due[step]);
            Assert.Equal(step.To, await Standing());
        }
        else
            await act!();
        await Task.WhenAll(cuts.Select(Interrupted));
        await Task.WhenAll(gone.Select(host => host.Restart()));
        foreach (var host in gone)
            away.TryRemove(host, out _);
        await Parallel.ForEachAsync(Fetchers.Except(gone), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (host, _) =>
        {
            // At one of the programs that it starts, another one in each wave: it starts about seventy.
            var (log, program) = (Daemon.Scratch[$"puller-{host.Name}-{number}"], 10 + (((hosts.IndexOf(host) * 11) + (number * 17)) % 40));
            await Daemon.Administrator.Types(
                ["strace", "-qq", "-o", log, "-e", "trace=vfork,clone,clone3,fork", "-e", $"inject=vfork,clone,clone3,fork:signal=KILL:when={program}", PulledHost.Puller, "--config", SettingsOf(host), "--new-ca"]);
            Assert.Contains("killed by SIGKILL", await File.ReadAllTextAsync(log, CancellationToken.None), StringComparison.Ordinal);
            Count("interrupted");
        });
        await Fetch();
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList), "what they missed arrives by itself");
        await Judge();
    }

    /// <summary>Kills the session before it flushes a file, or when it is written and has not got its name; with some, all of sshd goes too.</summary>
    private async Task<CutHost> Cut(FleetHost host, int number)
    {
        var (log, how) = (Daemon.Scratch[$"cut-{host.Name}-{number}"], (hosts.IndexOf(host) + number) % 3);
        var (calls, nth) = (how == 0 ? "fsync" : "rename,renameat,renameat2", 1 + (hosts.IndexOf(host) / 3 % 2));
        var strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-qq", "-o", log, "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL:when={nth}", "-p", $"{host.ProcessId}"])
        { UseShellExecute = false })!;
        await Eventually.Holds(() => !File.ReadLines($"/proc/{host.ProcessId}/status").Contains("TracerPid:\t0"));
        return new CutHost(host, strace, log, how);
    }

    private async Task Interrupted(CutHost cut)
    {
        await Eventually.Holds(() => File.ReadAllText(cut.Log).Contains("killed by SIGKILL", StringComparison.Ordinal), $"{cut.Host.Name} is interrupted");
        if (cut.How == 2)
        {
            away[cut.Host] = true;
            await cut.Host.Stop();
            // The power of the host goes: what has no name yet is lost in part.
            foreach (var file in Directory.GetFiles(cut.Host["certauthority"], "*.new"))
                File.WriteAllText(file, "");
        }
        using (var end = Process.Start("kill", ["-s", "TERM", $"{cut.Strace.Id}"]))
            await end.WaitForExitAsync();
        await cut.Strace.WaitForExitAsync();
        cut.Strace.Dispose();
        Count("interrupted");
        if (cut.How != 2)
            return;
        await cut.Host.Restart();
        away.TryRemove(cut.Host, out _);
    }

    /// <summary>Somebody logs in and enters a host, over and over; of every three certificates one is revoked, and then opens nothing.</summary>
    private async Task Logins()
    {
        for (var n = 0; !over.IsCancellationRequested; n++)
        {
            var (certificate, host) = (await LogIn("load"), hosts[n * 7 % hosts.Count]);
            await Enters(host, certificate);
            Count("entered");
            if (n % 3 == 2)
            {
                await Revoke(certificate);
                revoked.Enqueue(certificate);
                await RefusesOnceItHasTheList(hosts[n % Written], certificate);
                Count("revoked");
            }
            await Task.Delay(1000);
        }
    }

    /// <summary>Requests are approved, used and denied after all, which revokes what they opened.</summary>
    private async Task Denials()
    {
        for (var n = 0; !over.IsCancellationRequested; n++)
        {
            var id = (await Asks(() => ca.Send(Routes.CreateRequest, new CreateRequest(["oncall"], "me", Force: true)))).Metadata.Name;
            await Does(() => ca.Send(Routes.ApproveRequest, new ApproveRequest(id)));
            var (certificate, host) = (await LogIn("oncall", id) with { Login = "deploy" }, hosts[n * 3 % Written]);
            await Enters(host, certificate);
            await Does(() => ca.Send(Routes.DenyRequest, new DenyRequest(id)));
            revoked.Enqueue(certificate);
            await RefusesOnceItHasTheList(host, certificate);
            Count("denied");
            await Task.Delay(1500);
        }
    }

    /// <summary>Asks each host all the time who enters, without the daemon.</summary>
    private async Task Outside()
    {
        for (var n = 0; !over.IsCancellationRequested; n++)
        {
            var (now, host) = (expected, hosts[n * 7 % hosts.Count]);
            var certificate = now.Enter[n % now.Enter.Length];
            var entered = await Tried(host, certificate);
            // Who should enter changes in between, when the old key goes.
            if (now == expected)
                Expect(entered is null or { ExitCode: 0, Output: "entered\n" }, host, certificate, entered);
            Count("let in");
            await Refuses(host, now.Refused[n % now.Refused.Length]);
            Count("kept out");
            await Task.Delay(750);
        }
    }

    private async Task RefusesOnceItHasTheList(FleetHost host, Certificate certificate)
    {
        await Eventually.Holds(() => away.ContainsKey(host) || over.IsCancellationRequested || fleet.HasTheList(host), $"{host.Name} has the list");
        if (!away.ContainsKey(host) && !over.IsCancellationRequested)
            await Refuses(host, certificate);
    }

    /// <summary>What sshd says on all hosts: whoever should enter does. Of those who should not, somebody else tries on each host each time; at the end, everybody.</summary>
    private async Task Judge(bool last = false)
    {
        var (now, number) = (expected, ++judgments);
        await Parallel.ForEachAsync(Enumerable.Range(0, hosts.Count), new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (n, _) =>
        {
            foreach (var certificate in now.Enter)
                await Enters(hosts[n], certificate);
            foreach (var certificate in last ? now.Refused : [now.Refused[(n + number) % now.Refused.Length]])
                await Refuses(hosts[n], certificate);
        });
    }

    private async Task Enters(FleetHost host, Certificate certificate)
    {
        var outcome = await Tried(host, certificate);
        Expect(outcome is null or { ExitCode: 0, Output: "entered\n" }, host, certificate, outcome);
    }

    private async Task Refuses(FleetHost host, Certificate certificate)
    {
        var outcome = await Tried(host, certificate);
        Expect(outcome is null || (outcome.ExitCode == 255 && outcome.Error.Contains("Permission denied", StringComparison.Ordinal)), host, certificate, outcome);
    }

    private void Expect(bool holds, FleetHost host, Certificate certificate, Outcome? outcome) => Assert.True(
        holds, $"{host.Name}, {Path.GetFileName(certificate.File)}: {outcome}\n{string.Join('\n', host.Log.Split('\n').TakeLast(6))}\n{string.Join('\n', kills.TakeLast(3))}");

    /// <summary>What a host says to a certificate; null if it is away. One that went away or came back meanwhile is asked once more.</summary>
    private async Task<Outcome?> Tried(FleetHost host, Certificate certificate)
    {
        for (var n = 0; ; n++)
        {
            var wasAway = away.ContainsKey(host);
            var outcome = await Daemon.Administrator.Types(
                "ssh", "-F", "none", "-T", "-i", certificate.Key, "-o", $"CertificateFile={certificate.File}", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "KexAlgorithms=curve25519-sha256",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{host.Port}", $"{certificate.Login}@127.0.0.1", "echo entered");
            if (outcome.ExitCode == 0 || outcome.Error.Contains("Permission denied", StringComparison.Ordinal))
                return outcome;
            if (wasAway || away.ContainsKey(host))
                return null;
            if (n == 3)
                return outcome;
        }
    }

    private void Count(string what) => counts.AddOrUpdate(what, 1, (_, n) => n + 1);

    private async Task Enroll(IEnumerable<FleetHost> some, params string[] options)
    {
        var list = string.Concat(some.Select(host => $"{host.Name} {host.Address}\n"));
        (await fleet.Operator.Types(["tctl", "nodes", "enroll", "--from", "-", "--labels=type=db", .. options], list)).Done();
    }

    /// <summary>Each host that fetches does, and takes new keys, as its administrator says; then the daemon reads what they report.</summary>
    private Task Fetch() => Parallel.ForEachAsync(Fetchers, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (host, _) =>
        await Eventually.Holds(async () => (await Daemon.Administrator.Types(PulledHost.Puller, "--config", SettingsOf(host), "--new-ca")).ExitCode == 0, $"{host.Name} fetches"));

    private string SettingsOf(FleetHost host) => Daemon.Scratch.Write(
        $"{host.Name}.conf",
        $"SOURCE={published["hosts"]}\nDIR={host["certauthority"]}\nNODE={host.Name}\nREPORT={published["reports"]}\nHOST_KEY={host["ssh_host_ed25519_key"]}\n");

    /// <summary>A login of the user, with a key of its own for each purpose.</summary>
    private async Task<Certificate> LogIn(string name, params string[] requests)
    {
        var key = await Key(name);
        var answer = await Asks(async () => await ca.Send(Routes.Login, new Login(await File.ReadAllTextAsync($"{key}.pub"), "me", requests is [] ? null : requests)));
        var certificate = new Certificate($"{key}-{Guid.NewGuid():n}-cert.pub", key, "root");
        await File.WriteAllTextAsync(certificate.File, $"{answer.Certificate}\n");
        return certificate;
    }

    private async Task<string> Key(string name)
    {
        var key = Daemon.Scratch[$"key-{name}"];
        if (!File.Exists(key))
            (await Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
        return key;
    }

    /// <summary>Somebody whose role opens another account.</summary>
    private async Task<Certificate> Stranger()
    {
        var alice = Daemon.Person(Person.Alice);
        (await alice.Types("tsh", "login")).Done();
        return new Certificate(Path.Combine(alice.Home, "id-cert.pub"), Path.Combine(alice.Home, "id"), "root");
    }

    /// <summary>A certificate that somebody made who had a copy of a CA key.</summary>
    private async Task<Certificate> SignedBy(string caKey, string name)
    {
        var key = await Key(name);
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-s", caKey, "-I", name, "-n", "root", "-z", "7", $"{key}.pub")).Done();
        return new Certificate($"{key}-cert.pub", key, "root");
    }

    private Task Revoke(Certificate certificate) => Does(() => ca.Send(
        Routes.RevokeCertificates, new RevokeCertificates([OpenSsh.Certificate.ParseLine(File.ReadAllText(certificate.File)).Serial.ToString(CultureInfo.InvariantCulture)])));

    private async Task RevokeAllOf(string key)
    {
        while (true)
        {
            string[] serials = [
                .. (await Asks(() => ca.Send(Routes.ListCertificates, new ListCertificates(1000, State: "live")))).Certificates.Where(one => one.Ca == key).Select(one => one.Serial)];
            if (serials is [])
                return;
            await Does(() => ca.Send(Routes.RevokeCertificates, new RevokeCertificates([.. serials.Take(100)])));
        }
    }

    private string Fingerprint() =>
        $"SHA256:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Daemon.PublicKey("user_ca").ToBlob())).TrimEnd('=')}";

    /// <summary>Asks the daemon until it answers, however often it is killed.</summary>
    private async Task<T> Asks<T>(Func<Task<T>> ask)
    {
        for (var clock = Stopwatch.StartNew(); ;)
            try
            {
                while (isQuiet && !over.IsCancellationRequested)
                    await Task.Delay(20);
                return await ask();
            }
            catch (UnreachableException) when (clock.Elapsed < TimeSpan.FromSeconds(60) && !over.IsCancellationRequested)
            {
                await Task.Delay(20);
            }
    }

    /// <summary>Has something done. If there was no answer the first time, it may be done already.</summary>
    private async Task Does<T>(Func<Task<T>> ask)
    {
        var tries = 0;
        try
        {
            await Asks(() =>
            {
                tries++;
                return ask();
            });
        }
        catch (ProblemException done) when (tries > 1 && done.Problem.Code == ProblemCode.Conflict)
        {
            // It was.
        }
    }

    /// <summary>A step of a rotation.</summary>
    private sealed record Step(string Act, string From, string To);

    /// <summary>A write at which the daemon is to die; every second time, the power goes too.</summary>
    private sealed record Strike(Write At, int Nth, bool CutsPower);

    /// <summary>A host on which the session of the daemon is killed as soon as it writes.</summary>
    private sealed record CutHost(FleetHost Host, Process Strace, string Log, int How);

    private sealed record Certificate(string File, string Key, string Login);

    /// <summary>Who should enter every host now, and who should not.</summary>
    private sealed record Expected(Certificate[] Enter, Certificate[] Refused);
}
