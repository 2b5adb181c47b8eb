using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Auditors and monitors read what the configuration lets them, with the same programs as administrators, and change nothing.</summary>
public sealed class ReaderTests
{
    private const string Readers = "auditors: {users: [carol], groups: [deploy]}\nmonitors: {users: [bob]}\n";

    private static readonly Route[] ForMonitors =
    [
        Routes.GetStatus, Routes.ListHostsBehind, Routes.GetMetrics, Routes.GetPrometheusMetrics, Routes.GetLiveness, Routes.GetReadiness,
    ];

    private static readonly Route[] ForAuditors =
    [
        .. ForMonitors, Routes.ListRequests, Routes.GetRequest, Routes.ExplainAccess, Routes.ListEntrants, Routes.GetResources, Routes.ListKinds, Routes.ListNodes, Routes.ListJoins, Routes.ListJoinTokens,
        Routes.ListCertificates, Routes.ListAudit, Routes.GetCheckpoint, Routes.GetAuditTile, Routes.GetAuditEntries, Routes.ProveEntry,
        Routes.ListEntrantsEverywhere, Routes.StartAccessReview, Routes.SignAccessReview, Routes.ListAccessReviews, Routes.ListRotations,
    ];

    [PeopleFact]
    public async Task Auditor_reads_with_every_listing_command()
    {
        await using var daemon = await Site(Readers);
        var request = await DaemonTests.FileRequest(daemon);
        var (carol, root) = (daemon.Person(Person.Carol), daemon.Administrator);
        foreach (var command in (string[])
            [
                "tctl requests ls", $"tctl requests get {request}", "tctl audit ls", "tctl certs ls", "tctl get roles", "tctl get all", "tctl users ls",
                "tctl nodes ls", "tctl access who --node=db1 --possible", "tctl get locks --format=json",
            ])
            Assert.Equal((await root.Types(command.Split(' '))).Done(), (await carol.Types(command.Split(' '))).Done());
        // These two show the time and the room on the disk.
        (await carol.Types("tctl", "status")).Done();
        (await carol.Types("tctl", "access", "explain", "alice", "--node=db1")).Done();
        Assert.Equal(0, (await daemon.Administrator.Types("bash", "-c", "exec setpriv --reuid=5001 --regid=5001 --groups=\"$(id -g deploy)\" -- tctl users ls")).ExitCode);
        Assert.Equal(1, (await daemon.Person(Person.Alice).Types("tctl", "users", "ls")).ExitCode);
    }

    [PeopleFact]
    public async Task Auditor_and_monitor_change_nothing_and_each_try_is_audited()
    {
        await using var daemon = await Site(Readers);
        var request = await DaemonTests.FileRequest(daemon);
        var (carol, bob, root) = (daemon.Person(Person.Carol), daemon.Person(Person.Bob), daemon.Administrator);
        var before = await State();
        foreach (var command in (string[])
            [
                $"tctl requests approve {request}", $"tctl requests deny {request}", $"tctl requests rm {request}", "tctl requests create alice --roles=dba", "tctl lock --user=alice",
                "tctl users update alice --set-roles=dba", "tctl rm role/dba", "tctl nodes rm db1", "tctl nodes sync db1", "tctl certs revoke --all --yes", "tctl clock accept",
                "tctl backup HOME/copy.db", "tctl requests capabilities alice", "tctl auth export --type=krl",
            ])
        {
            await Refused(carol, command, "this needs an administrator; you are an auditor");
            await Refused(bob, command, "this needs an administrator; you are a monitor");
        }
        (await bob.Types("tctl", "status")).Done();
        foreach (var command in (string[])["tctl requests ls", "tctl audit ls", "tctl certs ls", "tctl get roles", "tctl nodes ls", "tctl access who --node=db1"])
            await Refused(bob, command, "this needs an administrator or an auditor; you are a monitor");
        Assert.Equal(before, await State());
        using var ca = daemon.Connect();
        // As of everybody, ten within a minute.
        foreach (var account in (string[])["carol", "bob"])
            Assert.InRange((await ca.Send(Routes.ListAudit, new ListAudit(Event: "access.refused", Account: account))).Entries.Length, 10, 20);

        async Task Refused(Person who, string command, string detail)
        {
            var outcome = await who.Types(command.Replace("HOME", Path.GetDirectoryName(who.Home), StringComparison.Ordinal).Split(' '));
            Assert.True(outcome is { ExitCode: 1, Output: "" } && outcome.Error.Contains($"tctl: error: {detail}\n", StringComparison.Ordinal), $"{command}: {outcome}");
        }

        async Task<string> State() =>
            (await root.Types("bash", "-c", "tctl get all --format=json; tctl requests ls --format=json; tctl certs ls --format=json; tctl nodes ls --format=json")).Done();
    }

    /// <summary>Without a program of ours in between: each route, as the socket answers it.</summary>
    [PeopleFact]
    public async Task Socket_refuses_readers_every_other_route()
    {
        await using var daemon = await Site(Readers);
        foreach (var route in Routes.All.Where(route => !route.Path.StartsWith("/v1/my/", StringComparison.Ordinal) && !route.Path.StartsWith("/v1/keys/", StringComparison.Ordinal)))
            foreach (var (who, mine) in ((uint, Route[])[])[(Person.Carol, ForAuditors), (Person.Bob, ForMonitors)])
            {
                var answer = (await daemon.Person(who).Types(
                    "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", route.Method, "--unix-socket", daemon.Socket, $"http://ca{route.Path.Replace('{', 'x').Replace('}', 'x')}")).Done();
                Assert.True(mine.Contains(route) == (answer != "403"), $"{who}: {route.Method} {route.Path}: {answer}");
            }
        // The administrators' socket is none of theirs.
        Assert.NotEqual(0, (await daemon.Person(Person.Carol).Types("curl", "-s", "--unix-socket", $"{daemon.Socket}.admin", "http://ca/v1/status")).ExitCode);
    }

    [PeopleFact]
    public async Task Reload_takes_the_right_to_read_away_at_once()
    {
        await using var daemon = await Site(Readers);
        var carol = daemon.Person(Person.Carol);
        (await carol.Types("tctl", "users", "ls")).Done();
        daemon.Scratch.Write("certauthority.yaml", "auditors: {users: [dora]}\nmonitors: {users: [bob]}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("the configuration was read again"));
        Assert.StartsWith("tctl: error: carol is not an administrator\n", (await carol.Types("tctl", "users", "ls")).Error);
        using var ca = daemon.Connect();
        var reloaded = (await ca.Send(Routes.ListAudit, new ListAudit(2))).Entries[1];
        Assert.Contains(new AuditChange("auditors.users", "carol"), reloaded.Changes!);
    }

    private static async Task<TestDaemon> Site(string configuration)
    {
        var daemon = await TestDaemon.Start(configuration: configuration);
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        return daemon;
    }
}
