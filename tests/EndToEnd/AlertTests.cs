using System.Text.Json;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The programs of docs/alerts.md over the audit of a daemon in which all of it happened: each finds its own story and no other.</summary>
public sealed class AlertTests
{
    private static readonly string[] Programs =
    [
        .. Regex.Matches(File.ReadAllText(Path.Combine(World.Repository, "docs", "alerts.md")), "^```jq\n(?<program>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)
            .Select(block => block.Groups["program"].Value),
    ];

    [PeopleFact]
    public async Task Each_program_finds_its_own_story_and_no_other()
    {
        using var scratch = new Scratch();
        var clock = new TimeOfDay(scratch.Path);
        var configuration = scratch.Write("c.yaml", "admins: {users: [carol, deploy]}\n" + TestDaemon.ManyLogins);
        await using var daemon = await TestDaemon.Start(scratch, clock.Around, ["--config", configuration]);
        var (root, me, alice, bob, carol, deploy, postgres) = (daemon.Administrator, daemon.Myself, daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol), daemon.Person(Uid("deploy")), daemon.Person(Uid("postgres")));
        // The policy is carol's, who approves nothing before her own story.
        (await carol.Types(["tctl", "create"], Policy())).Done();
        foreach (var (user, roles, account) in ((string, string, string)[])[("alice", "asks", "alice"), ("bob", "reviews", "bob"), ("postgres", "asks-two", "postgres"), ("me", "asks", Environment.UserName)])
            (await carol.Types("tctl", "users", "add", user, $"--roles={roles}", $"--unix-user={account}")).Done();
        var (overridden, own, rooted, many, late) = (await Files(postgres, "one"), await Files(me, "one"), await Files(alice, "rooted"), await Files(alice, "many"), await Files(alice, "one"));
        // From here on, an approval of one of these is not a fast one.
        var filed = System.Diagnostics.Stopwatch.StartNew();
        await Eventually.Holds(() => filed.Elapsed > TimeSpan.FromSeconds(6));

        var stories = new List<(long After, long Last, int Alerts)>();
        await Tell(1, async () => (await deploy.Types("tctl", "requests", "approve", overridden)).Done());
        await Tell(1, async () => (await root.Types("tctl", "requests", "approve", own)).Done());
        await Tell(1, async () =>
        {
            (await bob.Types("tsh", "request", "review", rooted, "--approve", "--yes")).Done();
            (await alice.Types("tsh", "login", $"--request-id={rooted}")).Done();
        });
        await Tell(1, async () =>
        {
            for (var n = 0; n < 10; n++)
                Assert.Equal(1, (await bob.Types("tctl", "users", "ls")).ExitCode);
        });
        await Tell(1, async () => (await bob.Types("tsh", "request", "review", await Files(alice, "few"), "--approve", "--yes")).Done());
        await Tell(1, async () =>
        {
            (await bob.Types("tsh", "request", "review", many, "--approve", "--yes")).Done();
            (await alice.Types("tsh", "login", $"--request-id={many}")).Done();
        });
        await Tell(1, async () =>
        {
            (await carol.Types(["tctl", "create"], Role("later", "app", "one"))).Done();
            (await carol.Types("tctl", "requests", "approve", late)).Done();
        });
        await Tell(1, async () =>
        {
            var made = (await deploy.Types("tctl", "lock", "--login=nobody")).Done().Split('\'')[1];
            (await deploy.Types("tctl", "rm", $"lock/{made}")).Done();
        });
        await Tell(1, async () =>
        {
            clock.Set(TimeSpan.FromDays(60));
            await Eventually.Holds(() => daemon.Log.Contains("nothing is granted until it is right again", StringComparison.Ordinal));
            clock.Set(TimeSpan.Zero);
            await Eventually.Holds(() => daemon.Log.Contains("the clock is where it should be again", StringComparison.Ordinal));
        });

        Assert.Equal(10, Programs.Length);
        List<string> all = [.. (await root.Types("tctl", "audit", "ls", "--order=oldest", "--format=jsonl")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        // The event of the last one comes with the proofs of the audit.
        all.Add($"{{\"seq\":{all.Count + 1},\"time\":\"2026-11-22T11:42:00Z\",\"event\":\"audit.proof_failed\"}}");
        stories.Add((all.Count - 1, all.Count, 1));
        foreach (var ((after, last, alerts), n) in stories.Select((story, n) => (story, n)))
        {
            var found = await Run(n, all);
            Assert.True(found.Count == alerts && found.TrueForAll(seq => seq > after && seq <= last), $"alert {n + 1} is for {after + 1} to {last}, and found {string.Join(", ", found)}");
            Assert.Empty(await Run(n, all.Where(line => !(Seq(line) > after && Seq(line) <= last))));
        }

        async Task Tell(int alerts, Func<Task> story)
        {
            var after = daemon.StoredAudit()[^1].Seq;
            await story();
            stories.Add((after, daemon.StoredAudit()[^1].Seq, alerts));
        }

        async Task<List<long>> Run(int program, IEnumerable<string> entries)
        {
            var run = await root.Types(["jq", "-cn", "-f", scratch.Write("program.jq", Programs[program])], string.Join('\n', entries) + "\n");
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Seq)];
        }

        async Task<string> Files(Person person, string role) => (await person.Types("tsh", "request", "create", $"--roles={role}", "--nowait", "--force")).Done().Split(' ')[1];
    }

