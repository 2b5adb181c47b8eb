namespace CertAuthority.Tests.EndToEnd;

/// <summary>A socket that systemd listens on for the daemon: taken when it is the right one, and left there.</summary>
public sealed class PassedSocketTests
{
    private const string NotListening = "what systemd passed is not a listening Unix stream socket; certauthority.socket must have one ListenStream with a path";

    private static readonly string Listen = Path.Combine(World.Repository, "tests", "listen");

    [Fact]
    public async Task Call_during_a_restart_waits_and_is_answered()
    {
        using var scratch = new Scratch();
        var socket = scratch["run/ca.sock"];
        Directory.CreateDirectory(scratch["run"]);
        await using var daemon = await TestDaemon.Start(scratch, around: [Listen, socket]);
        (await daemon.Administrator.Types("tctl", "status")).Done();
        var first = daemon.ProcessId;

        File.WriteAllText(socket + ".hold", "");
        await daemon.Signal("TERM");
        await Eventually.Holds(() => !Directory.Exists($"/proc/{first}"));
        Assert.True(File.Exists(socket));
        var call = daemon.Administrator.Types("tctl", "status");
        await Eventually.Holds(() => InQueue(socket) == 1);
        Assert.False(call.IsCompleted);
        File.Delete(socket + ".hold");

        (await call).Done();
        Assert.NotEqual(first, daemon.ProcessId);
    }

    [Fact]
    public async Task Passed_socket_still_identifies_callers_by_the_kernel()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["run"]);
        await using var daemon = await TestDaemon.Start(scratch, around: [Listen, scratch["run/ca.sock"]]);
        await DaemonTests.Setup(daemon);

        Assert.Contains("user: me\n", (await daemon.Myself.Types("tsh", "login")).Done());
        Assert.Contains($"\"account\":\"{Environment.UserName}\"", (await daemon.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done().Replace(" ", ""));
    }

    [SocketActivateFact]
    public async Task First_call_starts_the_daemon_by_socket_activation()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["run"]);
        var socket = scratch["run/ca.sock"];
        var person = new Person(null, scratch["admin"], $"unix:{socket}");
        using var systemd = person.Start("systemd-socket-activate", "-l", socket, Path.Combine(World.Programs, "certauthority"), "--data-dir", scratch["data"], "--socket", socket);
        try
        {
            await Eventually.Holds(() => File.Exists(socket));
            Assert.False(Directory.Exists(scratch["data"]));

            (await person.Types("tctl", "status")).Done();

            // It has become the daemon, which leaves the socket to whoever made it.
            Assert.Equal($"{systemd.Id}\n", File.ReadAllText(scratch["data/certauthority.pid"]));
            Assert.Equal(0, (await person.Types("kill", $"{systemd.Id}")).ExitCode);
            await systemd.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.Equal(0, systemd.ExitCode);
            Assert.True(File.Exists(socket));
        }
        finally
        {
            systemd.Kill();
        }
    }

    [Theory]
    [InlineData("LISTEN_FDS=2", "", "systemd passed 2 sockets; certauthority.socket must have one ListenStream")]
    [InlineData("LISTEN_FDS=1", "3</dev/null", NotListening)]
    [InlineData("LISTEN_FDS=1", "3<&-", NotListening)]
    public async Task Anything_but_one_listening_socket_is_rejected(string passed, string descriptor, string told)
    {
        using var scratch = new Scratch();

        var refused = await Under(scratch, "sh", "-c", $"LISTEN_PID=$$ {passed} exec \"$0\" \"$@\" {descriptor}");

        Assert.Equal((1, "", $"certauthority: error: {told}\n"), (refused.ExitCode, refused.Output, refused.Error));
    }

    [Fact]
    public async Task Passed_socket_at_another_path_is_rejected()
    {
        using var scratch = new Scratch();

        var refused = await Under(scratch, Listen, scratch["other.sock"]);

        Assert.Equal(
            (1, "", $"certauthority: error: systemd listens at {scratch["other.sock"]}, and the daemon is to serve at {scratch["run/ca.sock"]}; name one path in certauthority.socket and in the configuration\n"),
            (refused.ExitCode, refused.Output, refused.Error));
        Assert.False(File.Exists(scratch["run/ca.sock"]));
    }

    [Fact]
    public async Task Socket_passed_to_another_process_is_ignored()
    {
        await using var daemon = await TestDaemon.Start(around: ["env", "LISTEN_PID=1", "LISTEN_FDS=1"]);

        (await daemon.Administrator.Types("tctl", "status")).Done();
    }

    private static Task<Outcome> Under(Scratch scratch, params string[] around) => new Person(null, scratch["me"], "").Types(
        [.. around, Path.Combine(World.Programs, "certauthority"), "--data-dir", scratch["data"], "--socket", scratch["run/ca.sock"]]);

    // unix(7): a connection that nobody has accepted yet has the path of the listener and the state 02.
    private static int InQueue(string socket) =>
        File.ReadLines("/proc/net/unix").Count(line => line.EndsWith(" " + socket, StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5] == "02");
}

/// <summary>A test with systemd's own launcher.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SocketActivateFactAttribute : FactAttribute
{
    public SocketActivateFactAttribute() => Skip = World.Unless(File.Exists("/usr/bin/systemd-socket-activate"), "needs systemd-socket-activate");
}
