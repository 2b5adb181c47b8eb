using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>tsh on a machine that ssh alone connects to the daemon's: logging in, waiting, being refused, and a key that can do nothing else.</summary>
public sealed class LaptopTests
{
    [PeopleFact]
    public async Task Laptop_logs_in_over_ssh_and_opens_db1()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;

        // Named once; from then on it is remembered.
        Assert.Contains("logins: deploy@web1\n", (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done());
        Assert.Contains("user: alice\n", (await alice.Types("tsh", "status")).Done());
        Assert.Equal("web1\n", (await alice.Types("bash", "-c", "tsh ls --format=json | jq -r '.[].name'")).Done());
        var refused = await alice.Types("tsh", "ssh", "postgres@db1", "id", "-un");
        Assert.Equal((1, "tsh: error: there is no node \"db1\" within reach of your certificates\ntsh: hint: tsh login --request-roles=dba\n"), (refused.ExitCode, refused.Error));

        using var wait = Wait.Start(alice, "tsh login --request-roles=dba");
        (await daemon.Administrator.Types("tctl", "requests", "approve", await wait.Filed())).Done();
        Assert.Contains("logins: deploy@web1, postgres@db1\n", (await wait.Ended()).Done());
        // Who alice is there is what sshd says; the daemon never hears of the laptop.
        Assert.Equal("5001\n", (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --format=json | jq '[.[] | select(.event == \"certificate.issued\") | .uid] | unique[]'")).Done());
        Assert.Equal("postgres\n", (await alice.Types("tsh", "ssh", "db1", "id", "-un")).Done());
        Assert.Contains("Accepted publickey for postgres", db1.Log);

        (await alice.Types("tsh", "logout")).Done();
        Assert.Equal("tsh: error: not logged in\ntsh: hint: tsh login\n", (await alice.Types("tsh", "status")).Error);
        // Where it was stays in mind.
        (await alice.Types("tsh", "login")).Done();
        await db1.Stop();
    }

    [PeopleFact]
    public async Task First_login_asks_for_the_server_and_needs_no_access_yet()
    {
        await using var daemon = await Laptop.Daemon();
        (await daemon.Administrator.Types(["tctl", "create", "-f"], """
            {kind: role, version: v8, metadata: {name: contractor}, spec: {allow: {request: {roles: [dba]}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [contractor]}}
            """)).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;

        var nowhere = await alice.Types("tsh", "login");
        Assert.Equal(
            (2, "", "tsh: error: no daemon is on this machine, and no other is named\ntsh: hint: name its host once, and it is remembered: tsh login --server=ssh://HOST\n"),
            (nowhere.ExitCode, nowhere.Output, nowhere.Error));
        using (var asked = Pty.Start(alice, "tsh login"))
        {
            await asked.Shows("which host has the daemon? ssh://");
            await asked.Press("no such thing\n");
            await asked.Shows("is not [USER@]HOST[:PORT]");
            await asked.Press("alice@auth1\n");
            Assert.Equal(0, await asked.Ended());
            Assert.Contains("no certificate yet; you can request: dba\r\n", asked.Shown);
        }

        // The server is remembered, and a request is enough from there.
        var again = await alice.Types("tsh", "login");
        Assert.Equal((0, "no certificate yet; you can request: dba\n"), (again.ExitCode, again.Output));
        Assert.EndsWith("tsh: hint: tsh login --request-roles=dba\n", again.Error);
        await laptop.Elevate();
        Assert.Contains("postgres@db1", (await alice.Types("tsh", "status")).Done());
        // Where nothing can be requested, a refusal is one.
        (await daemon.Administrator.Types(["tctl", "create", "-f"], "{kind: role, version: v8, metadata: {name: contractor}, spec: {allow: {}}}")).Done();
        Assert.Equal(1, (await alice.Types("tsh", "login")).ExitCode);
    }

    [PeopleFact]
    public async Task Administrator_can_work_from_another_machine()
    {
        await using var daemon = await Laptop.Daemon("admins: {users: [alice]}\n");
        await using var laptop = await Laptop.Create(daemon);
        Assert.Equal("user/alice\n", (await laptop.Alice.Types("bash", "-c", $"tctl --server {Laptop.Server} get users --format=json | jq -r '.[] | .kind + \"/\" + .metadata.name'")).Done());
    }

    [PeopleFact]
    public async Task One_command_uses_one_connection()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        (await laptop.Alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        // Asks for the certificate and for what is ready.
        Assert.Single(laptop.AuthLog.Split('\n'), line => line.Contains("Accepted publickey for alice", StringComparison.Ordinal));
        (await laptop.Alice.Types("tsh", "config")).Done();
        (await laptop.Alice.Types("tsh", "login")).Done();
        Assert.Equal(3, laptop.AuthLog.Split('\n').Count(line => line.Contains("Accepted publickey for alice", StringComparison.Ordinal)));
        // Nothing of it stays behind.
        await Eventually.Holds(() => !Relays().Any());
    }

    [PeopleFact]
    public async Task A_shared_connection_is_used_and_survives()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        File.AppendAllText(laptop.SshConfig, $"    ControlMaster auto\n    ControlPath {laptop.Home}/master\n    ControlPersist 1m\n    LocalForward 127.0.0.1:1 127.0.0.1:1\n    RemoteCommand echo not this\n");
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        (await alice.Types("tsh", "status")).Done();
        (await alice.Types("ssh", "-O", "check", "auth1")).Done();
        Assert.Single(laptop.AuthLog.Split('\n'), line => line.Contains("Accepted publickey for alice", StringComparison.Ordinal));
        (await alice.Types("ssh", "-O", "exit", "auth1")).Done();
    }

    public static TheoryData<string, string, int, string, string> Unreachable => new()
    {
        { "no such host", "ssh://nowhere.invalid", 3, "nowhere.invalid cannot be reached: ssh: Could not resolve hostname nowhere.invalid:", "is the network up, and the name right?" },
        { "nobody listens", "ssh://127.0.0.1:9", 3, "127.0.0.1 cannot be reached: ssh: connect to host 127.0.0.1 port 9: Connection refused", "is the network up, and the name right?" },
        { "not this key", "ssh://bob-is-nobody@auth1", 3, "auth1 does not let you in: bob-is-nobody@127.0.0.1: Permission denied (publickey).", "ssh -l bob-is-nobody auth1 must work first" },
        { "an unknown host key", "ssh://alice@stranger", 3, "the host key of stranger is not known", "connect once by hand and compare it: ssh -l alice stranger" },
        { "another host key", "ssh://alice@changed", 3, "the host key of changed has changed; somebody may be in between", "ask whoever runs it, then: ssh-keygen -R changed" },
        { "an account without a user", "ssh://deploy@auth1", 1, "the account deploy belongs to no user", "an administrator adds one: tctl users add NAME --roles=ROLE --unix-user=deploy" },
    };

    [PeopleTheory]
    [MemberData(nameof(Unreachable))]
    public async Task Connection_failures_are_explained(string what, string server, int exitCode, string error, string hint)
    {
        Assert.NotEmpty(what);
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var config = File.ReadAllText(laptop.SshConfig);
        File.WriteAllText(laptop.SshConfig, $"BatchMode yes\n{config}{config.Replace("auth1", "stranger")}{config.Replace("auth1", "changed")}");
        File.AppendAllText(laptop.KnownHosts, $"changed {File.ReadAllText(laptop.Key + ".pub")}");

        var said = await laptop.Alice.Types("tsh", "login", "--server", server);

        Assert.Equal((exitCode, ""), (said.ExitCode, said.Output));
        Assert.StartsWith($"tsh: error: {error}", said.Error);
        Assert.Contains($"\ntsh: hint: {hint}", said.Error);
        Assert.Equal(2, said.Error.Count(c => c == '\n'));
        // Nothing that failed is remembered.
        Assert.False(File.Exists(Path.Combine(laptop.TshHome, "profile")));
    }

    [PeopleFact]
    public async Task Anything_other_than_a_relay_is_explained()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        foreach (var (instead, error) in ((string, string)[])
        [
            ("/nowhere/tsh relay", "there is no tsh on auth1: "),
            ("/etc/passwd relay", "there is no tsh on auth1: "),
            ("tsh --server unix:/nowhere/ca.sock relay", "no daemon answers on auth1\n"),
            ("echo This account is currently not available.; exit 1", "what answers is not certauthority"),
            ("echo Go away >&2; exit 1", "auth1 answers, but not with a relay: Go away\n"),
            ("echo G1sySgpubyBlbnRyeRtdMDt4Bwo= | base64 -d >&2; exit 1", "auth1 answers, but not with a relay: no entry\\u{1b}]0;x\\u{7}\n"),
        ])
        {
            laptop.Authorize($"command=\"{instead}\"");
            var said = await laptop.Alice.Types("tsh", "login", "--server", Laptop.Server);
            Assert.Equal((3, ""), (said.ExitCode, said.Output));
            Assert.StartsWith($"tsh: error: {error}", said.Error);
            Assert.DoesNotContain('\u001b', said.Error);
        }
    }

