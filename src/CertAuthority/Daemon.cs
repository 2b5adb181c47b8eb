using CertAuthority.Access.Users;
using CertAuthority.Api;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Jobs;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using Microsoft.Extensions.Hosting.Systemd;

namespace CertAuthority;

/// <summary>What a daemon that followed leaves to the next one in the same process.</summary>
/// <param name="Engine">The database, with the turn to lead; null if the next one follows, too.</param>
/// <param name="Sockets">The sockets, at which callers wait meanwhile; null if the next one has others.</param>
internal sealed record Turn(Engine? Engine, Sockets? Sockets) : IDisposable
{
    /// <summary>Whether the first list of the next one is in place. Callers of the one before wait for it on their connections.</summary>
    public TaskCompletionSource<bool> FirstList { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose()
    {
        FirstList.TrySetResult(false);
        Sockets?.Dispose();
        Engine?.Dispose();
    }
}

/// <summary>
/// A running daemon; this class puts all of its parts together. The host of the web server runs it: it starts each service in order, stops
/// them in reverse, and stops when the first of them fails. Tests start it too.
/// </summary>
internal sealed class Daemon : IAsyncDisposable
{
    // In the order of acquisition; released in reverse.
    private readonly Stack<Func<ValueTask>> held = new();
    private readonly List<BackgroundService> loops = [];

    private readonly TaskCompletionSource<Exception?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Turn? turn;
    private Engine? waits;
    private Drain? drain;
    private Func<int> outlasting = () => 0;
    private bool hasStopped;
    private bool isOutlasted;
    private WebApplication host = null!;

    private Daemon(Turn? turn) => this.turn = turn;

    /// <summary>Starts the daemon. It serves when this returns.</summary>
    /// <param name="settings">The settings at the start.</param>
    /// <param name="read">Reads the configuration again.</param>
    /// <param name="signals">The requests to reload and to stop.</param>
    /// <param name="system">The clock of the machine.</param>
    /// <param name="turn">What it has from the daemon before it, from <see cref="Next"/>; null before the first start.</param>
    /// <exception cref="StartException">
    /// Another daemon is running, files are open to other accounts, the database is damaged, the disk is full, …
    /// </exception>
    /// <exception cref="OperationCanceledException">A signal stopped the start.</exception>
    public static async Task<Daemon> Start(
        Settings settings, Func<Settings> read, Signals signals, TimeProvider system, Turn? turn = null)
    {
        var daemon = new Daemon(turn);
        try
        {
            await daemon.Build(settings, read, signals, system);
            await daemon.host.StartAsync(signals.Stop);
            daemon.served.SetResult();
            turn?.FirstList.TrySetResult(turn.Engine is not null);
            return daemon;
        }
        catch (Exception e)
        {
            turn?.FirstList.TrySetResult(false);
            // Whatever it was, what the start has taken so far is given back.
            await daemon.DisposeAsync();
            signals.Stop.ThrowIfCancellationRequested();
            if (e is InUseException or ExposedException or CaKeyException or StoreException or IOException or UnauthorizedAccessException
                or ProblemException or System.Net.Sockets.SocketException)
                throw new StartException(e.Message, e);
            throw;
        }
    }

    /// <summary>Completes when the daemon begins to stop: with the error that stopped it, or with null if it was asked to stop.</summary>
    public Task<Exception?> Ended => ended.Task;

    /// <summary>
    /// How the process goes on once this daemon, which followed, has ended: with which settings, and with what it leaves. Null if the
    /// process ends too.
    /// </summary>
    public (Settings Settings, Turn Turn)? Next { get; private set; }

    public async ValueTask DisposeAsync()
    {
        if (drain is not null && Next?.Turn.Engine is not null)
            await Outlast(drain);
        while (held.TryPop(out var release))
            await release();
        if (Next?.Turn.Engine is null)
            waits?.Dispose();
    }

