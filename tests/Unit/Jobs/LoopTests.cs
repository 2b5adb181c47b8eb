using CertAuthority.Api;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Jobs;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Push;
using CertAuthority.Revocation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Every loop in the background, with a fault in it that nobody has thought of.</summary>
public sealed class LoopTests : IAsyncLifetime
{
    // A loop that is missing here fails the test below: each needs a way to break it.
    private static readonly Dictionary<Type, Func<HostWorld, CurrentAuthority, CurrentSettings, Loop>> Loops = new()
    {
        [typeof(KrlPublisher)] = (world, _, _) => world.Krl,
        [typeof(FollowedKrl)] = (world, _, _) => new FollowedKrl(world.Store.Database, world.Clock, world.Manifests, "0123456789abcdef", world.File("followed.krl"), NullLogger.Instance),
        [typeof(FollowedHosts)] = (world, ca, _) => new FollowedHosts(ca, new FollowedKrl(world.Store.Database, world.Clock, world.Manifests, "0123456789abcdef", world.File("followed.krl"), NullLogger.Instance), NullLogger.Instance),
        [typeof(ListsForOthers)] = (world, _, _) => new ListsForOthers(world.Store.Database, world.Krl, world.Clock, NullLogger.Instance),
        [typeof(OtherDaemons)] = (_, ca, _) => new OtherDaemons(ca, NullLogger.Instance),
        [typeof(KrlRefresh)] = (world, _, _) => new KrlRefresh(world.Krl, world.Clock),
        [typeof(HostPush)] = (world, _, _) => world.Authority.Push,
        [typeof(GroupsPublication)] = (world, _, _) =>
        {
            world.Krl.PublishIn(new PublishDirectory(world.File("hosts"), (_, _) => null, ("audit_key.pub", [])));
            return new GroupsPublication(database: null!, world.Krl, world.AuditKey, HostWorld.Origin, NullLogger.Instance);
        },
        [typeof(Checkpoints)] = (world, _, _) => world.Authority.Checkpoints,
        [typeof(AuditRemoval)] = (world, _, _) => new AuditRemoval(database: null!, world.Clock, NullLogger.Instance),
        [typeof(NotifyDelivery)] = (_, ca, settings) => new NotifyDelivery(ca, settings, NullLogger.Instance),
        [typeof(AuditFlow)] = (_, ca, settings) => new AuditFlow(ca, settings, NullLogger.Instance),
        [typeof(HostRenewal)] = (_, ca, _) => new HostRenewal(ca, NullLogger.Instance),
        [typeof(RotationRound)] = (_, ca, _) => new RotationRound(ca, NullLogger.Instance),
        [typeof(HostReports)] = (_, ca, settings) => new HostReports(ca, settings, NullLogger.Instance),
        [typeof(JoinRound)] = (_, ca, settings) => new JoinRound(ca, settings, NullLogger.Instance),
        [typeof(NodeForgetting)] = (_, ca, _) => new NodeForgetting(ca, NullLogger.Instance),
        [typeof(ClockWatch)] = (_, ca, _) => new ClockWatch(ca, NullLogger.Instance),
        [typeof(KeyWatch)] = (_, ca, _) => new KeyWatch(ca, NullLogger.Instance),
        [typeof(HostWatch)] = (_, ca, _) => new HostWatch(ca, NullLogger.Instance),
        [typeof(DiskWatch)] = (_, ca, _) => new DiskWatch(ca, NullLogger.Instance),
        [typeof(DatabaseCheck)] = (world, _, _) => new DatabaseCheck(world.Store.Database, damage: null!, world.Clock, NullLogger.Instance),
        [typeof(AdministratorAccess)] = (world, _, settings) => new AdministratorAccess(
            SocketFile.TakeBeside(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())), settings, new NameService(TimeProvider.System, _ => null), NullLogger.Instance, world.Clock),
        [typeof(GroupReview)] = (_, ca, _) => new GroupReview(ca, NullLogger.Instance),
        [typeof(AccountRound)] = (_, ca, _) => new AccountRound(ca, NullLogger.Instance),
        [typeof(PolicyReview)] = (_, ca, _) => new PolicyReview(ca, NullLogger.Instance),
        [typeof(RefusalCounts)] = (_, ca, _) => new RefusalCounts(ca, NullLogger.Instance),
        [typeof(Reload)] = (_, ca, settings) => Broken(ca, settings),
    };

    // They wait for something that ends the daemon, and fail when it is there.
    private static readonly Type[] Watches = [typeof(CommitWatch), typeof(Sockets), typeof(TurnWatch), typeof(FollowersReload)];

    public static readonly TheoryData<string> Names = [.. Loops.Keys.Select(loop => loop.Name)];

    private HostWorld world = null!;

    [Fact]
    public void Every_loop_of_the_daemon_is_covered_here() =>
        Assert.Equal(
            typeof(Authority).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(BackgroundService)) && !type.IsAbstract).Select(type => type.Name).Order(StringComparer.Ordinal),
            Loops.Keys.Concat(Watches).Select(loop => loop.Name).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Unlisted_exception_ends_the_loop(string name)
    {
        var settings = World.DefaultSettings;
        using var loop = Loops.Single(one => one.Key.Name == name).Value(world, new CurrentAuthority(world.Authority, settings), settings);
        if (loop is not KrlPublisher)
            await world.Krl.StartAsync(CancellationToken.None);
        if (loop is not KrlPublisher)
            await world.Krl.Publish();
        // Each of them reads the settings or the clock.
        if (loop is KrlPublisher or FollowedKrl or ListsForOthers or HostPush or Checkpoints)
            world.Clock.IsBroken = true;
        else if (loop is not KrlRefresh)
            settings.Replace(null!);

        await loop.StartAsync(CancellationToken.None);
        if (loop is KrlRefresh)
            world.Clock.IsBroken = true;
        // The list is written when somebody wants it, and whoever waits for it hears that it was not.
        var wanted = loop is KrlPublisher ? Record.ExceptionAsync(world.Krl.Publish) : null;

        var fault = await Assert.ThrowsAsync<LoopEndedException>(() => loop.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal($"the loop {name} in the background has ended: {fault.InnerException!.GetType().Name}: {fault.InnerException.Message}", fault.Message);
        Assert.True(fault.InnerException is NullReferenceException or InvalidOperationException { Message: "the clock is broken" }, fault.Message);
        if (wanted is not null)
            Assert.Contains("could not be written yet", (await wanted)!.Message);
        // Stopping such a loop is no second fault.
        await loop.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Loop_that_returns_by_itself_has_failed()
    {
        using var loop = new Short();

        await loop.StartAsync(CancellationToken.None);

        var fault = await Assert.ThrowsAsync<LoopEndedException>(() => loop.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("the loop Short in the background has ended: nobody stopped it", fault.Message);
        Assert.Same(fault, Loop.FaultOf([loop]));
    }

    /// <summary>The others wait for events only: a list that is not written, and a file that is not checked, show elsewhere.</summary>
    [Fact]
    public void Each_loop_that_takes_turns_has_an_interval()
    {
        var settings = World.DefaultSettings;
        Assert.Equal(
            [nameof(AuditFlow), nameof(AuditRemoval), nameof(Checkpoints), nameof(DatabaseCheck), nameof(KrlPublisher), nameof(Reload)],
            Loops.Where(one => one.Value(world, new CurrentAuthority(world.Authority, settings), settings).Interval is null).Select(one => one.Key.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Loop_that_hangs_has_no_new_turn()
    {
        using var loop = new Hanging();
        await loop.StartAsync(CancellationToken.None);
        await loop.Second.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(SpinWait.SpinUntil(() => loop.SinceTurn > TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20)));

        loop.MayEnd.SetResult();

        Assert.True(SpinWait.SpinUntil(() => loop.SinceTurn < TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20)));
        await loop.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Fault_in_a_lane_ends_the_loop_that_writes_to_hosts()
    {
        await using var own = await HostWorld.Start(HostWorld.Node("db1") with { Push = true });
        await own.Krl.StartAsync(CancellationToken.None);
        await own.Krl.Publish();
        own.Clock.BreaksTimers = true;
        await own.Authority.Push.StartAsync(CancellationToken.None);

        var fault = await Assert.ThrowsAsync<LoopEndedException>(() => own.Authority.Push.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.Equal("the clock is broken", fault.InnerException!.Message);
        own.Clock.BreaksTimers = false;
        await own.Krl.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Ended_loop_stops_the_daemon()
    {
        using var folder = new TemporaryFolder();
        var clock = new HostWorld.SetClock();
        using var signals = new Signals();
        await using var daemon = await Start(folder, signals, clock);
        Assert.False(daemon.Ended.IsCompleted);

        clock.IsBroken = true;

        var ended = Assert.IsType<LoopEndedException>(await daemon.Ended.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Matches("^the loop [A-Za-z]+ in the background has ended: InvalidOperationException: the clock is broken$", ended.Message);
        clock.IsBroken = false;
    }

    [Fact]
    public async Task Daemon_stopped_by_a_signal_has_no_fault()
    {
        using var folder = new TemporaryFolder();
        using var signals = new Signals();
        await using var daemon = await Start(folder, signals, TimeProvider.System);

        signals.EndProcess();

        Assert.Null(await daemon.Ended.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Signal_during_the_start_stops_the_daemon()
    {
        using var folder = new TemporaryFolder();
        using var signals = new Signals();
        signals.EndProcess();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Start(folder, signals, TimeProvider.System));

        // All was let go: another one can start there.
        using var later = new Signals();
        await using var daemon = await Start(folder, later, TimeProvider.System);
        Assert.False(daemon.Ended.IsCompleted);
    }

    private static Task<Daemon> Start(TemporaryFolder folder, Signals signals, TimeProvider clock)
    {
        var settings = Settings.Default() with { DataDirectory = folder.File("data"), SocketPath = folder.File("run/ca.sock") };
        return Daemon.Start(settings, () => settings, signals, clock);
    }

    private static Reload Broken(CurrentAuthority ca, CurrentSettings settings)
    {
        var signals = new Signals();
        signals.HangUp();
        return new Reload(signals, Task.CompletedTask, Settings.Default, ca, settings, new SystemdNotifier(), NullLogger.Instance)
        {
            Administrators = null!,
            Publication = null!,
            Reconfiguration = null!,
            Audit = null!,
            Groups = null!,
            Access = null,
        };
    }

    /// <summary>Hangs in its second turn.</summary>
    private sealed class Hanging() : Periodic(TimeSpan.FromMilliseconds(1), TimeProvider.System)
    {
        private int turn;

        public TaskCompletionSource Second { get; } = new();

        public TaskCompletionSource MayEnd { get; } = new();

        protected internal override async Task Once(CancellationToken stopping)
        {
            if (++turn == 2)
            {
                Second.TrySetResult();
                await MayEnd.Task;
            }
        }

        protected override void Failed(Exception error) => throw error;
    }

    /// <summary>Ends by itself, without an error.</summary>
    private sealed class Short : Loop
    {
        protected override Task Run(CancellationToken stopping) => Task.CompletedTask;
    }

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync()
    {
        world.Clock.IsBroken = false;
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }
}
