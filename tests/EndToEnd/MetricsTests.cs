using System.Globalization;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What a monitor reads of a real daemon, with promtool of Debian's Prometheus as the judge.</summary>
public sealed class MetricsTests
{
    private static readonly string Alerts = Path.Combine(World.Repository, "config/monitoring/alerts.yaml");

    /// <summary>A daemon with everything of which there is a metric: a directory for hosts, a pending request, a backup.</summary>
    private static async Task<TestDaemon> Site()
    {
        var scratch = new Scratch();
        var daemon = await TestDaemon.Start(scratch, configuration: $"monitors: {{users: [bob]}}\npublish_dir: {scratch["published"]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "backup", daemon.Scratch["backup.db"])).Done();
        return daemon;
    }

    [PeopleFact]
    public async Task Monitor_reads_metrics_that_promtool_accepts()
    {
        await using var daemon = await Site();
        await DaemonTests.FileRequest(daemon);
        File.WriteAllText(daemon.Scratch["scrape"], (await daemon.Person(Person.Bob).Types("tctl", "status", "--format=prometheus")).Done());

        var judged = await daemon.Administrator.Types("sh", "-c", $"promtool check metrics <{daemon.Scratch["scrape"]}");

        Assert.Equal((0, "", ""), (judged.ExitCode, judged.Output, judged.Error));
        Assert.StartsWith("tctl: error: alice is not an administrator\n", (await daemon.Person(Person.Alice).Types("tctl", "status", "--format=prometheus")).Error);
    }

    /// <summary>The parser of Prometheus itself; it takes a time with each sample here, and none from a scrape.</summary>
    [PeopleFact]
    public async Task OpenMetrics_is_read_by_the_parser_of_Prometheus()
    {
        await using var daemon = await Site();
        await DaemonTests.FileRequest(daemon);
        var answer = (await daemon.Person(Person.Bob).Types("curl", "-si", "--unix-socket", daemon.Socket, "http://ca/metrics")).Done().Split("\r\n\r\n");
        Assert.Contains("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n", answer[0]);
        Assert.EndsWith("\n# EOF\n", answer[1]);
        File.WriteAllText(daemon.Scratch["timed"], Regex.Replace(answer[1], "^(?!#).+$", "$0 1700000000", RegexOptions.Multiline));

        var judged = await daemon.Administrator.Types("promtool", "tsdb", "create-blocks-from", "openmetrics", daemon.Scratch["timed"], daemon.Scratch["tsdb"]);

        Assert.True(judged.ExitCode == 0, judged.Output + judged.Error);
        // As many series as samples, so none is in there twice.
        var samples = answer[1].Split('\n').Count(line => line.Length > 0 && line[0] != '#');
        Assert.Contains($" {samples}  ", judged.Output);
    }

    [PeopleFact]
    public async Task Each_metric_of_rules_dashboard_and_page_is_in_a_scrape()
    {
        await using var daemon = await Site();
        await DaemonTests.FileRequest(daemon);
        var scraped = Names((await daemon.Administrator.Types("tctl", "status", "--format=prometheus")).Done(), "^[a-z_]+");
        // PostgresTests reads these: a daemon with a file has none of them.
        scraped.UnionWith(
            ((string[])["leads", "daemons_connected", "daemons_without_list", "standbys_connected", "replication_synchronous", "replication_lag_bytes", "replication_lag_seconds"])
                .Select(name => $"certauthority_{name}"));

        Assert.All(Names(File.ReadAllText(Alerts)), name => Assert.Contains(name, scraped));
        Assert.All(Names(File.ReadAllText(Path.Combine(World.Repository, "config/monitoring/dashboard.json"))), name => Assert.Contains(name, scraped));
        // The page lists each of them, and a histogram by its name without a suffix.
        Assert.Equal(
            scraped.Select(name => Regex.Replace(name, "_(bucket|sum|count)$", "")).Distinct().Order(StringComparer.Ordinal),
            Names(File.ReadAllText(Path.Combine(World.Repository, "docs/monitoring.md")), @"(?<=^\| .*`)certauthority_[a-z_]+(?=`.* \|)").Order(StringComparer.Ordinal));

        static HashSet<string> Names(string text, string pattern = "certauthority_[a-z_]+") =>
            [.. Regex.Matches(text, pattern, RegexOptions.Multiline).Select(match => match.Value)];
    }

    [ProgramFact("promtool")]
    public async Task Alert_rules_pass_their_tests()
    {
        (await TestDebian.Run("promtool", "check", "rules", Alerts)).Done();
        (await TestDebian.Run("promtool", "test", "rules", Path.Combine(World.Repository, "tests/alerts.yaml"))).Done();
        // Each rule is among those that a test expects to fire.
        var tests = File.ReadAllText(Path.Combine(World.Repository, "tests/alerts.yaml"));
        Assert.All(Regex.Matches(File.ReadAllText(Alerts), "alert: (?<name>\\w+)"), rule => Assert.Contains($"alertname=\"{rule.Groups["name"].Value}\"", tests));
    }

    [PeopleFact]
    public async Task Metrics_follow_what_happens()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var before = await Scrape(daemon);
        Assert.False(before.ContainsKey("certauthority_backup_timestamp_seconds"));
        Assert.False(before.ContainsKey("certauthority_requests_oldest_pending_timestamp_seconds"));
        Assert.Equal(1, before["certauthority_ready"]);

        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(1, (await daemon.Person(Person.Carol).Types("tsh", "login")).ExitCode);
        await DaemonTests.FileRequest(daemon);
        (await daemon.Administrator.Types("tctl", "backup", daemon.Scratch["backup.db"])).Done();
        var after = await Scrape(daemon);

        Assert.Equal(1, Grown("certauthority_certificates_issued_total{purpose=\"user\"}"));
        Assert.Equal(1, Grown("certauthority_logins_refused_total{code=\"denied\"}"));
        Assert.Equal(1, Grown("certauthority_calls_refused_total{code=\"denied\"}"));
        Assert.InRange(Grown("certauthority_commit_seconds_count"), 4, 20);
        Assert.Equal(Grown("certauthority_commit_seconds_count"), Grown("certauthority_commits_total{result=\"done\"}"));
        Assert.InRange(Grown("certauthority_commit_changes_sum"), 4, 20);
        Assert.Equal(1, after["certauthority_certificates_live"]);
        Assert.Equal(1, after["certauthority_requests_pending"]);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        Assert.All(
            ["certauthority_requests_oldest_pending_timestamp_seconds", "certauthority_backup_timestamp_seconds", "certauthority_start_timestamp_seconds",
                "certauthority_loop_last_turn_timestamp_seconds{loop=\"ClockWatch\"}", "certauthority_revocation_list_written_timestamp_seconds"],
            name => Assert.InRange(after[name], now - 100, now + 1));
        Assert.Equal(before["certauthority_start_timestamp_seconds"], after["certauthority_start_timestamp_seconds"]);

        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done();
        var revoked = await Scrape(daemon);
        Assert.Equal((0, 1), (revoked["certauthority_certificates_live"], revoked["certauthority_certificates_revoked"]));
        Assert.True(revoked["certauthority_revocation_list_publish_seconds_count"] > after["certauthority_revocation_list_publish_seconds_count"]);
        Assert.Matches(@"(?m)^last backup: \S+Z \(.+ ago\)$", (await daemon.Administrator.Types("tctl", "status")).Done());

        double Grown(string name) => after[name] - before[name];
    }

