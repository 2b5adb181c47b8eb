using System.Text;
using CertAuthority.Api;
using CertAuthority.Configuration;
using CertAuthority.Jobs;
using CertAuthority.Linux;
using CertAuthority.Notices;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>The daemon cannot start. The message says why and what to do.</summary>
internal sealed class StartException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A loop in the background has ended while the daemon runs. The message says which, and why.</summary>
internal sealed class LoopEndedException(BackgroundService loop, Exception? inner)
    : Exception($"the loop {loop.GetType().Name} in the background has ended: {(inner is null ? "nobody stopped it" : $"{inner.GetType().Name}: {inner.Message}")}", inner);

/// <summary>A running daemon: everything it is made of, put together in one place. Tests start it too.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    // In the order of taking; let go in reverse.
    private readonly Stack<Func<ValueTask>> held = new();

    private readonly uint self = Accounts.GetEffectiveUserId();

    // What calls run under. Swapped whole.
    private volatile Serving serving = null!;
    private volatile NotifySettings notify = NotifySettings.Nobody;
    private volatile PushSettings push = PushSettings.Default;
    private Settings settings = null!;
    private ILogger log = null!;
    private GroupReview groups = null!;
    private AdministratorAccess? access;
    private NameService names = null!;
    private RunAudit? run;
    private volatile bool isStopping;

    private readonly TaskCompletionSource<Exception> broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Daemon()
    {
    }

    /// <summary>Completes when the daemon cannot go on: whether a commit was kept is not known, or a loop in the background has ended. The process then ends too.</summary>
    public Task<Exception> Broken => broken.Task;

    /// <summary>Serves when it returns.</summary>
    /// <exception cref="StartException">Somebody else's daemon, files open to others, a damaged database, a full disk, …</exception>
    public static async Task<Daemon> Start(Settings settings, TimeProvider system)
    {
        var daemon = new Daemon();
        try
        {
            await daemon.Run(settings, system);
            return daemon;
        }
        catch (Exception e)
        {
            await daemon.DisposeAsync();
            if (e is InUseException or ExposedException or CaKeyException or StoreException or IOException or UnauthorizedAccessException
                or ProblemException or System.Net.Sockets.SocketException)
                throw new StartException(e.Message, e);
            throw;
        }
    }

    /// <summary>Takes over administrators, limits, which groups make users, who is told of what, where hosts fetch their files and how they are written to, for the calls that come. Where it keeps its things and where it serves stay as they are.</summary>
    public async Task Reload(Settings changed)
    {
        KeepsUntilStart("data_dir", settings.DataDirectory, changed.DataDirectory);
        KeepsUntilStart("socket", settings.SocketPath, changed.SocketPath);
        serving = await Under(changed, serving.Ca);
        settings = changed with { DataDirectory = settings.DataDirectory, SocketPath = settings.SocketPath };
        notify = changed.Notify;
        if (changed.Push.Parallel != push.Parallel)
            log.LogWarning("push.parallel cannot change while the daemon runs; it stays {Now} until the next start", push.Parallel);
        push = changed.Push;
        await PublishElsewhere(changed.PublishDirectory);
        try
        {
            await SetReceivers(serving.Ca);
            await Reconfigure();
        }
        catch (Exception e) when (e is ProblemException or OutcomeUnknownException)
        {
            log.LogWarning("the new configuration may not be fully in force yet for users from groups, limits and notices: {Why}", e.Message);
        }
        await run!.Reloaded(serving.Ca, InForce());
        groups.Look();
        if (access is not null)
            await access.Look();
        log.LogInformation("the configuration was read again and is in force");
    }

    public async ValueTask DisposeAsync()
    {
        isStopping = true;
        while (held.TryPop(out var release))
            await release();
    }

    private async Task Run(Settings settings, TimeProvider system)
    {
        this.settings = settings;
        var logs = Hold(Log.Open());
        log = logs.CreateLogger("certauthority");
        var data = settings.DataDirectory;
        DurableFile.PrivateDirectory(data);
        Hold(TakeDirectory(data));

        var userCa = Hold(FileCaKey.LoadOrCreate(Path.Combine(data, "user_ca"), CaPurpose.User, settings.NewCaKeys));
        // Never the same key: a host certificate signed by a key that hosts trust for users would open them.
        var hostCa = Hold(FileCaKey.LoadOrCreate(Path.Combine(data, "host_ca"), CaPurpose.Host, settings.NewCaKeys));
        var syncCa = Hold(FileCaKey.LoadOrCreate(Path.Combine(data, "sync_ca"), CaPurpose.Sync, settings.NewCaKeys));
        ExpectOthers(data, "host_ca", hostCa, userCa);
        ExpectOthers(data, "sync_ca", syncCa, userCa, hostCa);

        var databasePath = Path.Combine(data, "certauthority.db");
        DurableFile.ExpectOwn(databasePath);
        var database = Database.Open(databasePath, log);
        held.Push(database.DisposeAsync);
        held.Push(RecordStop);
        _ = Watch(database);
        var krlPath = Path.Combine(data, "revoked.krl");
        var published = PublishedKrl.At(krlPath);
        var clock = new SteadyClock(system, BootClock.BootId, database.Read(snapshot => snapshot.ClockRecord()));
        if (!clock.IsPossible)
            throw new StartException($"the clock of this host shows {system.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}, which cannot be right; set it, and start again");
        var time = clock.GetUtcNow();
        database.ExpectReadable(time);
        var (restored, replaced, userCaId, origin) = await database.Commit(transaction =>
        {
            var from = Restoration.From(transaction, userCa.IsNew, published);
            var change = settings.NewCa ? KeyChange.Run(transaction, userCa.PublicKey, time) : default;
            var key = KeyChange.Expect(transaction, userCa.PublicKey, published, from is not null, time);
            // Looks at the last serial before the new epoch moves it.
            var lost = from is null ? null : Restoration.Run(transaction, from, published, time);
            transaction.BeginSerialEpoch(time);
            Clocks.KeepExpired(transaction, clock);
            return (lost, change, key.Id, transaction.BeginRun(lost is not null));
        }, takesAway: true);

        names = new NameService(clock, Accounts.NameOf);
        var socket = Hold(SocketFile.Take(settings.SocketPath));
        var administrators = AdministratorsSocket() is { } path ? Hold(SocketFile.TakeBeside(path)) : null;
        var connections = new Connections(clock, self, Machine.MostDescriptors);
        List<Listener> listeners = [new(socket, isForAdministrators: false, connections, () => serving, log)];
        if (administrators is not null)
            listeners.Add(new Listener(administrators, isForAdministrators: true, connections, () => serving, log));
        var app = Server.Build(listeners, logs);
        held.Push(app.DisposeAsync);

        if (restored is not null)
            log.LogWarning("restored from {From}: {Ended} requests ended, {Revoked} certificates and everything signed since revoked", restored.From, restored.Ended, restored.Revoked);
        if (replaced.Replaced is [_, ..] others)
            log.LogWarning(
                "user_ca is now {Key}; revoked with all that it signed, {Count} live certificates among it: {Others}; hosts let nobody in before they have the new user_ca.pub",
                Fingerprint.Of(userCa.PublicKey), replaced.Revoked, string.Join(", ", others.Select(other => Fingerprint.Of(other.Key))));

        var krl = Hold(new KrlPublisher(database, clock, origin, krlPath, log));
        krl.ForHosts = PublishIn(settings.PublishDirectory, data, krl, userCa, hostCa);
        push = settings.Push;
        // Before the loops, for the list's wakes it until the end.
        var hosts = Hold(new HostPush(database, clock, krl, (userCa, hostCa, syncCa), Path.Combine(data, "push"), () => push, log));
        await Start(krl);
        try
        {
            await krl.Publish();
        }
        catch (ProblemException e)
        {
            throw new StartException($"{(krl.ForHosts?.Status.Failure is null ? krlPath : krl.ForHosts.Path)} cannot be written; the log says why", e);
        }
        await Start(Hold(new KrlRefresh(krl, clock)));
        await Start(hosts);

        var watch = new RequestWatch();
        var ca = new Ca(database, clock, userCa, hostCa, krl, watch, new Recent<uint>(clock), new RefusalLimit(clock), settings.Limits, [])
        {
            UserCaId = userCaId,
            Push = hosts,
            Groups = new Groups(clock),
            Uids = new UidBook(clock, Accounts.UidOf),
        };
        serving = await Under(settings, ca);
        notify = settings.Notify;
        await SetReceivers(ca);
        await Reconfigure();
        groups = Hold(new GroupReview(() => serving.Ca, log));
        await Start(Hold(new ClockWatch(() => serving.Ca, log)));
        await Start(Hold(new NotifyDelivery(() => serving.Ca, () => notify, log)));
        await Start(Hold(new HostRenewal(() => serving.Ca, log)));
        await Start(Hold(new HostWatch(() => serving.Ca, log)));
        await Start(Hold(new DiskWatch(() => serving.Ca, log)));
        await Start(groups);
        await Start(Hold(new RefusalCounts(() => serving.Ca, log)));
        Server.Serve(app, () => serving, log);
        run = new RunAudit(names, self, log);
        await run.Started(serving.Ca, InForce());
        await app.StartAsync();
        held.Push(async () =>
        {
            watch.Stop();
            hosts.Stop();
            await app.StopAsync();
        });
        foreach (var listener in listeners)
            _ = Watch(listener);
        if (administrators is not null)
        {
            access = Hold(new AdministratorAccess(administrators, () => this.settings, names, log, clock));
            await access.Look();
            await Start(access);
        }
        socket.Open();
    }

    private async ValueTask RecordStop()
    {
        if (run is not null)
            await run.Stopped(serving.Ca, broken.Task.IsCompletedSuccessfully ? broken.Task.Result.Message : null);
    }

    // A directory that could not be taken is not the one in use.
    private Settings InForce() => settings with { PublishDirectory = serving.Ca.Krl.ForHosts?.Path };

    private string? AdministratorsSocket()
    {
        if (new ServerAddress.Unix(settings.SocketPath).AdministratorsPath is { } path)
            return path;
        log.LogWarning("administrators have no socket of their own, because the path {Path} is too long: its limit for that is {Limit} bytes", settings.SocketPath, ServerAddress.Unix.LongestPath - ServerAddress.Unix.AdministratorsSuffix.Length);
        return null;
    }

    private async Task<Serving> Under(Settings settings, Ca ca)
    {
        var privileged = settings.Administrators.Add("root");
        try
        {
            if (await names.AccountOf(self, Asker.Administrator) is { } account)
                privileged = privileged.Add(account);
            foreach (var group in settings.AdministratorGroups)
                privileged = privileged.Union(await names.MembersOf(group, Asker.Administrator) ?? []);
        }
        catch (NameServiceException e)
        {
            // They are for warnings: too many are better than too few.
            privileged = privileged.Union(ca.PrivilegedLogins);
            log.LogWarning("approvals may not warn of each login that administers this host: {Why}", Printable.Escape(e.Message));
        }
        return new Serving(ca with { Limits = settings.Limits, PrivilegedLogins = privileged, UsersFromGroups = settings.UsersFromGroups }, new Callers(self, settings.Administrators, settings.AdministratorGroups, names));
    }

    /// <summary>Who is not told any more has nothing waiting either: what did is dropped, and said to be.</summary>
    private async Task SetReceivers(Ca ca)
    {
        var receivers = Channel.Of(notify).Select(channel => channel.Receiver).ToList();
        var dropped = await ca.Database.Commit(transaction =>
        {
            var before = transaction.ReceiverStatuses();
            transaction.SetReceivers(receivers);
            return before.FindAll(receiver => receiver.Waiting > 0 && !receivers.Exists(one => one.Name == receiver.Name));
        }, takesAway: true);
        foreach (var receiver in dropped)
            log.LogWarning("{Count} notifications that waited for {Receiver} were dropped: the configuration does not name it any more", receiver.Waiting, receiver.Name);
    }

    /// <summary>The directory for hosts, ready to be written; null when none is named.</summary>
    private static PublishDirectory? PublishIn(string? path, string data, KrlPublisher krl, CaKey userCa, CaKey hostCa)
    {
        if (path is null)
            return null;
        (string, byte[])[] keys = [("user_ca.pub", Line(userCa.PublicKey.ToLine("user CA"))), ("host_ca.pub", Line(hostCa.PublicKey.ToLine("host CA")))];
        var directory = new PublishDirectory(path, krl.Conflict, keys, Path.Combine(data, "published.krl.spare"));
        directory.Make();
        return directory;

        static byte[] Line(string text) => Encoding.ASCII.GetBytes(text + "\n");
    }

    /// <summary>One that cannot be used changes nothing, and what lies in the old one stays there.</summary>
    private async Task PublishElsewhere(string? path)
    {
        var (krl, now) = (serving.Ca.Krl, serving.Ca.Krl.ForHosts?.Path);
        if (path == now)
            return;
        try
        {
            krl.ForHosts = PublishIn(path, settings.DataDirectory, krl, serving.Ca.UserCa, serving.Ca.HostCa);
            if (now is not null)
                log.LogWarning("nothing is published in {Now} any more; what lies there grows old", now);
            await krl.Publish();
            Nodes.PublishCertificates(serving.Ca);
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            log.LogWarning("publish_dir cannot be {Path}, and stays {Now}: {Why}", path, now ?? "unset", Printable.Escape(e.Message));
        }
        catch (ProblemException)
        {
            // The publisher has logged why, and tries again by itself.
        }
    }

    /// <summary>What is stored under the settings of before, in line with those of now.</summary>
    private async Task Reconfigure()
    {
        var withdrawn = await GroupUsers.Reconfigure(serving.Ca);
        if (withdrawn.Ended.Length + withdrawn.Shortened.Length + withdrawn.Revoked.Length > 0)
            log.LogWarning(
                "the settings took back what they do not allow: {Revoked} certificates revoked, {Ended} requests ended, {Shortened} requests shortened; tctl audit ls says whose",
                withdrawn.Revoked.Length, withdrawn.Ended.Length, withdrawn.Shortened.Length);
        foreach (var warning in SettingsReview.Warnings(serving.Ca.UsersFromGroups, serving.Ca.Database.Read(snapshot => snapshot.Policy().Roles)))
            log.LogWarning("{Warning}", Printable.Escape(warning));
    }

    private static void ExpectOthers(string data, string name, FileCaKey key, params ReadOnlySpan<FileCaKey> others)
    {
        foreach (var other in others)
            if (key.PublicKey == other.PublicKey)
                throw new CaKeyException($"{Path.Combine(data, name)} is the same key as {other.Signs.ToString().ToLowerInvariant()}_ca; restore the right one, or remove {name} and {name}.pub");
    }

    private void KeepsUntilStart(string what, string now, string changed)
    {
        if (changed != now)
            log.LogWarning("{What} cannot change while the daemon runs; it stays {Now} until the next start", what, now);
    }

    /// <summary>One daemon a directory, and the second is told which process is the first.</summary>
    private static FileStream TakeDirectory(string data)
    {
        var pidFile = Path.Combine(data, "certauthority.pid");
        try
        {
            var directory = LockFile.Take(Path.Combine(data, "certauthority.lock"));
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
            return directory;
        }
        catch (InUseException)
        {
            throw new InUseException($"{data} is in use by the certauthority with process id {File.ReadAllText(pidFile).Trim()}; stop it, or name another data directory");
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

    private async Task Start(BackgroundService loop)
    {
        await loop.StartAsync(CancellationToken.None);
        held.Push(async () => await loop.StopAsync(CancellationToken.None));
        _ = Watch(loop);
    }

    /// <summary>A loop that has ended would leave a daemon that serves and looks well, and does half of its work. So it ends too; systemd starts it again.</summary>
    private async Task Watch(BackgroundService loop)
    {
        var running = loop.ExecuteTask!;
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (isStopping)
            return;
        var why = running.Exception?.InnerException;
        if (why is not OutcomeUnknownException)
        {
            log.LogCritical(why, "the loop {Loop} in the background has ended", loop.GetType().Name);
            why = new LoopEndedException(loop, why);
        }
        broken.TrySetResult(why);
    }

    /// <summary>Nobody could call any more. So it ends; the next start says what is in the way, or makes the socket again.</summary>
    private async Task Watch(Listener listener)
    {
        await listener.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!isStopping && listener.Ended.Exception?.InnerException is { } why)
            broken.TrySetResult(why);
    }

    private async Task Watch(Database database) => broken.TrySetResult(await database.Broken);
}
