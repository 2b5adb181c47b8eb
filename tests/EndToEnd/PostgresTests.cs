using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;
using Npgsql;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A server for all tests of the class; each has a schema of its own.</summary>
public sealed class PostgresServer : IDisposable
{
    internal TestPostgres Server { get; } = TestPostgres.Start();

    public void Dispose() => Server.Dispose();
}

/// <summary>The daemon on a PostgreSQL server, with sshd as the judge.</summary>
public sealed class PostgresTests(PostgresServer one) : IClassFixture<PostgresServer>, IDisposable
{
    private const string Secret = "correct-horse-battery";

    private readonly Scratch scratch = new();

    private TestPostgres Server => one.Server;

    public void Dispose() => scratch.Dispose();

    [PeopleFact]
    public async Task Request_approval_login_and_denial_work()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        var id = await DaemonTests.FileRequest(daemon);
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await daemon.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        var host = await TestHost.Create(daemon, "db1");
        Assert.True(await host.LetsIn(daemon.Myself, "postgres"), host.Log);

        (await daemon.Administrator.Types("tctl", "requests", "deny", id)).Done();
        Assert.False(await (await TestHost.Create(daemon, "db2")).LetsIn(daemon.Myself, "postgres"));
        Assert.Contains("request.denied", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
        Assert.False(File.Exists(daemon.File("certauthority.db")));
        await daemon.Stop();
        await daemon.Restart();
        Assert.Contains(id, (await daemon.Administrator.Types("tctl", "requests", "ls", "--state=denied")).Done(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kills_under_load_repeat_no_serial_and_lose_none()
    {
        await using var daemon = await Start(TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        var serials = new List<ulong>();
        for (var round = 0; round < 4; round++)
        {
            var (given, done) = Load(daemon);
            await Eventually.Holds(() => given.Count > 20);
            await daemon.Stop("KILL");
            await done;
            serials.AddRange(given);
            await daemon.Restart();
        }
        Assert.Equal(serials.Count, serials.Distinct().Count());
        var recorded = Query("SELECT serial FROM certificates").ToHashSet();
        Assert.All(serials, serial => Assert.Contains((long)serial, recorded));
    }

    [Fact]
    public async Task Stopped_server_is_unavailable_and_comes_back()
    {
        using var own = TestPostgres.Start();
        await using var daemon = await Start(server: own);
        await DaemonTests.Setup(daemon);
        own.Crash();
        var refused = await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("nothing was changed", refused.Error, StringComparison.Ordinal);
        own.Resume();
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).ExitCode == 0, "it serves again");
        Assert.False(daemon.HasEnded);
    }

    /// <summary>Both issue and decide; one alone writes lists and hosts, and the other takes that over when it is killed.</summary>
    [PeopleFact]
    public async Task Second_daemon_serves_beside_the_first_and_takes_over()
    {
        await using var daemon = await Start(TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = TestDaemon.Follows(folder, Configuration(TestDaemon.ManyLogins));
        await other.Served;
        var refused = await other.Administrator.Types("tctl", "users", "add", "late", "--roles=staff");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("another daemon leads, on ", refused.Error, StringComparison.Ordinal);

        // What one decides, the other does.
        var id = await DaemonTests.FileRequest(daemon);
        (await other.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var host = await TestHost.Create(daemon, "db1");
        (await other.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        Assert.True(await host.LetsIn(other.Myself, "postgres"), host.Log);
        (await daemon.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        Assert.True(await host.LetsIn(daemon.Myself, "postgres"), host.Log);
        (await other.Administrator.Types("tctl", "requests", "deny", id)).Done();
        Assert.False(await host.LetsIn(other.Myself, "postgres"));
        Assert.False(await host.LetsIn(daemon.Myself, "postgres"));

        var (first, second) = (Load(daemon), Load(other));
        await Eventually.Holds(() => first.Serials.Count > 20 && second.Serials.Count > 20);
        await daemon.Stop("KILL");
        await first.Done;
        await other.Leads();
        (await other.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
        var third = Load(other);
        await Eventually.Holds(() => third.Serials.Count > 20);
        await other.Stop();
        await Task.WhenAll(second.Done, third.Done);
        var serials = first.Serials.Concat(second.Serials).Concat(third.Serials).ToList();
        Assert.Equal(serials.Count, serials.Distinct().Count());
        var live = Query("SELECT serial FROM certificates WHERE revoked IS NULL").ToHashSet();
        Assert.All(serials, serial => Assert.Contains((long)serial, live));
    }

    /// <summary>Any of them answers, so that whoever looks at a failure need not know which one leads.</summary>
    [Fact]
    public async Task Status_shows_each_daemon_and_each_standby()
    {
        using var primary = TestPostgres.Start();
        using var standby = primary.StartStandby("s1");
        primary.Run("ALTER SYSTEM SET synchronous_standby_names = 's1'");
        primary.Run("SELECT pg_reload_conf()");
        await using var daemon = await Start(server: primary);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = TestDaemon.Follows(folder, Configuration(server: primary));
        await other.Served;
        foreach (var (asked, leads) in ((TestDaemon, bool)[])[(daemon, true), (other, false)])
        {
            var text = (await asked.Administrator.Types("tctl", "status")).Done();
            Assert.Matches($"(?m)^daemon: {Environment.MachineName} \\({daemon.DataDirectory}\\) leads since .*Z, last seen .* \\([0-2]s ago\\), version [0-9.]+(, revocation list \\d+)?{(leads ? "; this one answers" : "")}$", text);
            Assert.Matches($"(?m)^daemon: {Environment.MachineName} \\({other.DataDirectory}\\) follows since .*Z, last seen .*, version [0-9.]+(, revocation list \\d+)?{(leads ? "" : "; this one answers")}$", text);
            Assert.Contains("\nstandbys: 1 connected, commits wait for one\n", text, StringComparison.Ordinal);
            Assert.Matches("(?m)^standby s1: sync, streaming, \\d+ bytes and [0-9.]+s behind$", text);
            var status = JsonNode.Parse((await asked.Administrator.Types("tctl", "status", "--format=json")).Done())!;
            Assert.Equal(["leads", "follows"], status["daemons"]!.AsArray().Select(one => (string)one!["state"]!));
            Assert.InRange((double)status["replication"]!["standbys"]![0]!["lag_seconds"]!, 0, 10);
            Assert.Equal("1", Assert.Single(await Metric(asked, "standbys_connected")));
            Assert.Equal("2", Assert.Single(await Metric(asked, "daemons_connected")));
            Assert.Equal(leads ? "1" : "0", Assert.Single(await Metric(asked, "leads")));
            Assert.NotEmpty(await Metric(asked, "replication_lag_bytes"));
            Assert.NotEmpty(await Metric(asked, "replication_lag_seconds"));
            Assert.Equal("1", Assert.Single(await Metric(asked, "replication_synchronous")));
        }
        await daemon.Stop("KILL");
        await other.Leads();
        var after = (await other.Administrator.Types("tctl", "status")).Done();
        Assert.Matches($"(?m)^daemon: .* \\({other.DataDirectory}\\) leads since .*; this one answers$", after);
        Assert.Matches($"(?m)^daemon: .* \\({daemon.DataDirectory}\\) is gone, last seen ", after);
        Assert.Equal(2, after.Split("\ndaemon: ").Length - 1);
        await daemon.Restart();
        Assert.Equal(2, (await daemon.Administrator.Types("tctl", "status")).Done().Split("\ndaemon: ").Length - 1);
        standby.Crash();
        await Eventually.Holds(async () => (await other.Administrator.Types("tctl", "status")).ExitCode == 1, "it misses the standby");
        Assert.Contains(
            "the database server waits for a standby, and none is connected, so nothing can be changed",
            (await other.Administrator.Types("tctl", "status")).Error, StringComparison.Ordinal);
        standby.Resume();

        static async Task<string[]> Metric(TestDaemon asked, string name) =>
            [.. (await asked.Administrator.Types("tctl", "status", "--format=prometheus")).Done().Split('\n')
                .Where(line => line.StartsWith($"certauthority_{name} ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
    }

    /// <summary>The server shows its standbys to few accounts.</summary>
    [Fact]
    public async Task Status_says_which_right_shows_the_standbys()
    {
        using var primary = TestPostgres.Start();
        using var standby = primary.StartStandby("s1");
        primary.Run("ALTER SYSTEM SET synchronous_standby_names = 's1'");
        primary.Run("SELECT pg_reload_conf()");
        primary.Run("CREATE ROLE plain LOGIN; SELECT 1");
        primary.Run("CREATE SCHEMA plain AUTHORIZATION plain; SELECT 1");
        await using var daemon = await TestDaemon.Start(
            scratch, configuration: $"database: \"postgres:Host={primary.Folder};Database=postgres;Username=plain;Search Path=plain\"\n");
        Assert.Contains(
            "\nstandbys: 1 connected, commits wait for one; to see how far behind: GRANT pg_read_all_stats TO plain\n",
            (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        var status = JsonNode.Parse((await daemon.Administrator.Types("tctl", "status", "--format=json")).Done())!["replication"]!;
        Assert.Equal("""{"is_synchronous":true,"connected":1,"needs":"GRANT pg_read_all_stats TO plain"}""", status.ToJsonString());
        primary.Run($"{(string)status["needs"]!}; SELECT 1");
        Assert.Contains("\nstandby s1: sync, streaming, ", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Waiter_is_woken_by_an_approval_on_another_daemon()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = TestDaemon.Follows(folder, Configuration());
        await other.Served;
        foreach (var (asked, answers) in ((TestDaemon, TestDaemon)[])[(daemon, other), (other, daemon)])
        {
            var id = await DaemonTests.FileRequest(asked);
            using var waits = asked.Myself.Start("curl", "-s", "--unix-socket", asked.Socket, $"http://ca/v1/my/requests/{id}?wait=25s&after=1");
            (await answers.Administrator.Types("tctl", "requests", "approve", id)).Done();
            Assert.Contains("\"state\":\"APPROVED\"", await waits.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
        }
    }

    /// <summary>A daemon that follows does not sign by a key that is over, nor by one that it does not have.</summary>
    [PeopleFact]
    public async Task Follower_needs_the_keys_of_each_step_of_a_rotation()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = TestDaemon.Follows(folder, Configuration());
        await other.Served;
        (await daemon.Administrator.Types("tctl", "auth", "rotate", "user")).Done();
        Assert.Equal(1, await other.Ended());
        Assert.Contains("the CA keys have changed on the daemon that leads", other.Log, StringComparison.Ordinal);
        await other.Restart();
        (await other.Myself.Types("tsh", "login")).Done();

        (await daemon.Administrator.Types("tctl", "auth", "rotate", "user")).Done();
        Assert.Equal(1, await other.Ended());
        var refused = await TestDaemon.Refuses(folder, "--config", folder["certauthority.yaml"]);
        Assert.Contains("no file has the key SHA256:", refused.Error, StringComparison.Ordinal);
        Directory.Delete(folder["data"], recursive: true);
        CopyKeys(daemon, folder);
        await other.Restart();
        (await other.Myself.Types("tsh", "login")).Done();
        var line = await File.ReadAllTextAsync(Path.Combine(other.Myself.Home, "id-cert.pub"));
        Assert.Equal(daemon.PublicKey("user_ca_next"), OpenSsh.Certificate.ParseLine(line).SignatureKey);
    }

    /// <summary>systemd would end a daemon that said that it stops.</summary>
    [Fact]
    public async Task Daemon_that_begins_to_lead_says_that_it_is_ready_again()
    {
        await using var daemon = await Start();
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(folder["notify"]));
        await using var other = TestDaemon.Follows(folder, Configuration(), ["env", $"NOTIFY_SOCKET={folder["notify"]}"]);
        await other.Served;
        Assert.Equal("READY=1", await Told());
        await daemon.Stop();
        await other.Leads();
        Assert.Equal("READY=1", await Told());
        Assert.Equal(0, await other.Stop());
        Assert.Equal("STOPPING=1", await Told());

        async Task<string> Told()
        {
            var message = new byte[64];
            return Encoding.ASCII.GetString(message, 0, await systemd.ReceiveAsync(message).WaitAsync(TimeSpan.FromSeconds(20)));
        }
    }

    /// <summary>Whoever was paused finds out that another one took over, and writes nothing after it.</summary>
    [Fact]
    public async Task Paused_daemon_is_replaced_and_stops_when_it_wakes()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = TestDaemon.Follows(folder, Configuration());
        await other.Served;
        await daemon.Signal("STOP");
        await other.Leads();
        (await other.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
        await daemon.Signal("CONT");
        Assert.Equal(1, await daemon.Ended());
        Assert.Matches("another certauthority (works on|has worked on) postgres:", daemon.Log);
        Assert.Equal([1L], Query("SELECT count(DISTINCT holder) FROM writer"));
    }

    /// <summary>It may have been replaced by then. Here somebody else keeps its batches waiting; to be paused is the same.</summary>
    [PeopleFact]
    public async Task Daemon_that_was_silent_replaces_no_list_on_a_host()
    {
        var (hold, met) = (scratch["hold"], scratch["met"]);
        var config = scratch.Write("ssh_config", $"Host *\n    ProxyCommand sh -c 'touch {met}; while [ -e {hold} ]; do sleep 0.05; done; exec nc %h %p'\n");
        await using var daemon = await Start($"{TestDaemon.ManyLogins}push: {{ssh_config: {config}}}\n");
        var fleet = await EnrolledFleet.Around(daemon);
        await using var host = await fleet.EnrolledHost();
        await Eventually.Holds(() => fleet.HasTheList(host) && Sessions() == 0, "the host has its first list");
        var before = File.ReadAllBytes(host["certauthority/revoked.krl"]);
        (await daemon.Myself.Types("tsh", "login")).Done();

        // The next connection is held up, and then every batch.
        File.WriteAllText(hold, "");
        File.Delete(met);
        (await fleet.Tctl("certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => File.Exists(met), "it connects to the host");
        using (var outside = Open())
        {
            Run("BEGIN", outside);
            Run("SELECT begin_batch()", outside);
            var silent = System.Diagnostics.Stopwatch.StartNew();
            await Eventually.Holds(() => silent.Elapsed > TimeSpan.FromSeconds(3), "it is silent for so long that another one may lead");
            File.Delete(hold);
            await Eventually.Holds(() => Sessions() == 0, "it gives up");
            Assert.True(File.Exists(host["certauthority/revoked.krl.new"]), "the next list has arrived");
            Assert.Equal(before, File.ReadAllBytes(host["certauthority/revoked.krl"]));
            Run("ROLLBACK", outside);
        }
        await Eventually.Holds(() => fleet.HasTheList(host), "it tries again once it is sure to lead");

        int Sessions() => Directory.GetDirectories(daemon.File("push")).Length;
    }

    [Fact]
    public async Task Daemon_with_other_keys_does_not_follow()
    {
        await using var daemon = await Start();
        using var other = new Scratch();
        var refused = await TestDaemon.Refuses(other, "--config", other.Write("certauthority.yaml", Configuration()));
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches("(?m)^certauthority: error: postgres:.* belongs to daemons with the user CA key SHA256:.*, and this one has SHA256:.*; copy the data directory of the daemon that works there, or name another database$", refused.Error);
        await DaemonTests.Setup(daemon);
    }

    [Fact]
    public async Task Daemon_on_another_machine_needs_a_realm()
    {
        await using (var daemon = await Start("database_realm: one\n"))
            await daemon.Stop();
        Run("UPDATE realms SET machine = 'another'");
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration()));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("was last used by a daemon on another machine (another), whose uids may be other people here", refused.Error, StringComparison.Ordinal);
        await using var same = await Start("database_realm: one\n");
    }

    /// <summary>The account and the database of the page, which have no rights but their own.</summary>
    [Fact]
    public async Task Plain_account_and_database_of_the_page_are_enough()
    {
        Run("CREATE ROLE plain LOGIN");
        Run("CREATE DATABASE plain OWNER plain TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"database: \"postgres:Host={Server.Folder};Database=plain;Username=plain\"\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Contains($"database: postgres:{Server.Folder}/plain\n", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        await daemon.Stop();
        await daemon.Restart();
        Assert.DoesNotContain("restored", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promoted_synchronous_standby_is_used_without_a_restart()
    {
        using var primary = TestPostgres.Start();
        using var standby = primary.StartStandby("s1");
        primary.Run("ALTER SYSTEM SET synchronous_standby_names = 's1'");
        primary.Run("SELECT pg_reload_conf()");
        var link = scratch["server"];
        Directory.CreateSymbolicLink(link, primary.Folder);
        await using var daemon = await Start(TestDaemon.ManyLogins, primary, link);
        await DaemonTests.Setup(daemon);
        var (given, done) = Load(daemon);
        await Eventually.Holds(() => given.Count > 20);
        primary.Crash();
        standby.Run("SELECT pg_promote()");
        File.Delete(link);
        Directory.CreateSymbolicLink(link, standby.Folder);
        await done;
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).ExitCode == 0, "it serves again");
        Assert.False(daemon.HasEnded);
        Assert.Contains("was promoted, and has everything that it acknowledged", daemon.Log, StringComparison.Ordinal);
        await daemon.Stop();
        await daemon.Restart();
        Assert.Equal(0L, standby.Run($"SELECT count(*) FROM {TestPostgres.Schema(scratch.Path)}.audit WHERE event = 'daemon.restored'"));
        var recorded = (long)standby.Run($"SELECT count(*) FROM {TestPostgres.Schema(scratch.Path)}.certificates WHERE revoked IS NULL AND serial IN ({string.Join(',', given)})");
        Assert.Equal(given.Count, recorded);
    }

    /// <summary>The standby did not have everything that the daemon was told is kept.</summary>
    [Fact]
    public async Task Promoted_server_that_lost_a_change_ends_everything()
    {
        using var primary = TestPostgres.Start();
        var link = scratch["server"];
        Directory.CreateSymbolicLink(link, primary.Folder);
        await using var daemon = await Start(server: primary, host: link);
        await DaemonTests.Setup(daemon);
        // It comes while the daemon runs, so that the daemon has not refused it.
        using var standby = primary.StartStandby("s1");
        standby.Crash();
        (await daemon.Myself.Types("tsh", "login")).Done();
        primary.Crash();
        standby.Resume();
        standby.Run("SELECT pg_promote()");
        File.Delete(link);
        Directory.CreateSymbolicLink(link, standby.Folder);
        Assert.Equal(1, await daemon.Ended());
        Assert.True(daemon.Log.Contains("was promoted or restored and has lost what it acknowledged", StringComparison.Ordinal), daemon.Log);
        await daemon.Restart();
        Assert.Equal(1L, standby.Run($"SELECT count(*) FROM {TestPostgres.Schema(scratch.Path)}.audit WHERE event = 'daemon.restored'"));
    }

    /// <summary>The machine of the daemon that led is gone together with the primary.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_on_a_promoted_standby_takes_nothing_back(bool another)
    {
        using var primary = TestPostgres.Start();
        using var standby = primary.StartStandby("s1");
        primary.Run("ALTER SYSTEM SET synchronous_standby_names = 's1'");
        primary.Run("SELECT pg_reload_conf()");
        var link = scratch["server"];
        Directory.CreateSymbolicLink(link, primary.Folder);
        await using var daemon = await Start(TestDaemon.ManyLogins, primary, link);
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        await using var other = another ? TestDaemon.Follows(folder, Configuration(TestDaemon.ManyLogins, primary, link)) : null;
        if (other is not null)
            await other.Served;
        var (given, done) = Load(daemon);
        await Eventually.Holds(() => given.Count > 20);
        await daemon.Stop("KILL");
        primary.Crash();
        standby.Run("SELECT pg_promote()");
        File.Delete(link);
        Directory.CreateSymbolicLink(link, standby.Folder);
        await done;
        if (other is not null)
            await other.Leads();
        else
            await daemon.Restart();
        var leader = other ?? daemon;
        Assert.Contains("was promoted, and has everything that it acknowledged", leader.Log, StringComparison.Ordinal);
        (await leader.Myself.Types("tsh", "login")).Done();
        var schema = TestPostgres.Schema(scratch.Path);
        Assert.Equal(0L, standby.Run($"SELECT count(*) FROM {schema}.audit WHERE event = 'daemon.restored'"));
        Assert.Equal((long)given.Count, standby.Run($"SELECT count(*) FROM {schema}.certificates WHERE revoked IS NULL AND serial IN ({string.Join(',', given)})"));
    }

    /// <summary>What was issued in the moments that are lost opens nothing, and the rest stays as it was.</summary>
    [PeopleFact]
    public async Task Promotion_of_an_asynchronous_standby_costs_moments()
    {
        using var primary = TestPostgres.Start();
        var link = scratch["server"];
        Directory.CreateSymbolicLink(link, primary.Folder);
        using var standby = primary.StartStandby("s1");
        await using var daemon = await Start("database_allow_async: true\n", primary, link);
        Assert.Contains("a failover loses the last moments", daemon.Log, StringComparison.Ordinal);
        await DaemonTests.Setup(daemon);
        var id = await DaemonTests.FileRequest(daemon);
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await daemon.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        var host = await TestHost.Create(daemon, "db1");
        Assert.True(await host.LetsIn(daemon.Myself, "postgres"), host.Log);
        using var ca = daemon.Connect();
        var before = (await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"), CancellationToken.None)).Info!.Serial;
        primary.Run("SELECT pg_switch_wal()");
        await Eventually.Holds(() => Equals(standby.Run($"SELECT count(*) FROM {TestPostgres.Schema(scratch.Path)}.certificates WHERE serial = {before}"), 1L));
        standby.Crash();
        var lost = (await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"), CancellationToken.None)).Info!.Serial;
        primary.Crash();
        standby.Resume();
        standby.Run("SELECT pg_promote()");
        File.Delete(link);
        Directory.CreateSymbolicLink(link, standby.Folder);
        Assert.Equal(1, await daemon.Ended());
        await daemon.Restart();
        Assert.Contains("was promoted without having waited for its standby", daemon.Log, StringComparison.Ordinal);
        Assert.True(await host.LetsIn(daemon.Myself, "postgres"), host.Log);
        (await daemon.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        var list = daemon.RevocationList();
        Assert.False(IsRevoked(list, before));
        Assert.True(IsRevoked(list, lost));
        using var again = daemon.Connect();
        var next = (await again.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"), CancellationToken.None)).Info!.Serial;
        Assert.True(ulong.Parse(next) > ulong.Parse(lost) + 100_000);
        Assert.False(IsRevoked(daemon.RevocationList(), next));

        static bool IsRevoked(Krl list, string serial) =>
            list.Revoked.Any(range => range.First <= ulong.Parse(serial) && ulong.Parse(serial) <= range.Last);
    }

    /// <summary>Its receivers and groups would undo those of the other one.</summary>
    [Fact]
    public async Task Daemon_with_another_configuration_does_not_lead()
    {
        string Limits(int hours) => $"limits: {{access: {hours}h}}\n";
        await using var daemon = await Start(Limits(8));
        await DaemonTests.Setup(daemon);
        using var folder = new Scratch();
        CopyKeys(daemon, folder);
        var refused = await TestDaemon.Refuses(folder, "--config", folder.Write("certauthority.yaml", Configuration(Limits(12))));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("limits.access (8h there, 12h here); make them the same\n", refused.Error, StringComparison.Ordinal);
        await using var other = TestDaemon.Follows(folder, Configuration(Limits(8)));
        await other.Served;

        scratch.Write("certauthority.yaml", Configuration(Limits(6)));
        await daemon.Signal("HUP");
        await Eventually.Holds(() => other.Log.Contains("limits.access (6h there, 8h here); this daemon does not lead meanwhile", StringComparison.Ordinal), "it notices");
        await daemon.Stop("KILL");
        (await other.Myself.Types("tsh", "login")).Done();
        folder.Write("certauthority.yaml", Configuration(Limits(7)));
        await other.Signal("HUP");
        await Eventually.Holds(() => other.Log.Contains("the configuration was not read again", StringComparison.Ordinal), "it refuses");
        Assert.NotEqual(0, (await other.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).ExitCode);

        folder.Write("certauthority.yaml", Configuration(Limits(6)));
        await other.Signal("HUP");
        await Eventually.Holds(async () => (await other.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).ExitCode == 0, "it leads");
        await other.Stop();

        // Once it is on another machine, a daemon that starts alone must agree too, or say that it decides.
        Run("UPDATE shared_settings SET machine = 'another'");
        var alone = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration(Limits(9))));
        Assert.Contains("limits.access (6h there, 9h here); make them the same, or start with --adopt-configuration", alone.Error, StringComparison.Ordinal);
        await daemon.Restart("--adopt-configuration");
        Assert.Equal([1L], Query("SELECT count(*) FROM shared_settings WHERE settings LIKE '%9h%' AND machine <> 'another'"));
    }

    /// <summary>Certificates end by the clock of whichever daemon looks at them.</summary>
    [Fact]
    public async Task Machine_whose_clock_is_off_grants_nothing()
    {
        var time = new TimeOfDay(scratch.Path);
        Server.Create(scratch.Path);
        await using var daemon = await TestDaemon.Start(scratch, around: time.Around, configuration: Configuration());
        await DaemonTests.Setup(daemon);
        var id = await DaemonTests.FileRequest(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        foreach (var (seconds, words) in ((int, string)[])[(4, "ahead of"), (-4, "behind")])
        {
            time.Set(TimeSpan.FromSeconds(seconds));
            await Eventually.Holds(() => daemon.Log.Contains($" {words} the one of", StringComparison.Ordinal), "it notices");
            var refused = await daemon.Myself.Types("tsh", "login");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains($"{words} the one of its database, so nothing is granted", refused.Error, StringComparison.Ordinal);
            Assert.Equal(1, (await daemon.Administrator.Types("tctl", "requests", "approve", id)).ExitCode);
            (await daemon.Administrator.Types("tctl", "lock", $"--login=nobody{-seconds + 4}")).Done();
            time.Set(TimeSpan.Zero);
            await Eventually.Holds(async () => (await daemon.Myself.Types("tsh", "login")).ExitCode == 0, "it grants again");
        }
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
    }

    [Fact]
    public async Task Standby_that_nobody_waits_for_is_refused_by_name()
    {
        using var primary = TestPostgres.Start();
        using var standby = primary.StartStandby("s1");
        primary.Create(scratch.Path);
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration(server: primary)));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("has a standby that it does not wait for", refused.Error, StringComparison.Ordinal);
        Assert.Contains("set synchronous_standby_names", refused.Error, StringComparison.Ordinal);
        var written = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration(server: standby)));
        Assert.Contains("is a standby, which cannot be written to; name the primary", written.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_is_away_keeps_the_daemon_from_starting()
    {
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration(host: scratch["nobody"])));
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches("^certauthority: error: postgres:.*/nobody/postgres cannot be reached: .*\n$", refused.Error);
    }

    [Fact]
    public async Task Daemon_whose_database_was_taken_over_stops()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        // As if another daemon had worked on it while this one had no connection.
        Run("UPDATE writer SET holder = 'another'; SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = hashtext(current_schema())::oid");
        Assert.NotEqual(0, (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).ExitCode);
        Assert.Equal(1, await daemon.Ended());
        Assert.Contains("another certauthority has worked on postgres:", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Newer_schema_is_refused()
    {
        await using (var daemon = await Start())
            await daemon.Stop();
        Run("UPDATE schema_version SET version = 99");
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration()));
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches("(?m)^certauthority: error: postgres:.* was written by a newer certauthority \\(schema 99, this one knows \\d+\\); install that version or a later one$", refused.Error);
    }

    [Fact]
    public async Task Server_without_fsync_is_refused()
    {
        using var own = TestPostgres.Start();
        own.Run("ALTER SYSTEM SET fsync = off");
        own.Run("SELECT pg_reload_conf()");
        await Eventually.Holds(() => (string)own.Run("SHOW fsync") == "off");
        own.Create(scratch.Path);
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("certauthority.yaml", Configuration(server: own)));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("has fsync off, so that it loses what it acknowledged", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>The server has committed, and its answer never arrives.</summary>
    [Fact]
    public async Task Commit_whose_answer_is_lost_is_found_and_confirmed()
    {
        using var proxy = new LostAnswer(Server.Folder, scratch);
        await using var daemon = await Start(host: proxy.Folder);
        await DaemonTests.Setup(daemon);
        proxy.LoseAfter("late");
        (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
        Assert.Equal(1, proxy.Lost);
        Assert.Contains("late", (await daemon.Administrator.Types("tctl", "users", "ls")).Done(), StringComparison.Ordinal);
        Assert.False(daemon.HasEnded);
    }

    /// <summary>The connection dies while the server commits, so that the batch is undone.</summary>
    [Fact]
    public async Task Commit_that_never_happened_is_reported_as_undone()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        Run("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$");
        Run("CREATE CONSTRAINT TRIGGER deadly AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()");
        var refused = await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("nothing was changed", refused.Error, StringComparison.Ordinal);
        Run("DROP TRIGGER deadly ON users");
        (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
        Assert.False(daemon.HasEnded);
    }

    [Fact]
    public async Task Commit_that_cannot_be_looked_up_is_unknown()
    {
        using var proxy = new LostAnswer(Server.Folder, scratch);
        await using var daemon = await Start(host: proxy.Folder);
        await DaemonTests.Setup(daemon);
        proxy.LoseAfter("late", andRefuse: true);
        var unknown = await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff");
        Assert.NotEqual(0, unknown.ExitCode);
        Assert.DoesNotContain("nothing was changed", unknown.Error, StringComparison.Ordinal);
        await Eventually.Holds(() => daemon.HasEnded);
        Assert.Equal(1, await daemon.Ended());
        Assert.Contains("whether it was kept is not known", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Password_is_never_shown()
    {
        Run($"ALTER ROLE certauthority PASSWORD '{Secret}'");
        var file = scratch.Write("password", $"{Secret}\n");
        File.SetUnixFileMode(file, (UnixFileMode)0b110_000_000);
        await using var daemon = await Start($"database_password: {{file: {file}}}\n");
        await DaemonTests.Setup(daemon);
        var shown = new StringBuilder(daemon.Log);
        foreach (var words in (string[][])[["tctl", "status"], ["tctl", "status", "--format=json"], ["tctl", "audit", "ls", "--format=json"], ["tctl", "backup", scratch["copy.db"]]])
        {
            var outcome = await daemon.Administrator.Types(words);
            shown.Append(outcome.Output).Append(outcome.Error);
        }
        Assert.DoesNotContain(Secret, shown.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, await File.ReadAllTextAsync($"/proc/{daemon.ProcessId}/cmdline"), StringComparison.Ordinal);
        Assert.Contains("the server's own tools back it up", shown.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(scratch["copy.db"]));
    }

    [Fact]
    public async Task Database_of_another_server_counts_as_a_restored_backup()
    {
        await using var daemon = await Start();
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        await daemon.Stop();
        Run("UPDATE writer SET timeline = '00000099'");
        await daemon.Restart();
        Assert.Contains("is another server than in the last run, or one that was restored or has lost something", daemon.Log, StringComparison.Ordinal);
        Assert.Equal([0L], Query("SELECT count(*) FROM certificates WHERE revoked IS NULL"));
        Assert.Equal([1L], Query("SELECT count(*) FROM audit WHERE event = 'daemon.restored'"));
    }

    // As docs/postgresql.md says, while the daemon runs: it writes to files that have another name a moment later.
    internal static void CopyKeys(TestDaemon daemon, Scratch to)
    {
        // tar ends with 1 if one was replaced as it read it; the copy has the former one.
        const string Copy = "mkdir -p -m 700 \"$2\" && { tar -C \"$1\" --exclude='*.unfinished-*' --exclude='*.spare' -c . || [ $? = 1 ]; } | tar -C \"$2\" -x";
        using var copy = System.Diagnostics.Process.Start("bash", ["-o", "pipefail", "-c", Copy, "bash", daemon.DataDirectory, to["data"]]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
    }

    private Task<TestDaemon> Start(string more = "", TestPostgres? server = null, string? host = null)
    {
        (server ?? Server).Create(scratch.Path);
        return TestDaemon.Start(scratch, configuration: Configuration(more, server, host));
    }

    private string Configuration(string more = "", TestPostgres? server = null, string? host = null)
    {
        var options = (server ?? Server).Options(TestPostgres.Schema(scratch.Path));
        options["Host"] = host ?? options["Host"];
        return $"database: \"postgres:{string.Join(';', options.Select(option => $"{option.Key}={option.Value}"))}\"\n{more}";
    }

    private NpgsqlConnection Open()
    {
        var connection = Server.Connection(scratch.Path);
        connection.Open();
        return connection;
    }

    private List<long> Query(string sql)
    {
        using var connection = Open();
        using var command = new NpgsqlCommand(sql, connection);
        using var rows = command.ExecuteReader();
        var found = new List<long>();
        while (rows.Read())
            found.Add(rows.GetInt64(0));
        return found;
    }

    private void Run(string sql)
    {
        using var connection = Open();
        Run(sql, connection);
    }

    private static void Run(string sql, NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static (ConcurrentQueue<ulong> Serials, Task Done) Load(TestDaemon daemon)
    {
        var serials = new ConcurrentQueue<ulong>();
        return (serials, Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LogIn())));

        async Task LogIn()
        {
            using var ca = daemon.Connect();
            try
            {
                while (true)
                    serials.Enqueue(ulong.Parse((await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"), CancellationToken.None)).Info!.Serial));
            }
            catch (Exception e) when (e is ProblemException or UnreachableException)
            {
                // The daemon was killed.
            }
        }
    }

    /// <summary>Stands between a daemon and a server, and can swallow the answer to a COMMIT.</summary>
    private sealed class LostAnswer : IDisposable
    {
        private static readonly byte[] Committed = [(byte)'C', 0, 0, 0, 11, .. "COMMIT\0"u8];

        private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly string server;
        private byte[]? awaited;
        private volatile bool isArmed;
        private volatile bool willRefuse;
        private volatile bool isRefusing;

        public LostAnswer(string server, Scratch scratch)
        {
            this.server = Path.Combine(server, ".s.PGSQL.5432");
            Folder = Directory.CreateDirectory(scratch["proxy"]).FullName;
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Folder, ".s.PGSQL.5432")));
            listener.Listen();
            _ = Accept();
        }

        public string Folder { get; }

        public int Lost { get; private set; }

        /// <summary>Loses the answer to the first COMMIT after the daemon sent a text.</summary>
        public void LoseAfter(string text, bool andRefuse = false) => (willRefuse, awaited) = (andRefuse, Encoding.UTF8.GetBytes(text));

        public void Dispose() => listener.Dispose();

        private async Task Accept()
        {
            try
            {
                while (true)
                {
                    var client = await listener.AcceptAsync();
                    if (isRefusing)
                        client.Dispose();
                    else
                        _ = Serve(client);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private async Task Serve(Socket client)
        {
            using var upstream = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            using (client)
                try
                {
                    await upstream.ConnectAsync(new UnixDomainSocketEndPoint(server));
                    await Task.WhenAny(Pass(client, upstream, canLose: false), Pass(upstream, client, canLose: true));
                }
                catch (SocketException)
                {
                    // Either side has ended.
                }
        }

        private async Task Pass(Socket from, Socket to, bool canLose)
        {
            var buffer = new byte[65536];
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                var bytes = buffer.AsMemory(0, count);
                if (!canLose && awaited is { } text && bytes.Span.IndexOf(text) >= 0)
                    (awaited, isArmed) = (null, true);
                // Reading commits too, but no answer of commit_batch is before that.
                if (canLose && isArmed && bytes.Span.IndexOf(Committed) >= 0 && bytes.Span.IndexOf("SELECT 1\0"u8) >= 0)
                {
                    (isRefusing, isArmed) = (willRefuse, false);
                    Lost++;
                    return;
                }
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
    }
}