    [PeopleFact]
    public async Task No_metric_contains_what_a_caller_chose()
    {
        await using var daemon = await TestDaemon.Start(configuration: "notify: {command: [/bin/true, secretargument]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: secrethost}, spec: {addr: secrethost.example.com, push: true}}")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "secretuser", "--roles=staff")).Done();
        (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--reason=secretreason", "--nowait")).Done();
        (await daemon.Administrator.Types("curl", "-s", "--unix-socket", daemon.Socket, "http://ca/secretpath")).Done();
        (await daemon.Administrator.Types("curl", "-s", "--unix-socket", daemon.Socket, "http://ca/metrics?secretmember=1")).Done();

        var scrape = (await daemon.Administrator.Types("tctl", "status", "--format=prometheus")).Done();

        Assert.Contains("certauthority_hosts_written 1\n", scrape);
        Assert.DoesNotMatch("secret|dba|staff", scrape);
    }

    [PeopleFact]
    public async Task Daemon_with_a_wrong_clock_lives_and_is_not_ready()
    {
        using var scratch = new Scratch();
        var clock = new TimeOfDay(scratch.Path);
        await using var daemon = await TestDaemon.Start(scratch, clock.Around);
        // Neither an administrator nor a user.
        var carol = daemon.Person(Person.Carol);
        Assert.Equal("ready\n", (await carol.Types("tctl", "status", "--check")).Done());
        Assert.Contains("\"state\": \"ready\"", (await carol.Types("tctl", "status", "--check", "--format=json")).Done());

        clock.Set(TimeSpan.FromDays(60));
        var check = await carol.Types("tctl", "status", "--check");

        Assert.Equal((1, "", "tctl: error: the clock does not show the time that it should\n"), (check.ExitCode, check.Output, check.Error));
        Assert.Equal("503", (await Status("readyz")));
        Assert.Equal("200", (await Status("livez")));
        var scrape = await Scrape(daemon);
        Assert.Equal((0, 0), (scrape["certauthority_ready"], scrape["certauthority_clock_right"]));
        Assert.InRange(scrape["certauthority_clock_offset_seconds"], 59 * 86400, 61 * 86400);

        clock.Set(TimeSpan.Zero);
        Assert.Equal("ready\n", (await carol.Types("tctl", "status", "--check")).Done());
        await daemon.Stop();
        Assert.Equal(3, (await carol.Types("tctl", "status", "--check")).ExitCode);

        async Task<string> Status(string path) =>
            (await carol.Types("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", daemon.Socket, $"http://ca/{path}")).Done();
    }

    /// <summary>The value of each sample, by its name with its labels.</summary>
    private static async Task<Dictionary<string, double>> Scrape(TestDaemon daemon) =>
        (await daemon.Administrator.Types("tctl", "status", "--format=prometheus")).Done().Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))
            .ToDictionary(words => words[0], words => double.Parse(words[1], CultureInfo.InvariantCulture));
}
