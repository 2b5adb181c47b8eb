using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The files of the daemon's sockets: what is at their paths before, during and after.</summary>
public sealed class SocketFileTests
{
    // Listens at a path, as whoever runs it, until its input ends.
    private const string Listens = "use Socket; socket $s, AF_UNIX, SOCK_STREAM, 0; bind $s, pack_sockaddr_un($ARGV[0]) or die $!; listen $s, 9 if $ARGV[1]; chmod 0666, $ARGV[0]; $|=1; print qq{there\\n}; <STDIN>";

    [Theory]
    [InlineData("an empty file", ": >PATH", "is not a socket; move it away, or name another socket")]
    [InlineData("a file", "echo precious >PATH", "is not a socket; move it away, or name another socket")]
    [InlineData("a link to nothing", "ln -s nowhere PATH", "is not a socket; move it away, or name another socket")]
    [InlineData("a link to a dead socket", "perl -e 'LISTENS' PATH.else </dev/null; ln -s PATH.else PATH", "is not a socket; move it away, or name another socket")]
    [InlineData("a FIFO", "mkfifo PATH", "is not a socket; move it away, or name another socket")]
    [InlineData("a folder", "mkdir PATH", "is not a socket; move it away, or name another socket")]
    public async Task File_that_is_not_a_usable_socket_is_left_in_place(string what, string make, string told)
    {
        using var scratch = new Scratch();
        var me = new Person(null, scratch["me"], "");
        foreach (var path in (string[])[scratch["run/ca.sock"], scratch["run/ca.sock.admin"]])
        {
            Directory.CreateDirectory(scratch["run"]);
            (await me.Types("sh", "-c", make.Replace("LISTENS", Listens).Replace("PATH", path))).Done();
            var before = (await me.Types("stat", "-c", "%i %F", path)).Done();

            var refused = await TestDaemon.Refuses(scratch);

            Assert.Equal((1, "", $"certauthority: error: {path} {told}\n"), (refused.ExitCode, refused.Output, Last(refused.Error)));
            Assert.True(before == (await me.Types("stat", "-c", "%i %F", path)).Done(), what);
            Directory.Delete(scratch["run"], recursive: true);
        }
    }

