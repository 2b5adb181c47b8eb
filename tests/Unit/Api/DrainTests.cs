using System.Net.Sockets;
using System.Text;
using CertAuthority.Api;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Tests.Unit.Jobs;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Api;

/// <summary>A daemon that stops lets the calls end that it has, by a clock that is set.</summary>
public sealed class DrainTests : IDisposable
{
    private static readonly TimeSpan AlmostQuiet = TimeSpan.FromMilliseconds(249);

    private readonly SetClock clock = new();
    private readonly TemporaryFolder folder = new();
    private int outlasting;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Drain_without_a_connection_ends_at_once()
    {
        var drain = Begun();
        drain.Connection().Dispose();
        await Ends(drain.Run(CancellationToken.None));
        Assert.True(drain.HasBegun);
        Assert.True(drain.Ended.IsCompleted);
    }

    [Fact]
    public async Task Quiet_connection_ends_the_drain_after_a_moment()
    {
        var drain = Begun();
        using var one = drain.Connection();
        // However long nobody has called by then.
        clock.Pass(TimeSpan.FromHours(1));
        var run = drain.Run(CancellationToken.None);
        clock.Pass(AlmostQuiet);
        GoesOn(run);
        clock.Pass(TimeSpan.FromMilliseconds(2));
        await Ends(run);
    }

    [Fact]
    public async Task Each_call_begins_the_moment_again()
    {
        var drain = Begun();
        using var one = drain.Connection();
        var run = drain.Run(CancellationToken.None);
        for (var n = 0; n < 4; n++)
        {
            clock.Pass(AlmostQuiet);
            drain.Call().Dispose();
            clock.Pass(AlmostQuiet);
            GoesOn(run);
        }
        clock.Pass(TimeSpan.FromMilliseconds(2));
        await Ends(run);
    }

    [Fact]
    public async Task Call_under_way_has_five_seconds()
    {
        var drain = Begun();
        using var one = drain.Connection();
        using var call = drain.Call();
        var run = drain.Run(CancellationToken.None);
        clock.Pass(TimeSpan.FromSeconds(4.9));
        GoesOn(run);
        Assert.False(drain.Ended.IsCompleted);
        clock.Pass(TimeSpan.FromSeconds(0.2));
        await Ends(run);
    }

    /// <summary>It gets its answer from the next daemon of the process.</summary>
    [Fact]
    public async Task Call_that_outlasts_the_daemon_is_not_waited_for()
    {
        outlasting = 1;
        var drain = Begun();
        using var one = drain.Connection();
        using var waits = drain.Call();
        using var other = drain.Call();
        var run = drain.Run(CancellationToken.None);
        clock.Pass(TimeSpan.FromSeconds(1));
        GoesOn(run);
        other.Dispose();
        clock.Pass(TimeSpan.FromSeconds(1));
        await Ends(run);
    }

    /// <summary>A call may be on its way on a connection for as long as the caller does not know that it ends.</summary>
    [Fact]
    public async Task Call_on_a_kept_connection_is_answered_during_a_stop()
    {
        await using var world = await HostWorld.Start();
        var settings = new CurrentSettings(new SettingsInForce(Settings.Default(), []));
        var serving = new Serving(new CurrentAuthority(world.Authority, settings), settings, Accounts.OwnUid, new NameService(TimeProvider.System, Accounts.NameOf));
        var drain = Begun();
        var path = folder.File("ca.sock");
        using var sockets = Sockets.Take(path, NullLogger.Instance);
        await using var server = Server.Build(
            sockets.Listen(new Connections(TimeProvider.System, Accounts.OwnUid), serving, drain, NullLogger.Instance), [sockets], new SystemdNotifier(), drain,
            NullLoggerFactory.Instance);
        Server.Serve(server, serving, drain, NullLogger.Instance);
        await server.StartAsync();
        using Socket one = await Connected(path), other = await Connected(path), idle = await Connected(path);
        foreach (var kept in (Socket[])[one, other, idle])
            Assert.DoesNotContain("connection: close", await Answer(kept), StringComparison.OrdinalIgnoreCase);

        var stop = server.StopAsync();
        Assert.True(SpinWait.SpinUntil(() => drain.HasBegun, TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAnyAsync<SocketException>(() => Connected(path));
        Assert.False(File.Exists(path));
        foreach (var kept in (Socket[])[one, other])
        {
            clock.Pass(AlmostQuiet);
            GoesOn(stop);
            Assert.Contains("\r\nconnection: close\r\n", await Answer(kept), StringComparison.OrdinalIgnoreCase);
            Assert.Equal("", await Said(kept));
        }
        clock.Pass(AlmostQuiet);
        GoesOn(stop);
        clock.Pass(TimeSpan.FromMilliseconds(2));
        Assert.Equal("", await Said(idle));
        await Ends(stop);
    }

    private Drain Begun() => new(clock, () => outlasting);

    /// <summary>Returns once the drain has looked again, at the time that it is now, and has not ended.</summary>
    private void GoesOn(Task run)
    {
        var before = clock.Glances;
        Assert.True(SpinWait.SpinUntil(() => clock.Glances >= before + 3 || run.IsCompleted, TimeSpan.FromSeconds(20)));
        Assert.False(run.IsCompleted);
        Assert.True(clock.Glances >= before + 3, "it waits no more");
    }

    private static Task Ends(Task run) => run.WaitAsync(TimeSpan.FromSeconds(20));

    private static async Task<Socket> Connected(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<string> Answer(Socket kept)
    {
        await kept.SendAsync(Encoding.ASCII.GetBytes("GET /v1/kinds HTTP/1.1\r\nHost: ca\r\n\r\n"));
        var answer = "";
        while (!answer.EndsWith('}'))
            answer += await Said(kept) is { Length: > 0 } more ? more : throw new EndOfStreamException($"it ended after \"{answer}\"");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        return answer;
    }

    private static async Task<string> Said(Socket kept)
    {
        var bytes = new byte[64 << 10];
        return Encoding.UTF8.GetString(bytes, 0, await kept.ReceiveAsync(bytes).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    /// <summary>Stands still, except when it is set; timers run all the same.</summary>
    private sealed class SetClock : TimeProvider
    {
        private long now;
        private int glances;

        public int Glances => Volatile.Read(ref glances);

        public void Pass(TimeSpan time) => Interlocked.Add(ref now, time.Ticks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref now);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref glances);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
