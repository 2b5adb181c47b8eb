using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Groups of hosts that fetch their files, from a source that somebody holds back and mixes, with sshd as the judge.</summary>
public sealed class FetchedGroupTests : IAsyncLifetime, IDisposable
{
    private readonly Scratch site = new();
    private EnrolledFleet fleet = null!;

    private string Published => site["published"];

    private string Reports => site["reports"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Reports);
        fleet = await EnrolledFleet.Start($"publish_dir: {Published}\nreports_dir: {Reports}\n");
    }

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    public void Dispose() => site.Dispose();

    [PeopleFact]
    public async Task Fetching_host_opens_by_its_groups_once_it_reports()
    {
        await using var db1 = await fleet.Host();
        (await fleet.Enroll(db1, "--labels=type=db", "--no-push")).Done();
        // Without a report, it is named one by one.
        await Declare();
        await Eventually.Holds(() => File.Exists($"{Published}/groups/x300") && File.Exists($"{Published}/groups/db1"));
        var first = await Copy("first");
        (await Pull(db1, Published, report: false)).Done();
        Assert.Matches("^dbs\\.[0-9a-f]{16}\n\\.\n$", await Groups(db1));
        Assert.Matches("db1 .* dbs \\(not confirmed: no report\\) ", (await fleet.Tctl("nodes", "ls", "--search=db1")).Done());
        (await fleet.Daemon.Myself.Types("tsh", "login", "--node=db1")).Done();
        Assert.Equal(["postgres@db1", "root@db1"], Principals());
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());

        await Confirmed(db1);
        Assert.Matches("db1 .* dbs  ", (await fleet.Tctl("nodes", "ls", "--search=db1")).Done());
        await ByGroup(db1);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        File.Copy($"{Reports}/db1", site["report"]);

        // The file of another host, an older one, and none: the list comes, the groups stay, and the host says so.
        await Regroup();
        (await Pull(db1, Published)).Done();
        var groups = await Groups(db1);
        var mixed = await Copy("mixed");
        foreach (var (spoil, told) in ((Action, string)[])
        [
            (() => File.Copy($"{mixed}/groups/x1", $"{mixed}/groups/db1", overwrite: true), "is that of x1, and this host is db1"),
            (() => File.Copy($"{first}/groups/db1", $"{mixed}/groups/db1", overwrite: true), "but this host already has its groups of list "),
            (() => File.Delete($"{mixed}/groups/db1"), "could not be fetched, and this host is in groups: "),
        ])
        {
            spoil();
            var refused = await Pull(db1, mixed);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains(told, refused.Error, StringComparison.Ordinal);
            Assert.Equal(groups, await Groups(db1));
        }
        await Eventually.Holds(async () => (await Node()).TryGetProperty("report", out var report) && report.TryGetProperty("groups_fault", out var fault) && fault.GetString() == "refused", "the report is read");

        // Its sshd no longer reads them, and the report of before does not count again.
        await Confirmed(db1);
        (await db1.Run("cd /etc/ssh/sshd_config.d; cp 00-certauthority.conf /etc/ssh/good; sed -i 's|^AuthorizedPrincipalsCommand /bin/sh.*|AuthorizedPrincipalsCommand /usr/bin/printf %%s\\\\n%%s@db1\\\\n %u %u|' 00-certauthority.conf")).Done();
        (await Pull(db1, Published)).Done();
        await Eventually.Holds(async () => (await fleet.Tctl("nodes", "ls", "--search=db1")).Done().Contains("dbs (not confirmed: its sshd does not read them)", StringComparison.Ordinal), "it is not confirmed");
        File.Copy(site["report"], $"{Reports}/db1", overwrite: true);
        await Eventually.Holds(() => fleet.Daemon.Log.Contains($"the report {Reports}/db1 does not count: it is not later than the last one", StringComparison.Ordinal));
        Assert.False(await IsConfirmed());
        (await db1.Run("cp /etc/ssh/good /etc/ssh/sshd_config.d/00-certauthority.conf")).Done();
        await Confirmed(db1);
    }

    [PeopleFact]
    public async Task Host_that_left_opens_to_nobody_by_a_stale_file()
    {
        await using var db1 = await fleet.Host();
        await using var db2 = await fleet.EnrolledHost("db2");
        (await fleet.Enroll(db1, "--labels=type=db", "--no-push")).Done();
        await Declare();
        await Eventually.Holds(() => File.Exists($"{Published}/groups/db1"));
        await Confirmed(db1);
        await ByGroup(db1);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());
        var (key, old) = (Path.Combine(fleet.Daemon.Myself.Home, "id"), site["old-cert.pub"]);
        File.Copy($"{key}-cert.pub", old);
        var stale = await Groups(db1);

        // Its source is held back: it goes by what it has, and no certificate from now on opens it.
        var held = await Copy("held");
        await Label(db1, "web");
        await ByGroup(db2);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());
        (await Pull(db1, held)).Done();
        Assert.Equal(stale, await Groups(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);

        // Once the list is there, those of before do not either; and the file of before does not come back.
        (await Pull(db1, Published)).Done();
        Assert.Equal(".\n", await Groups(db1));
        Assert.Equal(255, (await fleet.Entering(db1, old, key)).ExitCode);
        var back = await Copy("back");
        File.Copy($"{held}/groups/db1", $"{back}/groups/db1", overwrite: true);
        Assert.Contains("but this host already has its groups of list ", (await Pull(db1, back)).Error, StringComparison.Ordinal);
        Assert.Equal(".\n", await Groups(db1));
        // Even on a host that has forgotten what it saw, it opens nothing.
        (await db1.Run("rm /etc/ssh/certauthority/groups*")).Done();
        (await Pull(db1, back)).Done();
        Assert.Equal(stale, await Groups(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        Assert.Equal(255, (await fleet.Entering(db1, old, key)).ExitCode);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());

        // It is in the group again, by another token.
        await Label(db1, "db");
        await Confirmed(db1);
        await ByGroup(db1);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
    }

    /// <summary>A group of so many hosts that no certificate holds them.</summary>
    private async Task Declare()
    {
        var nodes = Enumerable.Range(1, 300).Select(n => $"{{kind: node, version: v2, metadata: {{name: x{n}, labels: {{type: db}}}}, spec: {{addr: x{n}.example.com}}}}\n---\n");
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], string.Concat(nodes) + "{kind: node_group, version: v1, metadata: {name: dbs}, spec: {node_labels: {type: db}}}")).Done();
    }

    /// <summary>A host leaves the group, so that the others get another token.</summary>
    private async Task Regroup()
    {
        var before = await File.ReadAllTextAsync($"{Published}/groups/db1");
        (await fleet.Tctl("rm", "node/x300")).Done();
        await Eventually.Holds(async () => await File.ReadAllTextAsync($"{Published}/groups/db1") != before, "there is another token");
    }

    private async Task Label(FleetHost db1, string type)
    {
        var before = await File.ReadAllTextAsync($"{Published}/groups/db1");
        (await fleet.Daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: {type}}}}}, spec: {{addr: '127.0.0.1:{db1.Port}'}}}}")).Done();
        await Eventually.Holds(async () => await File.ReadAllTextAsync($"{Published}/groups/db1") != before, "it has other groups");
    }

    /// <summary>A login whose certificate names the token that a host has.</summary>
    private async Task ByGroup(FleetHost host)
    {
        await Eventually.Holds(async () =>
        {
            (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
            var token = (await Groups(host)).Split('\n')[0];
            return File.Exists(Path.Combine(fleet.Daemon.Myself.Home, "id-cert.pub")) && Principals().SequenceEqual([$"postgres@={token}", $"root@={token}"]);
        }, "the certificate names the group");
    }

    // Debian's awk is a link to /etc/alternatives, which the host has of its own.
    private Task<Outcome> Pull(FleetHost host, string source, bool report = true) => host.Run(
        $"mkdir -p /etc/alternatives; ln -sf /usr/bin/mawk /etc/alternatives/awk; printf 'SOURCE={source}\\nDIR=/etc/ssh/certauthority\\nNODE={host.Name}\\n{(report ? $"REPORT={Reports}\\n" : "")}' >/etc/ssh/pull.conf; {PulledHost.Puller} --config /etc/ssh/pull.conf");

    private static async Task<string> Groups(FleetHost host) => (await host.Run("cat /etc/ssh/certauthority/groups")).Done();

    private async Task<string> Copy(string name)
    {
        // The daemon goes on publishing meanwhile.
        await Eventually.Holds(async () =>
        {
            var before = await File.ReadAllTextAsync($"{Published}/manifest");
            if (Directory.Exists(site[name]))
                Directory.Delete(site[name], recursive: true);
            var copied = await fleet.Daemon.Administrator.Types("cp", "-a", Published, site[name]);
            return copied.ExitCode == 0 && await File.ReadAllTextAsync($"{Published}/manifest") == before;
        }, "a copy of one moment");
        return site[name];
    }

    private async Task<JsonElement> Node() =>
        JsonDocument.Parse((await fleet.Tctl("nodes", "ls", "--search=db1", "--format=json")).Done()).RootElement.EnumerateArray().Single(one => one.GetProperty("name").GetString() == "db1");

    private async Task<bool> IsConfirmed() => (await Node()).GetProperty("groups")[0].GetProperty("confirmed").GetBoolean();

    private Task Confirmed(FleetHost host) => Eventually.Holds(async () =>
    {
        (await Pull(host, Published)).Done();
        return await IsConfirmed();
    }, "its report confirms the group");

    private string[] Principals() =>
        [.. OpenSsh.Certificate.ParseLine(File.ReadAllText(Path.Combine(fleet.Daemon.Myself.Home, "id-cert.pub")).Trim()).Principals.Order(StringComparer.Ordinal)];
}
