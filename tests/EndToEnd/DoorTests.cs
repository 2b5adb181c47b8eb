using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Accounts that flood the daemon's socket, or only hold connections to it, and what others still can do meanwhile.</summary>
public sealed class DoorTests
{
    private static readonly string Flood = Path.Combine(World.Repository, "tests", "flood");

    [PeopleTheory]
    [InlineData(1024)]
    [InlineData(524288)]
    public async Task Root_can_lock_within_a_second_during_any_flood(int descriptors)
    {
        // As many as this machine allows, for not every one lets root raise its limit.
        await using var daemon = await TestDaemon.Start(around: ["sh", "-c", $"ulimit -Hn {descriptors} 2>/dev/null; exec \"$@\"", "sh"]);
        await Alice(daemon);
        // Whatever grows with the first calls has grown.
        await Lock(daemon, 3);
        var (memory, open) = (Memory(daemon), Descriptors(daemon));

        foreach (var how in (string[])["close", "hold", "half"])
        {
            using var first = new Attack(daemon, Person.Bob, how);
            using var second = new Attack(daemon, Person.Carol, how);
            await Eventually.Holds(() => first.Made > 0 && second.Made > 0);

            var median = await Lock(daemon, 10);

            Assert.True(median < TimeSpan.FromSeconds(1), $"{how}: tctl lock takes {median}");
            // A user is served too, if not as fast.
            (await daemon.Person(Person.Alice).Types("tsh", "request", "ls")).Done();
            Assert.InRange(Descriptors(daemon), 1, open + 80);
            Assert.InRange(Memory(daemon), 1, memory + (64 << 20));
        }

        await Eventually.Holds(() => Descriptors(daemon) <= open + 5);
        // Told with the next look at the socket, which is at most ten seconds away.
        await Eventually.Holds(() => daemon.Log.Contains("turned away"));
        Assert.Matches("ca.sock: [0-9]+ connections were turned away, [0-9]+ of them of uid 500[25]: too many at once, or too fast", daemon.Log);
        // One line a minute, and these few seconds are none.
        Assert.InRange(daemon.Log.Split('\n').Count(line => line.Contains("turned away")), 1, 2);
        Assert.DoesNotContain("Microsoft.AspNetCore", daemon.Log);
    }