    private async Task Build(Settings settings, Func<Settings> read, Signals signals, TimeProvider system)
    {
        if (turn?.Sockets is { } kept)
            Hold(kept);
        var logs = Hold(Log.Open());
        var log = logs.CreateLogger("certauthority");
        var data = Hold(await DataDirectory.Take(settings));
        if (DatabaseOf.Lock(settings) is { } apart)
            Hold(apart);
        var systemd = new SystemdNotifier();
        var database = Open(settings, data, log);
        held.Push(database.DisposeAsync);
        await MoveToServer.ExpectInUse(settings, database, log);
        var follows = waits is not null;
        // In the same process, the settings were compared before this daemon took its turn.
        if (turn?.Engine is null)
            SettingsAgreement.Expect(settings, database, follows);
        var clock = new SteadyClock(system, BootClock.BootId, database.Read(snapshot => snapshot.ClockRecord()));
        var run = follows ? StartOfRun.Follow(data, database, clock) : await StartOfRun.Begin(data, database, clock, settings.NewCa, log);
        var sockets = turn?.Sockets ?? Hold(Sockets.Take(settings.SocketPath, log));
        var keys = new CurrentKeys(run.Keys);

        var self = Accounts.OwnUid;
        var names = new NameService(clock, Accounts.NameOf);
        var administrators = new HostAdministrators(names, self, log);
        var current = new CurrentSettings(await administrators.Under(settings, before: []));

        var manifests = new Manifests(data.AuditKey, run.Origin.Installation, keys);
        var krl = new KrlPublisher(database, clock, run.Origin, manifests, data.RevocationList, log);
        var checkpoints = new Checkpoints(database, data.AuditKey, data.Checkpoint, clock, log);
        checkpoints.Begin();
        var removal = new AuditRemoval(database, clock, log);
        var publication = new Publication(data, krl, checkpoints, log);
        var followed = new FollowedKrl(database, clock, manifests, run.Origin.Installation, data.RevocationList, log);
        if (follows)
            followed.PublishIn(Publication.Beside(settings.PublishDirectory, data, followed));
        else
            publication.Begin(settings.PublishDirectory);
        var hosts = new HostPush(database, clock, krl, keys, manifests, checkpoints, data.PushFolder, current, log);
        var watch = new RequestWatch();
        var damage = new Damage(database, [.. KindTable.Rows.Select(kind => kind.Stored)], system);
        var ca = new CurrentAuthority(
            new Authority(
                database, clock, keys, follows ? followed : krl, watch, new RateLimit<uint>(clock), new RefusalLimit(clock),
                settings.Limits, [])
            {
                Follows = follows,
                Push = hosts,
                KeyFiles = data.Files,
                Groups = new Groups(clock),
                Uids = new UidBook(clock, UidOf),
                Damage = damage,
                Checkpoints = checkpoints,
                AuditRemoval = removal,
                Loops = loops,
                Stuck = new StuckRows(log),
            },
            current);
        var audit = new RunAudit(ca, current, names, self, loops, log);
        var reconfiguration = new Reconfiguration(ca, current, log);
        var groups = new GroupReview(ca, log);
        var access = sockets.Administrators is { } socket ? new AdministratorAccess(socket, current, names, log, clock) : null;
        var reload = new Reload(signals, served.Task, read, ca, current, systemd, log)
        {
            Administrators = administrators,
            Publication = publication,
            Reconfiguration = reconfiguration,
            Audit = audit,
            Groups = groups,
            Access = access,
        };

        // Only machines of a realm know its accounts.
        long? UidOf(string account) =>
            database.Realm.NameHere(account) is { } here && Accounts.UidOf(here) is { } uid
                ? new Uid(uid, database.Realm.Number).Stored
                : null;

        string? Obstacle(Settings settings) => SettingsAgreement.Obstacle(settings, database);

        // Started from top to bottom, then the web server; stopped in reverse.
        IEnumerable<IHostedService?> services = waits is { } engine ?
        [
            new CommitWatch(database), followed, new FollowedHosts(ca, followed, log), new OtherDaemons(ca, log), new KeyWatch(ca, log),
            new RefusalCounts(ca, log),
            new TurnWatch(engine, () => Obstacle(settings), () => GoOn(settings, settings, engine, sockets, followed), log),
            new FollowersReload(
                signals, served.Task, read, Obstacle, renewed => GoOn(settings, renewed, null, sockets, followed), systemd, log),
            access, sockets,
        ] :
        [
            new CommitWatch(database), krl, new KrlRefresh(krl, clock), hosts,
            new GroupsPublication(database, krl, data.AuditKey, run.Origin, log), reconfiguration,
            new ClockWatch(ca, log), new KeyWatch(ca, log), new NotifyDelivery(ca, current, log), new AuditFlow(ca, current, log),
            new HostRenewal(ca, log), new RotationRound(ca, log), new HostReports(ca, current, log), new HostWatch(ca, log),
            new NodeForgetting(ca, log), new JoinRound(ca, current, log),
            new DiskWatch(ca, log), new PolicyReview(ca, log),
            new AccountRound(ca, log), groups, new RefusalCounts(ca, log), new DatabaseCheck(database, damage, system, log),
            checkpoints, removal, audit, reload, database.IsShared ? new OtherDaemons(ca, log) : null,
            database.IsShared ? new ListsForOthers(database, krl, clock, log) : null,
            access, sockets,
        ];
        if (follows)
            foreach (var unused in (BackgroundService[])[krl, hosts, checkpoints, removal, reload, groups])
                Hold(unused);
        loops.AddRange(services.OfType<BackgroundService>().Select(Hold));
        var serving = new Serving(ca, current, self, names);
        outlasting = () => followed.Handed;
        drain = new Drain(clock, outlasting);
        host = Server.Build(
            sockets.Listen(new Connections(clock, self, Machine.MostDescriptors), serving, drain, log), services.OfType<IHostedService>(),
            new OneLife(systemd, () => Next is not null), drain, logs);
        held.Push(async () =>
        {
            if (!isOutlasted)
                await host.DisposeAsync();
        });
        held.Push(async () =>
        {
            if (!hasStopped)
                await host.StopAsync();
        });
        Server.Serve(host, serving, drain, log);
        host.Lifetime.ApplicationStopping.Register(() =>
        {
            watch.Stop();
            database.AuditWatch.Stop();
            hosts.Stop();
            var fault = Loop.FaultOf(loops);
            if (fault is LoopEndedException)
                log.LogCritical(fault.InnerException, "{Fault}", fault.Message);
            ended.TrySetResult(fault);
        });
        Hold(signals.Stop.Register(host.Lifetime.StopApplication));
    }

