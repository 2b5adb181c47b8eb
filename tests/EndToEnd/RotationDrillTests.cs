using System.Collections.Concurrent;
using System.Globalization;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// The user CA key of twenty hosts changes, those that the daemon writes to and those that fetch, of two releases of OpenSSH. Meanwhile
/// somebody logs in, enters hosts and has certificates revoked; the daemon is killed in each step, and hosts are away in each.
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

        // Two hosts are away while the next key is spread, and the daemon dies over it.
        await TakeAway(hosts[2], hosts[Written + 1]);
        await Step("prepared", 3);
        var waits = await fleet.Tctl("auth", "rotate", "user");
        Assert.Equal(1, waits.ExitCode);
        Assert.Contains(hosts[2].Name, waits.Error, StringComparison.Ordinal);
        Assert.Contains(hosts[Written + 1].Name, waits.Error, StringComparison.Ordinal);
        await BringBack();
        await Fetch();

        // Others are away while the keys change places. They know both.
        await Eventually.Holds(async () => !(await fleet.Tctl("auth", "rotate", "--status")).Output.Contains("not confirmed", StringComparison.Ordinal), "every host has confirmed");
        await TakeAway(hosts[5], hosts[Written + 2]);
        await Step("switched", 5);
        await BringBack();
        await Daemon.Myself.Types("tsh", "login");
        var after = Kept("after");
        Assert.Equal(Daemon.PublicKey("user_ca_next"), OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(after)).SignatureKey);
        await Each(host => Enters(host, before));
        await Each(host => Enters(host, after));
        await Each(host => Refuses(host, outcast));

        // The old key leaves, and everything that it signed with it.
        (await RotationTests.RevokeAllOf(fleet, oldKey)).Done();
        await TakeAway(hosts[9], hosts[Written + 3]);
        await Step("", 4);
        await BringBack();
        await Fetch();
        await Eventually.Holds(() => hosts.All(host => File.ReadAllLines(host["certauthority/user_ca.pub"]).Length == 1));
        await over.CancelAsync();
        var entered = await load;
        Assert.True(entered >= 10, $"{entered}");
        await Each(host => Enters(host, after));
        await Each(host => Refuses(host, before));
        await Each(host => Refuses(host, outcast));
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
            if (answer.ExitCode == 0)
                await Refuses(hosts[n % Written], revoked, Path.Combine(person.Home, "id"));
        }
        return entered;
    }

    /// <summary>Takes a step, during which the daemon is killed at one of its writes, and takes it to its end.</summary>
    private async Task Step(string to, int write)
    {
        var died = await RotationTests.Struck(Daemon, write, () => fleet.Tctl("auth", "rotate", "user"));
        if (died)
        {
            await Daemon.Ended();
            await Daemon.Restart();
        }
        Assert.True(died, $"the daemon makes fewer than {write} writes");
        await Eventually.Holds(async () => await RotationTests.StepOf(fleet) == to || (await fleet.Tctl("auth", "rotate", "user")).ExitCode == 0, $"the rotation is {to}");
        await Eventually.Holds(async () => await RotationTests.StepOf(fleet) == to, $"the rotation is {to}");
    }

    private async Task Enters(FleetHost host, string certificate, string? key = null)
    {
        var outcome = await fleet.Entering(host, certificate, key ?? Id);
        // Whoever is away lets nobody in; whoever went away or came back meanwhile is asked once more.
        if (outcome.ExitCode != 0 && away.ContainsKey(host))
            return;
        Assert.True(outcome is { ExitCode: 0, Output: "entered\n" }, $"{host.Name}, {Path.GetFileName(certificate)}: {outcome}\n{string.Join('\n', host.Log.Split('\n')[^6..])}");
    }

    private async Task Refuses(FleetHost host, string certificate, string? key = null)
    {
        var outcome = await fleet.Entering(host, certificate, key ?? Id);
        Assert.True(
            outcome.ExitCode == 255 && (outcome.Error.Contains("Permission denied", StringComparison.Ordinal) || away.ContainsKey(host)),
            $"{host.Name}, {Path.GetFileName(certificate)}: {outcome}\n{string.Join('\n', host.Log.Split('\n')[^6..])}");
    }

    private Task Each(Func<FleetHost, Task> act) =>
        Parallel.ForEachAsync(hosts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (host, _) => await act(host));

    private async Task TakeAway(params FleetHost[] gone)
    {
        foreach (var host in gone)
            away[host] = true;
        await Task.WhenAll(gone.Select(host => host.Stop()));
    }

    private async Task BringBack()
    {
        await Task.WhenAll(away.Keys.Select(host => host.Restart()));
        away.Clear();
        // What they missed arrives by itself.
        await Eventually.Holds(() => WrittenTo.All(fleet.HasTheList));
    }

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
            var settings = Daemon.Scratch.Write(
                $"{host.Name}.conf",
                $"SOURCE={published["hosts"]}\nDIR={host["certauthority"]}\nNODE={host.Name}\nREPORT={published["reports"]}\nHOST_KEY={host["ssh_host_ed25519_key"]}\n");
            await Eventually.Holds(async () => (await Daemon.Administrator.Types(PulledHost.Puller, "--config", settings, "--new-ca")).ExitCode == 0, $"{host.Name} fetches");
        });
    }

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