    /// <summary>Times of one account in which it was refused, in seconds, and whether the ten newest of them are an alert.</summary>
    [Theory]
    [InlineData("0 6 12 18 24 30 36 42 48 54", 1)]
    [InlineData("0 7 14 21 28 35 42 49 56 63", 0)]
    [InlineData("0 100 101 102 103 104 105 106 107 108 109", 1)]
    [InlineData("0 1 2 3 4 5 6 7 8", 0)]
    public async Task Refusals_of_a_minute_are_counted_from_any_of_them(string seconds, int alerts)
    {
        using var scratch = new Scratch();
        var lines = seconds.Split(' ').Select((second, n) => $"{{\"seq\":{n},\"event\":\"access.refused\",\"account\":\"bob\",\"time\":\"{DateTimeOffset.UnixEpoch.AddSeconds(int.Parse(second)):yyyy-MM-ddTHH:mm:ss}Z\"}}");
        var other = lines.Select(line => line.Replace("bob", "eve", StringComparison.Ordinal)).Take(5);
        var run = await new Person(null, scratch.Path, "unix:/nowhere").Types(["jq", "-cn", "-f", scratch.Write("program.jq", Programs[3])], string.Join('\n', other.Concat(lines)) + "\n");
        Assert.Equal((0, alerts), (run.ExitCode, run.Output.Split('\n').Length - 1));
    }

    private static string Policy()
    {
        var nodes = Enumerable.Range(1, 25).Select(n => $"{{kind: node, version: v2, metadata: {{name: n{n}, labels: {{fleet: many{(n == 1 ? ", one: one" : "")}}}}}, spec: {{addr: n{n}}}}}");
        return string.Join("\n---\n", [
            .. nodes, Role("one", "app", "one"), Role("few", "web", "one"), Role("rooted", "root", "one"), Role("many", "app", "many", "fleet"),
            "{kind: role, version: v7, metadata: {name: asks}, spec: {allow: {request: {roles: [one, few, rooted, many]}}}}",
            "{kind: role, version: v7, metadata: {name: asks-two}, spec: {allow: {request: {roles: [one], thresholds: [{approve: 2, deny: 1}]}}}}",
            "{kind: role, version: v7, metadata: {name: reviews}, spec: {allow: {review_requests: {roles: [one, few, rooted, many]}}}}",
        ]);
    }

    private static string Role(string name, string login, string value, string label = "one") =>
        $"{{kind: role, version: v7, metadata: {{name: {name}}}, spec: {{allow: {{logins: [{login}], node_labels: {{{label}: {value}}}}}}}}}";

    private static uint Uid(string account) => uint.Parse(File.ReadLines("/etc/passwd").Single(line => line.StartsWith($"{account}:", StringComparison.Ordinal)).Split(':')[2]);

    private static long Seq(string line) => JsonDocument.Parse(line).RootElement.GetProperty("seq").GetInt64();
}