    /// <summary>
    /// Ends everything but the connections of callers who wait for the first list of the next daemon. They get their answer from its turn,
    /// and nothing else of this daemon is used for it.
    /// </summary>
    private async Task Outlast(Drain drain)
    {
        var (server, stops) = (host, host.StopAsync());
        await await Task.WhenAny(drain.Ended, stops);
        hasStopped = true;
        if (outlasting() == 0)
        {
            await stops;
            return;
        }
        foreach (var loop in Enumerable.Reverse(loops))
            await loop.StopAsync(CancellationToken.None);
        isOutlasted = true;
        _ = stops.ContinueWith(_ => server.DisposeAsync().AsTask(), TaskScheduler.Default).Unwrap();
    }

    /// <summary>Opens the database, to lead it if no other daemon does.</summary>
    private Database Open(Settings settings, DataDirectory data, ILogger log)
    {
        var engine = turn?.Engine ?? DatabaseOf.Settings(settings, log);
        try
        {
            if (turn?.Engine is not null || engine.TryTakeTurn())
                return Database.Open(engine, log);
            waits = engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
        StartOfRun.ExpectSameKeys(settings, data, log);
        return Database.Open(DatabaseOf.Following(settings, log), log);
    }

    /// <summary>Ends this daemon, and lets the process go on with another one, on the same sockets if their path stays.</summary>
    private void GoOn(Settings settings, Settings renewed, Engine? engine, Sockets sockets, FollowedKrl lists)
    {
        Next ??= (renewed, new Turn(engine, renewed.SocketPath == settings.SocketPath ? sockets.Keep() : null));
        if (engine is not null)
            lists.HandOver(Next.Value.Turn.FirstList.Task);
        host.Lifetime.StopApplication();
    }

    /// <summary>
    /// Does not tell systemd that the process stops when it goes on as another daemon: systemd would end it after a while.
    /// </summary>
    private sealed class OneLife(SystemdNotifier systemd, Func<bool> goesOn) : ISystemdNotifier
    {
        public bool IsEnabled => systemd.IsEnabled;

        public void Notify(ServiceState state)
        {
            if (state.ToString() != ServiceState.Stopping.ToString() || !goesOn())
                systemd.Notify(state);
        }
    }

    private T Hold<T>(T resource) where T : IDisposable
    {
        held.Push(() =>
        {
            resource.Dispose();
            return ValueTask.CompletedTask;
        });
        return resource;
    }
}