    [PeopleFact]
    public async Task Restricted_key_can_only_talk_to_the_daemon()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        laptop.Authorize("command=\"tsh relay\",restrict");

        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        Assert.Contains("user: alice\n", (await alice.Types("tsh", "status")).Done());

        // The relay answers what is no HTTP, and the command is not run.
        Assert.DoesNotContain("uid=", (await alice.Types("ssh", "auth1", "id")).Output);
        var marker = Path.Combine(daemon.Scratch.Path, "home-5001-marker");
        await alice.Types("ssh", "auth1", $"touch {marker}");
        Assert.False(File.Exists(marker));
        Assert.NotEqual(0, (await alice.Types("bash", "-c", "echo ls | sftp -b - auth1")).ExitCode);
        var forwarded = await alice.Types("ssh", "-o", "ExitOnForwardFailure=yes", "-W", "127.0.0.1:9", "auth1");
        Assert.Contains("administratively prohibited", forwarded.Error);
    }

    [PeopleTheory]
    [InlineData("the daemon stops")]
    [InlineData("ssh is killed")]
    [InlineData("the way is gone")]
    public async Task A_wait_reconnects_by_itself(string what)
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        using var wait = Wait.Start(laptop.Alice, $"tsh request create --roles=dba --server {Laptop.Server}");
        var id = await wait.Filed();
        // It waits through its one connection.
        await Eventually.Holds(() => Relays().Any());
        switch (what)
        {
            case "the daemon stops":
                await daemon.Stop();
                await wait.NextTalk();
                await daemon.Restart();
                break;
            case "ssh is killed":
                // What only asks is asked again at once, and there is nothing to tell.
                var before = Relays().ToList();
                Kill(Processes("ssh", "tsh relay"));
                await Eventually.Holds(() => Relays().Except(before).Any());
                // Nobody reads its answers any more, so it does not wait for one.
                var clock = Stopwatch.StartNew();
                await Eventually.Holds(() => !Relays().Intersect(before).Any());
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"the old relay ended after {clock.Elapsed}");
                break;
            default:
                await laptop.StopSshd();
                await wait.NextTalk();
                await laptop.StartSshd();
                break;
        }
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();

        var ended = await wait.Ended();

        Assert.Equal((0, $"request {id} is APPROVED\n"), (ended.ExitCode, ended.Output));
        // Said once at most.
        Assert.DoesNotContain("warning", ended.Error);
    }

    [PeopleFact]
    public async Task Relay_whose_input_ends_prints_the_reply()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);

        var answered = await laptop.Alice.Types("sh", "-c", "printf 'GET /v1/my/requests HTTP/1.1\\r\\nHost: ca\\r\\n\\r\\n' | ssh auth1 tsh relay");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answered.Done());
        Assert.EndsWith("{\"requests\":[]}", answered.Output);
        await Eventually.Holds(() => !Relays().Any());
    }

    [PeopleFact]
    public async Task Wait_that_loses_access_ends_and_says_how_to_continue()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        using var wait = Wait.Start(laptop.Alice, $"tsh request create --roles=dba --server {Laptop.Server}");
        var id = await wait.Filed();
        await Eventually.Holds(() => Relays().Any());
        laptop.Unauthorize();
        Kill(Processes("ssh", "tsh relay"));

        var ended = await wait.Ended();

        Assert.Equal(3, ended.ExitCode);
        Assert.EndsWith($"tsh: error: auth1 does not let you in: alice@127.0.0.1: Permission denied (publickey).\ntsh: hint: the request stays; to wait on: tsh request show {id} --wait\n", ended.Error);
    }

    [PeopleFact]
    public async Task Each_profile_has_its_own_login()
    {
        await using var daemon = await Laptop.Daemon();
        (await daemon.Administrator.Types("tctl", "users", "add", "oncall", "--roles=access", "--unix-user=alice")).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        (await alice.Types("tsh", "--profile=night", "login", "--server=ssh://auth1", "--user=oncall")).Done();

        Assert.Contains("user: alice\n", (await alice.Types("tsh", "status")).Done());
        Assert.Contains("user: oncall\n", (await alice.Types("tsh", "status", "--profile=night")).Done());
        Assert.Contains("user: oncall\n", (await alice.Types("env", "TSH_PROFILE=night", "tsh", "status")).Done());
        Assert.Equal(
            "-ssh://alice@auth1alice\nnightssh://auth1oncall\n",
            (await alice.Types("bash", "-c", "tsh status --all | tail -n +3 | awk '{print $1 $2 $3}'")).Done());
        Assert.Equal("ssh://auth1\n", (await alice.Types("bash", "-c", "tsh status --all --format=json | jq -r '.[] | select(.profile == \"night\") | .server'")).Done());

        // After the end of one, its server and user are still its own.
        (await alice.Types("tsh", "logout", "--profile=night")).Done();
        Assert.Contains("user: alice\n", (await alice.Types("tsh", "status")).Done());
        Assert.Contains("user: oncall\n", (await alice.Types("tsh", "login", "--profile=night")).Done());
        Assert.Equal(2, (await alice.Types("tsh", "status", "--profile=../x")).ExitCode);
    }

    /// <summary>The relays that run.</summary>
    private static IEnumerable<int> Relays() => Processes("tsh", "relay");

    // Of this machine, which runs one test of this class at a time.
    private static int[] Processes(string program, string arguments) =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0).Where(pid =>
        {
            try
            {
                return pid > 0 && File.ReadAllText($"/proc/{pid}/cmdline").TrimEnd('\0').Split('\0') is [var name, .. var rest]
                    && Path.GetFileName(name) == program && string.Join(' ', rest).EndsWith(arguments, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }),
    ];

    private static void Kill(IEnumerable<int> processes)
    {
        foreach (var pid in processes)
            Process.GetProcessById(pid).Kill();
    }
}
