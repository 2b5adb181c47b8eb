using CertAuthority.Configuration;
using CertAuthority.Jobs;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Push;
using CertAuthority.Revocation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Every loop in the background, with a fault in it that nobody has thought of.</summary>
public sealed class LoopTests : IAsyncLifetime
{
    // A loop that is missing here fails the test below: each needs a way to break it.
    private static readonly Dictionary<Type, Func<HostWorld, Func<Ca>, BackgroundService>> Loops = new()
    {
        [typeof(KrlPublisher)] = (world, _) => world.Krl,
        [typeof(KrlRefresh)] = (world, _) => new KrlRefresh(world.Krl, world.Clock),
        [typeof(HostPush)] = (world, _) => world.Ca.Push,
        [typeof(NotifyDelivery)] = (_, ca) => new NotifyDelivery(ca, () => NotifySettings.Nobody, NullLogger.Instance),
        [typeof(HostRenewal)] = (_, ca) => new HostRenewal(ca, NullLogger.Instance),
        [typeof(ClockWatch)] = (_, ca) => new ClockWatch(ca, NullLogger.Instance),
        [typeof(HostWatch)] = (_, ca) => new HostWatch(ca, NullLogger.Instance),
        [typeof(DiskWatch)] = (_, ca) => new DiskWatch(ca, NullLogger.Instance),
        [typeof(AdministratorAccess)] = (world, ca) => new AdministratorAccess(
            SocketFile.TakeBeside(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())), () => ca() is null ? null! : Settings.Default(), new NameService(TimeProvider.System, _ => null), NullLogger.Instance, world.Clock),
        [typeof(GroupReview)] = (_, ca) => new GroupReview(ca, NullLogger.Instance),
        [typeof(RefusalCounts)] = (_, ca) => new RefusalCounts(ca, NullLogger.Instance),
    };

    public static readonly TheoryData<string> Names = [.. Loops.Keys.Select(loop => loop.Name)];

    private HostWorld world = null!;

    [Fact]
    public void Every_loop_of_the_daemon_is_broken_here() =>
        Assert.Equal(
            typeof(Ca).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(BackgroundService)) && !type.IsAbstract).Select(type => type.Name).Order(StringComparer.Ordinal),
            Loops.Keys.Select(loop => loop.Name).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Unlisted_exception_ends_the_loop(string name)
    {
        var isBroken = false;
        using var loop = Loops.Single(one => one.Key.Name == name).Value(world, () => isBroken ? throw new InvalidOperationException("the clock is broken") : world.Ca);
        if (loop is not KrlPublisher)
            await world.Krl.StartAsync(CancellationToken.None);
        if (loop is not KrlPublisher)
            await world.Krl.Publish();
        (isBroken, world.Clock.IsBroken) = (loop is not (KrlPublisher or KrlRefresh or HostPush), loop is KrlPublisher or KrlRefresh or HostPush);

        await loop.StartAsync(CancellationToken.None);
        // The list is written when somebody wants it, and whoever waits for it hears that it was not.
        var wanted = loop is KrlPublisher ? Record.ExceptionAsync(world.Krl.Publish) : null;

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => loop.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("the clock is broken", fault.Message);
        if (wanted is not null)
            Assert.Contains("could not be written yet", (await wanted)!.Message);
        // Stopping such a loop is no second fault.
        await loop.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Fault_in_a_lane_ends_the_loop_that_writes_to_hosts()
    {
        await using var own = await HostWorld.Start(HostWorld.Node("db1") with { Push = true });
        await own.Krl.StartAsync(CancellationToken.None);
        await own.Krl.Publish();
        own.Clock.BreaksTimers = true;
        await own.Ca.Push.StartAsync(CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => own.Ca.Push.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.Equal("the clock is broken", fault.Message);
        own.Clock.BreaksTimers = false;
        await own.Krl.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Loop_that_has_ended_ends_the_daemon()
    {
        using var folder = new TemporaryFolder();
        var clock = new HostWorld.SetClock();
        await using var daemon = await Daemon.Start(Settings.Default() with { DataDirectory = folder.File("data"), SocketPath = folder.File("run/ca.sock") }, clock);
        Assert.False(daemon.Broken.IsCompleted);

        clock.IsBroken = true;

        var ended = Assert.IsType<LoopEndedException>(await daemon.Broken.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Matches("^the loop [A-Za-z]+ in the background has ended: InvalidOperationException: the clock is broken$", ended.Message);
        clock.IsBroken = false;
    }

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync()
    {
        world.Clock.IsBroken = false;
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }
}
