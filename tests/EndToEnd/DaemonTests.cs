using System.Diagnostics;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The life of the process: first start, second start, stopping, dying, and what it refuses to start on.</summary>
public sealed class DaemonTests
{
    [Fact]
    public async Task Daemon_watches_no_file()
    {
        await using var daemon = await TestDaemon.Start();
        // A line for each folder or file that is watched (proc_pid_fdinfo(5)).
        var watched = Directory.GetFiles($"/proc/{daemon.ProcessId}/fdinfo").SelectMany(File.ReadLines).Count(line => line.StartsWith("inotify ", StringComparison.Ordinal));
        Assert.Equal(0, watched);
    }

    [Fact]
    public async Task First_start_creates_keys_database_and_valid_KRL()
    {
        await using var daemon = await TestDaemon.Start();

        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(daemon.DataDirectory));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(daemon.File("user_ca")));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(daemon.File("host_ca")));
        Assert.NotEqual(await File.ReadAllTextAsync(daemon.File("user_ca.pub")), await File.ReadAllTextAsync(daemon.File("host_ca.pub")));
        Assert.Equal(await File.ReadAllTextAsync(daemon.File("user_ca.pub")), (await daemon.Administrator.Types("tctl", "auth", "export", "--type=user")).Done());
        Assert.StartsWith("ssh-ed25519 ", (await daemon.Administrator.Types("ssh-keygen", "-y", "-f", daemon.File("user_ca"))).Done());
        Assert.Contains("KRL version", (await daemon.Administrator.Types("ssh-keygen", "-Q", "-l", "-f", daemon.File("revoked.krl"))).Done());
        (await daemon.Administrator.Types("tctl", "auth", "export", "--type=krl", $"--out={daemon.Scratch["exported.krl"]}")).Done();
        Assert.Equal(await File.ReadAllBytesAsync(daemon.File("revoked.krl")), await File.ReadAllBytesAsync(daemon.Scratch["exported.krl"]));
        Assert.True(File.Exists(daemon.File("certauthority.db")));
    }

    [Fact]
    public async Task SIGTERM_exits_with_0_and_removes_the_socket()
    {
        await using var daemon = await TestDaemon.Start();

        Assert.Equal(0, await daemon.Stop());

        Assert.False(File.Exists(daemon.Socket));
        var late = await daemon.Administrator.Types("tctl", "users", "ls");
        Assert.Equal((3, ""), (late.ExitCode, late.Output));
    }

    [Fact]
    public async Task Stopping_daemon_answers_waiting_calls()
    {
        await using var daemon = await TestDaemon.Start();
        await Setup(daemon);
        var id = await FileRequest(daemon);
        // Nobody can write to this host.
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: gone}, spec: {addr: '127.0.0.1:1', push: true}}")).Done();
        (string Path, string Answer)[] calls =
        [
            ($"my/requests/{id}?wait=25s&after=1", "\"state\":\"PENDING\""), ("audit?wait=25s&order=oldest&user=nobody", "\"entries\":[]"),
            ("my/hosts/behind?wait=25s", "the daemon is stopping"),
        ];
        var waits = calls.Select(call => daemon.Myself.Start("curl", "-s", "--unix-socket", daemon.Socket, $"http://ca/v1/{call.Path}")).ToList();
        // A connection of the daemon's side: it has the path of the socket and the state 03.
        await Eventually.Holds(() => File.ReadLines("/proc/net/unix").Count(line => line.EndsWith($" {daemon.Socket}", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5] == "03") == calls.Length);
        // Answered within the drain, long before the 25 seconds.
        Assert.Equal(0, await daemon.Stop());
        foreach (var (call, wait) in calls.Zip(waits))
            using (wait)
                Assert.Contains(call.Answer, await wait.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Second_daemon_on_one_directory_exits_and_names_the_first()
    {
        await using var daemon = await TestDaemon.Start();

        var second = await TestDaemon.Refuses(daemon.Scratch, "--socket", daemon.Scratch["run/other.sock"]);

        Assert.Equal((1, ""), (second.ExitCode, second.Output));
        Assert.Equal(
            $"certauthority: error: {daemon.DataDirectory} is in use by the certauthority with process id {daemon.ProcessId}; stop it, or name another data directory\n",
            second.Error);
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
    }

    [Fact]
    public async Task Second_daemon_on_one_socket_exits_and_the_first_stays_up()
    {
        await using var daemon = await TestDaemon.Start();

        var second = await TestDaemon.Refuses(daemon.Scratch, "--data-dir", daemon.Scratch["other-data"]);

        Assert.Equal(1, second.ExitCode);
        Assert.Equal($"certauthority: error: another daemon serves at {daemon.Socket}; stop it, or name another socket\n", second.Error);
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
    }

    [Fact]
    public async Task Kill_9_loses_no_change_and_the_stale_socket_is_replaced()
    {
        await using var daemon = await TestDaemon.Start();
        await Setup(daemon);
        var before = Serial((await daemon.Myself.Types("tsh", "login")).Done());
        await daemon.Stop("KILL");
        Assert.True(File.Exists(daemon.Socket));

        await daemon.Restart();

        Assert.Contains("VALID", (await daemon.Administrator.Types("tctl", "certs", "ls")).Done());
        Assert.True(Serial((await daemon.Myself.Types("tsh", "login")).Done()) > before);
    }

    [Theory]
    [InlineData("data/user_ca", 0b110_100_000, "0640", "chmod 600")]
    [InlineData("data/host_ca", 0b110_000_100, "0604", "chmod 600")]
    [InlineData("data", 0b111_101_101, "0755", "chmod 700")]
    public async Task Keys_and_directory_open_to_other_users_are_rejected(string path, int mode, string shown, string remedy)
    {
        await using var daemon = await TestDaemon.Start();
        await daemon.Stop();
        File.SetUnixFileMode(daemon.Scratch[path], (UnixFileMode)mode);

        var refused = await TestDaemon.Refuses(daemon.Scratch);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal($"certauthority: error: {daemon.Scratch[path]} has mode {shown}, so that others can use it; run: {remedy} {daemon.Scratch[path]}\n", refused.Error);
    }

    [Fact]
    public async Task Lost_private_CA_key_stops_the_start_and_is_not_replaced()
    {
        await using var daemon = await TestDaemon.Start();
        await daemon.Stop();
        File.Delete(daemon.File("user_ca"));

        var refused = await TestDaemon.Refuses(daemon.Scratch);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("user_ca is missing", refused.Error);
        Assert.False(File.Exists(daemon.File("user_ca")));
    }

    [Fact]
    public async Task Host_and_user_CA_are_never_the_same_key()
    {
        await using var daemon = await TestDaemon.Start();
        await daemon.Stop();
        File.Copy(daemon.File("user_ca"), daemon.File("host_ca"), overwrite: true);
        File.Copy(daemon.File("user_ca.pub"), daemon.File("host_ca.pub"), overwrite: true);

        var refused = await TestDaemon.Refuses(daemon.Scratch);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("same key as user_ca", refused.Error);
    }

    [Theory]
    [InlineData("data_dir: relative\nfrobnicate: 1\nadmins: {groups: {wheel: 1}}\n",
        "FILE:1:11: data_dir takes an absolute path", "FILE:3:18: admins.groups takes a list of texts", "FILE:2:1: there is no field \"frobnicate\" here")]
    [InlineData("data_dir: [\n", "FILE:2:1: not YAML")]
    [InlineData("- a\n", "FILE:1:3: a configuration starts with fields, such as limits:")]
    public async Task Bad_configuration_reports_every_fault_with_its_place(string text, params string[] faults)
    {
        using var scratch = new Scratch();
        var file = scratch.Write("certauthority.yaml", text);

        var refused = await TestDaemon.Refuses(scratch, "--config", file, "--check-config");

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        var lines = refused.Error.TrimEnd('\n').Split('\n');
        Assert.Equal(faults.Length, lines.Length);
        Assert.All(faults.Zip(lines), pair => Assert.StartsWith($"certauthority: error: {pair.First.Replace("FILE", file)}", pair.Second));
        Assert.False(Directory.Exists(scratch["data"]));
    }

    [Fact]
    public async Task Usage_error_exits_with_2()
    {
        using var scratch = new Scratch();
        Assert.Equal(2, (await TestDaemon.Refuses(scratch, "--frobnicate")).ExitCode);
        Assert.False(Directory.Exists(scratch["data"]));
    }

    // A container's systemd may name a socket without a file.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Daemon_notifies_systemd_when_it_serves(bool isAbstract)
    {
        using var scratch = new Scratch();
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{scratch["notify"]}" : scratch["notify"]));
        await using var daemon = await TestDaemon.Start(scratch, around: ["env", $"NOTIFY_SOCKET={(isAbstract ? "@" : "")}{scratch["notify"]}"]);

        Assert.Equal("READY=1", await Told());
        await daemon.Signal("HUP");
        Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+$", await Told());
        Assert.Equal("READY=1", await Told());
        Assert.Equal(0, await daemon.Stop());
        Assert.Equal("STOPPING=1", await Told());

        async Task<string> Told()
        {
            var message = new byte[64];
            var length = await systemd.ReceiveAsync(message).WaitAsync(TimeSpan.FromSeconds(10));
            return System.Text.Encoding.ASCII.GetString(message, 0, length);
        }
    }

    [PeopleFact]
    public async Task SIGHUP_reloads_settings_and_keeps_them_if_the_file_is_bad()
    {
        using var scratch = new Scratch();
        var file = scratch.Write("certauthority.yaml", "");
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", file]);
        await Setup(daemon);
        var bob = daemon.Person(Person.Bob);
        Assert.Equal(1, (await bob.Types("tctl", "users", "ls")).ExitCode);

        await Reload("admins: {users: [bob]}\nlimits: {certificate: 1h}\n", "info: certauthority[0] the configuration was read again and is in force");
        (await bob.Types("tctl", "users", "ls")).Done();
        Assert.Contains("valid for 1h, limited by the site's maximum", (await daemon.Myself.Types("tsh", "login")).Done());

        // Two faults, and a change of administrators that must not be obeyed.
        await Reload(
            "admins: {users: []}\nlimits: {certificate: 31h}\nsockets: /x\n",
            $"certauthority: error: {file}:2:23: limits.certificate takes a duration from 1s to 30h",
            $"certauthority: error: {file}:3:1: there is no field \"sockets\" here",
            "certauthority: error: the configuration was not read again; the daemon runs on with what it had");
        (await bob.Types("tctl", "users", "ls")).Done();
        Assert.Contains("valid for 1h", (await daemon.Myself.Types("tsh", "login")).Done());

        // The flags win over the file, also now.
        await Reload($"data_dir: {scratch["elsewhere"]}\nsocket: {scratch["else.sock"]}\n", "the configuration was read again and is in force");
        Assert.DoesNotContain("cannot change", daemon.Log);
        Assert.Equal(1, (await bob.Types("tctl", "users", "ls")).ExitCode);
        Assert.Contains("valid for 30h", (await daemon.Myself.Types("tsh", "login")).Done());
        Assert.False(Directory.Exists(scratch["elsewhere"]));

        async Task Reload(string text, params string[] logged)
        {
            var before = daemon.Log.Length;
            File.WriteAllText(file, text);
            await daemon.Signal("HUP");
            for (var left = 100; logged.Any(line => !daemon.Log[before..].Contains(line, StringComparison.Ordinal)); left--)
            {
                Assert.True(left > 0, daemon.Log[before..]);
                await Task.Delay(100);
            }
        }
    }

    [Fact]
    public async Task SIGHUP_logs_that_data_and_socket_stay_where_they_are()
    {
        using var scratch = new Scratch();
        string Config(string data, string socket) => $"data_dir: {scratch[data]}\nsocket: {scratch[socket]}\n";
        var file = scratch.Write("certauthority.yaml", Config("data", "run/ca.sock"));
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", file], flags: false);

        File.WriteAllText(file, Config("other", "other.sock"));
        await daemon.Signal("HUP");
        for (var left = 100; !daemon.Log.Contains("in force", StringComparison.Ordinal); left--, await Task.Delay(100))
            Assert.True(left > 0, daemon.Log);

        Assert.Contains($"data_dir cannot change while the daemon runs; it stays {scratch["data"]} until the next start", daemon.Log);
        Assert.Contains($"socket cannot change while the daemon runs; it stays {scratch["run/ca.sock"]} until the next start", daemon.Log);
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
    }

    [PeopleFact]
    public async Task Config_none_ignores_the_machine_configuration()
    {
        using var scratch = new Scratch();
        string[] around = ["unshare", "--mount", "sh", "-c", $"cp -a /etc {scratch["etc"]} && mkdir -p {scratch["etc/certauthority"]} && echo 'publish_dir: {scratch["production"]}' >{scratch["etc/certauthority/certauthority.yaml"]} && mount --bind {scratch["etc"]} /etc && exec \"$@\"", "sh"];
        await using (var demo = await TestDaemon.Start(scratch, around, ["--config=none"]))
            await demo.Stop();
        Assert.False(Directory.Exists(scratch["production"]));

        // It is there for whoever says nothing.
        await using var production = await TestDaemon.Start(scratch, around, ["--data-dir", scratch["data"], "--socket", scratch["run/ca.sock"]], flags: false);
        Assert.True(File.Exists(scratch["production/revoked.krl"]));
    }

    [StraceFact]
    public async Task Commit_that_fails_on_disk_is_never_acknowledged_or_used()
    {
        using var scratch = new Scratch();
        await using (var first = await TestDaemon.Start(scratch))
        {
            await Setup(first);
            await first.Stop();
        }
        // From the start on, every fdatasync of the writer fails: the serial epoch must already be unknown.
        var refused = await Traced(scratch, "fsync,fdatasync:error=EIO");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.DoesNotContain("ready:", refused.Output);
    }

    [StraceFact]
    public async Task A_caller_is_answered_only_after_the_commit()
    {
        using var scratch = new Scratch();
        await using (var first = await TestDaemon.Start(scratch))
        {
            await Setup(first);
            await first.Stop();
        }
        // The disk takes its time for each flush of the log: nobody is told any sooner.
        await using var slow = await TestDaemon.Start(
            scratch, around: ["strace", "-f", "-qq", "-o", scratch["trace"], "-P", scratch["data/certauthority.db-wal"], "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_enter=1000000"]);
        var clock = Stopwatch.StartNew();
        await FileRequest(slow);
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1), $"answered after {clock.Elapsed}");
        // Killed right after the answer, it is there.
        await slow.Stop("KILL");
        await using var again = await TestDaemon.Start(scratch);
        Assert.Contains("PENDING", (await again.Administrator.Types("tctl", "requests", "ls")).Done());
    }

    private static async Task<Outcome> Traced(Scratch scratch, string inject)
    {
        var start = new ProcessStartInfo(
            "strace",
            ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", $"inject={inject}", Path.Combine(World.Programs, "certauthority"), "--data-dir", scratch["data"], "--socket", scratch["run/ca.sock"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return new Outcome(process.ExitCode, await output, await error);
    }

    // Whoever runs the tests is a user too, so that this needs no other account.
    internal static async Task Setup(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "me", "--roles=staff", $"--unix-user={Environment.UserName}")).Done();
    }

    internal static async Task<string> FileRequest(TestDaemon daemon)
    {
        var said = (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done();
        return said.Split(' ')[1];
    }

    private static ulong Serial(string status) => ulong.Parse(status.Split('\n').Single(line => line.StartsWith("serial: ", StringComparison.Ordinal))["serial: ".Length..]);
}