    [PeopleFact]
    public async Task Only_administrators_reach_the_administrators_socket()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: "admins: {users: [alice], groups: [carol]}\n");
        var socket = $"{daemon.Socket}.admin";

        Assert.True(await Reaches(Person.Alice) && await Reaches(Person.Carol));
        Assert.False(await Reaches(Person.Bob));
        Assert.False(await Reaches(65534));
        (await daemon.Person(Person.Alice).Types("tctl", "users", "ls")).Done();
        Assert.Equal("tctl: error: bob is not an administrator\n", (await daemon.Person(Person.Bob).Types("tctl", "users", "ls")).Error.Split("tctl: hint")[0]);

        scratch.Write("certauthority.yaml", "admins: {users: [bob]}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => Reaches(Person.Bob), "the socket is open to bob");
        Assert.False(await Reaches(Person.Alice));
        Assert.False(await Reaches(Person.Carol));
        scratch.Write("certauthority.yaml", "limits: {}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(async () => !await Reaches(Person.Bob), "the socket is closed to bob");
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();

        async Task<bool> Reaches(uint uid) => (await daemon.Person(uid).Types("test", "-w", socket)).ExitCode == 0;
    }

    [PeopleFact]
    public async Task Connections_held_by_strangers_block_no_other_stranger()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        var held = Enumerable.Range(0, 12).SelectMany(i => Knock.As((uint)(100_000 + i), 10, daemon)).ToList();
        await Eventually.Holds(() => held.Count(one => one.IsClosed) >= 80);
        held.ForEach(one => one.SaysIfItCan("GET "));

        for (var i = 0; i < 3; i++)
            Assert.Contains("the account bob belongs to no user", (await daemon.Person(Person.Bob).Types("tsh", "request", "ls")).Error);
        (await daemon.Person(Person.Alice).Types("tsh", "request", "ls")).Done();
        held.ForEach(one => one.Dispose());
    }

    [PeopleFact]
    public async Task Hung_account_lookup_delays_nobody_else()
    {
        using var scratch = new Scratch();
        var root = new Person(null, scratch["admin"], "");
        var module = scratch["directory.so"];
        (await root.Types("gcc", "-shared", "-fPIC", "-o", module, Path.Combine(World.Repository, "tests/EndToEnd/nss_directory.c"))).Done();
        var switches = scratch.Write("nsswitch.conf", "passwd: files hesiod\ngroup: files\nshadow: files\n");
        var place = (await root.Types("sh", "-c", "ldconfig -p | sed -n 's/.*libnss_hesiod[.]so[.]2 .*=> //p' | head -1")).Done().Trim();
        await using var daemon = await TestDaemon.Start(scratch, around: ["unshare", "-m", "sh", "-c", $"mount --bind {switches} /etc/nsswitch.conf && mount --bind {module} {place} && exec \"$@\"", "sh"]);
        await Alice(daemon);
        await Lock(daemon, 1);

        const string call = "GET /v1/my/requests HTTP/1.1\r\nHost: ca\r\nConnection: close\r\n\r\n";
        var hanging = Knock.As(Hanging, 20, daemon).ConvertAll(one => one.Says(call).UntilClosed("", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)));
        var clock = Stopwatch.StartNew();
        (await daemon.Person(Person.Alice).Types("tsh", "request", "ls")).Done();
        Assert.Contains("the account bob belongs to no user", (await daemon.Person(Person.Bob).Types("tsh", "request", "ls")).Error);
        await Lock(daemon, 1);

        // They were all answered before the first question about that account was given up.
        Assert.DoesNotContain(hanging, one => one.IsCompleted && one.Result!.Contains("HTTP"));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        var answers = await Task.WhenAll(hanging);
        Assert.Contains(answers, answer => answer!.Contains("the system does not say which account has uid 7003: no answer within 3 s"));
        Assert.Contains(answers, answer => answer!.StartsWith("HTTP/1.1 503 "));
    }

    [PeopleFact]
    public async Task Half_closed_connection_gets_its_reply()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        var alice = daemon.Person(Person.Alice);
        var id = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", (await Asks("GET /v1/keys/user HTTP/1.1\\r\\nHost: ca\\r\\n\\r\\n")).Done());
        Assert.Contains("\"code\":\"invalid\"", (await Asks("""POST /v1/my/requests HTTP/1.1\r\nHost: ca\r\nContent-Length: 9\r\n\r\n{"no": 1}""")).Done());
        // Also one whose end comes with its last part.
        Assert.Contains("\"code\":\"invalid\"", (await alice.Types("sh", "-c", $$"""(printf 'POST /v1/my/requests HTTP/1.1\r\nHost: ca\r\nConten'; sleep 0.3; printf 't-Length: 9\r\n\r\n{"no'; sleep 0.3; printf '": 1}') | nc -N -U {{daemon.Socket}}""")).Done());
        // Also one that has to wait, and two at once.
        var waits = Asks($"GET /v1/my/requests/{id}?after=1&wait=25s HTTP/1.1\\r\\nHost: ca\\r\\n\\r\\nGET /v1/keys/user HTTP/1.1\\r\\nHost: ca\\r\\n\\r\\n");
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var answers = (await waits).Done();
        Assert.Contains("\"state\":\"APPROVED\"", answers);
        Assert.Equal(2, answers.Split("HTTP/1.1 200 OK").Length - 1);

        Task<Outcome> Asks(string what) => alice.Types("sh", "-c", $"printf '{what}' | nc -N -U {daemon.Socket}");
    }

    [PeopleFact]
    public async Task Disconnected_caller_frees_its_place_at_once()
    {
        await using var daemon = await TestDaemon.Start();
        await Alice(daemon);
        var id = (await daemon.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        await Eventually.Holds(() => Connections(daemon) == 0);

        var waits = Knock.As(Person.Alice, 20, daemon).ConvertAll(one => one.Says($"GET /v1/my/requests/{id}?after=1&wait=25s HTTP/1.1\r\nHost: ca\r\n\r\n"));
        await Eventually.Holds(() => Connections(daemon) == 20);
        var clock = Stopwatch.StartNew();
        waits.ForEach(one => one.Dispose());
        await Eventually.Holds(() => Connections(daemon) == 0);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"it took {clock.Elapsed}");
    }

    private const uint Hanging = 7003;

    private static async Task Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            """)).Done();
        (await daemon.Person(Person.Alice).Types("tsh", "request", "ls")).Done();
    }

    /// <summary>How long it takes root to lock somebody out: the median of several times.</summary>
    private static async Task<TimeSpan> Lock(TestDaemon daemon, int times)
    {
        var took = new List<TimeSpan>();
        for (var i = 0; i < times; i++)
        {
            var clock = Stopwatch.StartNew();
            (await daemon.Administrator.Types("tctl", "lock", "--user=mallory", "--ttl=1h")).Done();
            took.Add(clock.Elapsed);
        }
        took.Sort();
        return took[times / 2];
    }

    private static long Memory(TestDaemon daemon) =>
        1024 * long.Parse(File.ReadLines($"/proc/{daemon.ProcessId}/status").First(line => line.StartsWith("VmRSS:")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    // unix(7): what is accepted has the path of the listener and the state 03.
    private static int Connections(TestDaemon daemon) =>
        File.ReadLines("/proc/net/unix").Count(line => line.EndsWith(" " + daemon.Socket, StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5] == "03");

    private static int Descriptors(TestDaemon daemon) => Directory.GetFiles($"/proc/{daemon.ProcessId}/fd").Length;

    /// <summary>A process of another account that connects in a loop.</summary>
    private sealed class Attack : IDisposable
    {
        private readonly Process process;

        public Attack(TestDaemon daemon, uint uid, string how)
        {
            process = daemon.Person(uid).Start(Flood, daemon.Socket, how);
            process.OutputDataReceived += (_, line) => Made = line.Data is { Length: > 0 } text ? long.Parse(text) : Made;
            process.BeginOutputReadLine();
        }

        public long Made { get; private set; }

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