    [PeopleFact]
    public async Task Live_or_dead_socket_of_another_account_is_left_alone()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["run"]);
        File.SetUnixFileMode(scratch["run"], (UnixFileMode)0b111_111_111);
        var socket = scratch["run/ca.sock"];
        using var bob = new Person(Person.Bob, "", "").Start("perl", "-e", Listens, socket, "1");
        Assert.Equal("there", await bob.StandardOutput.ReadLineAsync());

        var alive = await TestDaemon.Refuses(scratch);
        bob.Kill();
        await bob.WaitForExitAsync();
        var dead = await TestDaemon.Refuses(scratch);

        Assert.Equal((1, $"certauthority: error: something answers at {socket} already; stop it, or name another socket\n"), (alive.ExitCode, Last(alive.Error)));
        Assert.Equal((1, $"certauthority: error: {socket} is a socket of uid 5002; remove it, or name another socket\n"), (dead.ExitCode, Last(dead.Error)));
        Assert.True(File.Exists(socket));
    }

    [Fact]
    public async Task Deleted_sockets_are_recreated()
    {
        await using var daemon = await TestDaemon.Start();
        var admin = $"{daemon.Socket}.admin";
        File.Delete(daemon.Socket);
        File.Delete(admin);
        Directory.Delete(Path.GetDirectoryName(daemon.Socket)!, recursive: true);

        var clock = Stopwatch.StartNew();
        await Eventually.Holds(() => File.Exists(daemon.Socket) && File.Exists(admin) && File.GetUnixFileMode(daemon.Socket) == (UnixFileMode)0b110_110_110);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"after {clock.Elapsed}");
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
        File.Delete(admin);
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
        Assert.Contains($"the socket {daemon.Socket} was gone and has been made again", daemon.Log);

        Assert.Equal(0, await daemon.Stop());
        Assert.False(File.Exists(daemon.Socket));
    }

    [Fact]
    public async Task Daemon_whose_socket_path_is_taken_exits_and_keeps_the_file()
    {
        await using var daemon = await TestDaemon.Start();
        File.Delete(daemon.Socket);
        File.WriteAllText(daemon.Socket, "precious");

        await Eventually.Holds(() => !Directory.Exists($"/proc/{daemon.ProcessId}"));
        Assert.Equal(1, await daemon.Ended());
        Assert.Contains($"certauthority: error: {daemon.Socket} is not a socket; move it away, or name another socket", daemon.Log);
        Assert.Equal("precious", File.ReadAllText(daemon.Socket));
    }

    [Fact]
    public async Task SIGTERM_leaves_the_socket_of_a_successor()
    {
        await using var daemon = await TestDaemon.Start();
        File.Delete(daemon.Socket);
        using var other = new Person(null, "", "").Start("perl", "-e", Listens, daemon.Socket, "1");
        Assert.Equal("there", await other.StandardOutput.ReadLineAsync());

        await daemon.Stop();

        Assert.True(File.Exists(daemon.Socket));
        other.Kill();
    }

    [Fact]
    public async Task Deleted_passed_socket_is_logged_and_administrators_served()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["run"]);
        await using var daemon = await TestDaemon.Start(scratch, around: [Path.Combine(World.Repository, "tests", "listen"), scratch["run/ca.sock"]]);
        File.Delete(daemon.Socket);

        await Eventually.Holds(() => daemon.Log.Contains($"the socket {daemon.Socket} is gone, and only systemd can make it again: systemctl stop certauthority.service; systemctl restart certauthority.socket"));
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
        Assert.False(File.Exists(daemon.Socket));

        // The administrators' socket does not wait for the other one to bring the folder back.
        Directory.Delete(scratch["run"], recursive: true);
        await Eventually.Holds(() => File.Exists($"{daemon.Socket}.admin"));
        (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
    }

    [Fact]
    public async Task Path_that_is_too_long_is_refused_with_the_limit()
    {
        using var scratch = new Scratch();
        var longest = scratch["run/" + new string('x', 107 - scratch["run/"].Length)];
        await using (var daemon = await TestDaemon.Start(scratch, arguments: ["--config=none", "--data-dir", scratch["data"], "--socket", longest], flags: false, socket: longest))
        {
            (await new Person(null, scratch["me"], $"unix:{longest}").Types("tctl", "users", "ls")).Done();
            Assert.Contains("administrators have no socket of their own", daemon.Log);
        }

        var fault = $"the path of a socket has at most 107 bytes; this one has 108: {longest}x";
        var config = scratch.Write("certauthority.yaml", $"socket: {longest}x\n");
        Assert.Equal($"certauthority: error: {config}:1:9: socket: {fault}\n", (await TestDaemon.Refuses(scratch, "--config", config)).Error);
        Assert.Equal($"certauthority: error: {fault}; name a shorter one with --socket\n", (await TestDaemon.Refuses(scratch, "--socket", longest + "x")).Error);
        foreach (var program in (string[])["tsh", "tctl"])
        {
            var list = program == "tsh" ? new[] { "request", "ls" } : ["users", "ls"];
            var option = await new Person(null, scratch["me"], "").Types([program, .. list, $"--server=unix:{longest}x"]);
            Assert.Equal((2, $"{program}: error: --server: {fault}\n"), (option.ExitCode, option.Error.Split($"{program}: hint")[0]));
            var variable = await new Person(null, scratch["me"], $"unix:{longest}x").Types([program, .. list]);
            Assert.Equal((1, $"{program}: error: CERTAUTHORITY_SERVER: {fault}\n"), (variable.ExitCode, variable.Error));
        }
    }

    private static string Last(string lines) => lines.TrimEnd('\n').Split('\n')[^1] + "\n";
}
