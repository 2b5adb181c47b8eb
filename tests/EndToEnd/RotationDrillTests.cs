using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// The user CA key of twenty hosts changes, those that the daemon writes to and those that fetch, of two releases of OpenSSH. Meanwhile
/// somebody logs in, enters hosts and has certificates revoked. In each step, there and back, the daemon is killed, each host is interrupted
/// while it gets its files, and others are away.
/// </summary>
public sealed class RotationDrillTests : IAsyncLifetime, IDisposable
{
    private const int Written = 14;
    private const int Fetching = 6;

    private readonly Scratch published = new();
    private readonly List<FleetHost> hosts = [];
    private readonly ConcurrentDictionary<FleetHost, bool> away = [];
    private readonly string[] mayFail = ["no daemon answers", "the connection was lost", "is stopping"];
    private readonly CancellationTokenSource over = new();
    private readonly HashSet<FleetHost> hasBeenAway = [];
    private int interruptions;
    private Task<int> load = Task.FromResult(0);
    private EnrolledFleet fleet = null!;

    private TestDaemon Daemon => fleet.Daemon;

    private string Id => Path.Combine(Daemon.Myself.Home, "id");

    private IEnumerable<FleetHost> WrittenTo => hosts.Take(Written);

    private IEnumerable<FleetHost> Fetchers => hosts.Skip(Written);

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(published["reports"]);
        fleet = await EnrolledFleet.Start($"publish_dir: {published["hosts"]}\nreports_dir: {published["reports"]}\n");
    }

    public async Task DisposeAsync()
    {
        await over.CancelAsync();
        await Task.WhenAny(load);
        foreach (var host in hosts)
            await host.DisposeAsync();
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
        hosts.AddRange(await Task.WhenAll(Enumerable.Range(1, Written + Fetching).Select(
            n => fleet.Host($"{(n > Written ? "web" : "db")}{n}", release: n % 2 == 0 ? "forky" : null))));
        await Enroll(WrittenTo);
        await Enroll(Fetchers, "--no-push");
        await Fetch();
        (await Daemon.Myself.Types("tsh", "login")).Done();
        var before = Kept("before");
        var oldKey = Daemon.PublicKey("user_ca");
        var outcast = await Outcast("outcast");

        load = Task.Run(() => Load(over.Token));

        // In each step, four others are away, and every host is interrupted once: those that are away, when they come back.
        await Wave(1, "prepared", 3);
        var waits = await fleet.Tctl("auth", "rotate", "user");
        Assert.True(waits.ExitCode == 0 || waits.Error.Contains("confirmed", StringComparison.Ordinal), waits.ToString());
        await Eventually.Holds(async () => await RotationTests.StepOf(fleet) == "switched" || (await fleet.Tctl("auth", "rotate", "user")).ExitCode == 0, "every host has confirmed");
        await Daemon.Myself.Types("tsh", "login");
        var after = Kept("after");
        Assert.Equal(Daemon.PublicKey("user_ca_next"), OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(after)).SignatureKey);
        await Judge([before, after], [outcast]);

        await Wave(2, "prepared", 5, "--back");
        await Judge([before, after], [outcast]);
        await Wave(3, "switched", 5);
        await Judge([before, after], [outcast]);

        // The old key has its last certificates revoked, and leaves.
        await Wave(4, "switched", write: 0, act: () => RotationTests.RevokeAllOf(fleet, oldKey));
        await Judge([after], [before, outcast]);
        await Wave(5, "", 4);
        await Eventually.Holds(() => hosts.All(host => File.ReadAllLines(host["certauthority/user_ca.pub"]).Length == 1));
        await over.CancelAsync();
        var entered = await load;
        Assert.True(entered >= 10, $"{entered}");
        await Judge([after], [before, outcast]);
        Assert.Equal(5 * hosts.Count, interruptions);
        Assert.Equal(hosts.Count, hasBeenAway.Count);
        Assert.Empty((await fleet.Tctl("audit", "verify")).Error);
    }

    /// <summary>Somebody logs in and enters a host, over and over; of every three certificates one is revoked, and then opens nothing.</summary>
    /// <returns>How many times they entered.</returns>
    private async Task<int> Load(CancellationToken stop)
    {
        var person = Daemon.Myself with { Home = Daemon.Scratch["load"] };
        var entered = 0;
        var opens = false;
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var login = await person.Types("tsh", "login");
            if (login.ExitCode != 0)
            {
                Assert.True(mayFail.Any(text => login.Error.Contains(text, StringComparison.Ordinal)), login.ToString());
                // The certificate from before is as good, unless it was revoked.
                if (!opens)
                    continue;
            }
            opens = true;
            var (certificate, host) = (Path.Combine(person.Home, "id-cert.pub"), hosts[n * 7 % hosts.Count]);
            await Enters(host, certificate, Path.Combine(person.Home, "id"));
            entered++;
            if (n % 3 != 2 || login.ExitCode != 0)
                continue;
            var revoked = Daemon.Scratch[$"revoked{n}-cert.pub"];
            File.Copy(certificate, revoked);
            var answer = await fleet.Tctl("certs", "revoke", Serial(revoked), "--wait");
            // Even if there was no answer.
            opens = false;
            if (answer.ExitCode == 0 && !away.ContainsKey(hosts[n % Written]))
                await Refuses(hosts[n % Written], revoked, Path.Combine(person.Home, "id"));
        }
        return entered;
    }

    /// <summary>
    /// Takes a step, during which the daemon is killed at one of its writes, and every host is interrupted: the session in which the daemon
    /// writes to it, or its sshd with everything in it, or its puller. Then all go on.
    /// </summary>
    private async Task Wave(int number, string to, int write, string? option = null, Func<Task<Outcome>>? act = null)
    {
        FleetHost[] gone = [.. hosts.Where((_, n) => n % 5 == number - 1)];
        foreach (var host in gone)
        {
            away[host] = true;
            hasBeenAway.Add(host);
        }
        await Task.WhenAll(gone.Select(host => host.Stop()));
        var cuts = await Task.WhenAll(WrittenTo.Except(gone).Select(host => Cut(host, number)));
        if (act is not null)
            (await act()).Done();
        else
            await Step(to, write, option);
        await Task.WhenAll(cuts.Select(Interrupted));

        await Task.WhenAll(gone.Select(host => host.Restart()));
        cuts = await Task.WhenAll(WrittenTo.Intersect(gone).Select(host => Cut(host, number)));
        if (cuts.Length > 0)
            await fleet.Tctl(["nodes", "sync", .. cuts.Select(cut => cut.Host.Name)]);
        await Task.WhenAll(cuts.Select(Interrupted));
        foreach (var host in gone)
            away.TryRemove(host, out _);
        await Parallel.ForEachAsync(Fetchers, new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (host, _) =>
        {
            // At one of the programs that it starts, another one in each step: it starts about seventy.
            var log = Daemon.Scratch[$"puller-{host.Name}-{number}"];
            await Daemon.Administrator.Types(
                ["strace", "-qq", "-o", log, "-e", "trace=vfork,clone,clone3,fork", "-e", $"inject=vfork,clone,clone3,fork:signal=KILL:when={10 + (((hosts.IndexOf(host) * 11) + (number * 17)) % 40)}", PulledHost.Puller, "--config", SettingsOf(host), "--new-ca"]);
            Assert.Contains("killed by SIGKILL", await File.ReadAllTextAsync(log, CancellationToken.None), StringComparison.Ordinal);
            Interlocked.Increment(ref interruptions);
        });
        await Fetch();
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList), "what they missed arrives by itself");
        await Eventually.Holds(async () => await RotationTests.StepOf(fleet) == to, $"the rotation is {to}");
    }

    /// <summary>Takes a step, during which the daemon is killed at one of its writes, to its end.</summary>
    private async Task Step(string to, int write, string? option)
    {
        string[] step = ["auth", "rotate", "user", .. option is null ? (string[])[] : [option]];
        var (died, _) = await RotationTests.Struck(Daemon, write, () => fleet.Tctl(step));
        if (died)
        {
            await Daemon.Ended();
            await Daemon.Restart();
        }
        Assert.True(died, $"the daemon makes fewer than {write} writes");
        await Eventually.Holds(async () => await RotationTests.StepOf(fleet) == to || (await fleet.Tctl(step)).ExitCode == 0, $"the rotation is {to}");
    }

    /// <summary>A host on which the session of the daemon is killed as soon as it writes.</summary>
    private sealed record CutHost(FleetHost Host, Process Strace, string Log, bool TakesAll);

    /// <summary>Kills the session before it flushes a file, or when it is written and has not got its name; with some, all of sshd goes too.</summary>
    private async Task<CutHost> Cut(FleetHost host, int number)
    {
        var (log, how) = (Daemon.Scratch[$"cut-{host.Name}-{number}"], (hosts.IndexOf(host) + number) % 3);
        var calls = how == 0 ? "fsync" : "rename,renameat,renameat2";
        var strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-qq", "-o", log, "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL:when=1", "-p", $"{host.ProcessId}"])
        { UseShellExecute = false })!;
        await Eventually.Holds(() => !File.ReadLines($"/proc/{host.ProcessId}/status").Contains("TracerPid:\t0"));
        return new CutHost(host, strace, log, how == 2);
    }

    private async Task Interrupted(CutHost cut)
    {
        await Eventually.Holds(() => File.ReadAllText(cut.Log).Contains("killed by SIGKILL", StringComparison.Ordinal), $"{cut.Host.Name} is interrupted");
        if (cut.TakesAll)
        {
            away[cut.Host] = true;
            await cut.Host.Stop();
        }
        using (var end = Process.Start("kill", ["-s", "TERM", $"{cut.Strace.Id}"]))
            await end.WaitForExitAsync();
        await cut.Strace.WaitForExitAsync();
        cut.Strace.Dispose();
        Interlocked.Increment(ref interruptions);
        if (!cut.TakesAll)
            return;
        await cut.Host.Restart();
        away.TryRemove(cut.Host, out _);
    }

    private async Task Judge(string[] enter, string[] refused)
    {
        foreach (var certificate in enter)
            await Each(host => Enters(host, certificate));
        foreach (var certificate in refused)
            await Each(host => Refuses(host, certificate));
    }

    private async Task Enters(FleetHost host, string certificate, string? key = null)
    {
        var outcome = await Tried(host, certificate, key);
        Assert.True(outcome is null or { ExitCode: 0, Output: "entered\n" }, $"{host.Name}, {Path.GetFileName(certificate)}: {outcome}\n{Last(host)}");
    }

    private async Task Refuses(FleetHost host, string certificate, string? key = null)
    {
        var outcome = await Tried(host, certificate, key);
        Assert.True(
            outcome is null || (outcome.ExitCode == 255 && outcome.Error.Contains("Permission denied", StringComparison.Ordinal)),
            $"{host.Name}, {Path.GetFileName(certificate)}: {outcome}\n{Last(host)}");
    }

    /// <summary>What a host says to a certificate; null if it is away. One that went away or came back meanwhile is asked once more.</summary>
    private async Task<Outcome?> Tried(FleetHost host, string certificate, string? key)
    {
        for (var n = 0; ; n++)
        {
            var wasAway = away.ContainsKey(host);
            var outcome = await fleet.Entering(host, certificate, key ?? Id);
            if (outcome.ExitCode == 0 || outcome.Error.Contains("Permission denied", StringComparison.Ordinal))
                return outcome;
            if (wasAway || away.ContainsKey(host))
                return null;
            if (n == 3)
                return outcome;
        }
    }

    private static string Last(FleetHost host) => string.Join('\n', host.Log.Split('\n')[^Math.Min(6, host.Log.Split('\n').Length)..]);

    private Task Each(Func<FleetHost, Task> act) =>
        Parallel.ForEachAsync(hosts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (host, _) => await act(host));

    private async Task Enroll(IEnumerable<FleetHost> some, params string[] options)
    {
        var list = string.Concat(some.Select(host => $"{host.Name} {host.Address}\n"));
        (await fleet.Operator.Types(["tctl", "nodes", "enroll", "--from", "-", "--labels=type=db", .. options], list)).Done();
    }

    /// <summary>Each host that fetches does, and takes new keys, as its administrator says; then the daemon reads what they report.</summary>
    private async Task Fetch()
    {
        await Parallel.ForEachAsync(Fetchers.Where(host => !away.ContainsKey(host)), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (host, _) =>
        {
            await Eventually.Holds(async () => (await Daemon.Administrator.Types(PulledHost.Puller, "--config", SettingsOf(host), "--new-ca")).ExitCode == 0, $"{host.Name} fetches");
        });
    }

    private string SettingsOf(FleetHost host) => Daemon.Scratch.Write(
        $"{host.Name}.conf",
        $"SOURCE={published["hosts"]}\nDIR={host["certauthority"]}\nNODE={host.Name}\nREPORT={published["reports"]}\nHOST_KEY={host["ssh_host_ed25519_key"]}\n");

    private async Task<string> Outcast(string name)
    {
        (await Daemon.Myself.Types("tsh", "login")).Done();
        var certificate = Kept(name);
        (await fleet.Tctl("certs", "revoke", Serial(certificate), "--wait")).Done();
        await Fetch();
        return certificate;
    }

    private string Kept(string name)
    {
        var copy = Daemon.Scratch[$"{name}-cert.pub"];
        File.Copy($"{Id}-cert.pub", copy);
        return copy;
    }

    private static string Serial(string certificate) =>
        OpenSsh.Certificate.ParseLine(File.ReadAllText(certificate)).Serial.ToString(CultureInfo.InvariantCulture);
}
