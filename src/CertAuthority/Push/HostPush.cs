using System.Collections.Concurrent;
using CertAuthority.Access.Nodes;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Push;

/// <summary>
/// Writes to hosts what their sshd goes by, whenever there is a new revocation list: to each by itself, again after a growing pause where
/// that failed, so that a host that is gone delays no other.
/// </summary>
internal sealed class HostPush : Loop
{
    /// <summary>A list that names nothing. Always the same bytes: it never changes on a host.</summary>
    public static readonly byte[] EmptyKrl = Krl.Write([], 1, 0, "");

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // Between two looks whether hosts have a list. It costs no IO.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly Database database;
    private readonly TimeProvider clock;
    private readonly KrlPublisher krl;
    private readonly (CaKey User, CaKey Host, CaKey Sync) keys;
    private readonly CurrentSettings settings;
    private readonly ILogger log;
    private readonly string directory;
    private readonly SyncIdentity identity;

    private readonly ConcurrentDictionary<Guid, Host> hosts = new();
    private readonly SemaphoreSlim wanted = new(0);
    private readonly CancellationTokenSource stopped = new();
    private readonly Lanes lanes;

    /// <summary>The public half of the key that signs the daemon's own way to hosts.</summary>
    public SignatureKey SyncCa => keys.Sync.PublicKey;

    /// <param name="database">Which hosts there are, and what became of them.</param>
    /// <param name="clock">Paces retries.</param>
    /// <param name="krl">The list.</param>
    /// <param name="keys">The public halves go to hosts; the last one signs the daemon's own certificates.</param>
    /// <param name="directory">For passing files; made, and emptied of what an earlier process left.</param>
    /// <param name="settings">Say how hosts are written to.</param>
    /// <param name="log">Where failures are told.</param>
    /// <exception cref="ExposedException">Others can enter the directory.</exception>
    public HostPush(
        Database database, TimeProvider clock, KrlPublisher krl, (CaKey User, CaKey Host, CaKey Sync) keys, string directory,
        CurrentSettings settings, ILogger log)
    {
        (this.database, this.clock, this.krl, this.keys, this.directory, this.settings, this.log) = (database, clock, krl, keys, directory,
            settings, log);
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        OwnFile.PrivateDirectory(directory);
        identity = new SyncIdentity(database, clock, keys.Sync, directory);
        lanes = new Lanes(settings.Now.Settings.Push.Parallel, clock);
        krl.Written = Wake;
    }

    /// <summary>Until stopped. A turn that ends in a way that it should not ends this loop too, and with it the daemon.</summary>
    protected override async Task Run(CancellationToken stopping)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stopping, stopped.Token);
        var running = new List<Task>();
        try
        {
            while (true)
            {
                foreach (var ended in running.FindAll(task => task.IsCompleted))
                    await ended;
                running.RemoveAll(task => task.IsCompletedSuccessfully);
                try
                {
                    running.AddRange(StartDue(both.Token));
                }
                catch (Exception e) when (e is ProblemException or StoreException)
                {
                    log.LogWarning("the list of hosts to write to cannot be read, and is tried again: {Why}", Printable.Escape(e.Message));
                }
                // However often it was wanted, one look suffices.
                if (await wanted.WaitAsync(Look, both.Token))
                    while (wanted.Wait(0, CancellationToken.None))
                    {
                    }
            }
        }
        catch (OperationCanceledException) when (both.IsCancellationRequested)
        {
            // Stopped.
        }
        await Task.WhenAll(running);
    }

    /// <summary>
    /// Ends what is under way, calls of <see cref="Sync"/> too. The host waits for the loop when it stops the loop in turn.
    /// </summary>
    public void Stop()
    {
        // First, so that the loop knows that it was stopped.
        _ = StopAsync(CancellationToken.None);
        stopped.Cancel();
    }

    /// <summary>Writes everything to one host now, however often that failed before.</summary>
    /// <param name="node">The host.</param>
    /// <param name="takesOver">Also where another daemon's list is.</param>
    /// <returns>What went wrong; null when it has everything.</returns>
    public Task<SyncFault?> Sync(Node node, bool takesOver)
    {
        var host = hosts.GetOrAdd(node.Id, _ => new Host());
        return Attempt(node.Name, host, isSlow: false, takesOver ? Extent.TakeOver : Extent.Everything, stopped.Token);
    }

    /// <summary>Which hosts do not have a list, by name, each with why the last attempt failed.</summary>
    /// <param name="version">The version of the list, or of an earlier one than theirs.</param>
    public List<(string Node, string? Fault)> Without(ulong version) =>
    [
        .. database.Read(snapshot => snapshot.Policy().Nodes).Values.Where(node => node.Push)
            .Select(node => (node.Name, Host: hosts.GetValueOrDefault(node.Id)))
            .Where(one => !(one.Host?.Version >= version)).Select(one => (one.Name, one.Host?.Fault)),
    ];

    /// <summary>Returns when all hosts have the list that is in place now, or after a time.</summary>
    /// <param name="patience">How long at most.</param>
    /// <param name="forTheGone">Whether to wait for hosts that have failed more than once in a row, too: they may be gone for days.</param>
    /// <returns>The version of the list, and those without it, as <see cref="Without"/> has them.</returns>
    public async Task<(ulong Version, List<(string Node, string? Fault)> Behind)> Await(TimeSpan patience, bool forTheGone)
    {
        var (version, until) = (krl.Latest?.Version ?? 0, clock.GetUtcNow() + patience);
        while (true)
        {
            var behind = Without(version);
            if (clock.GetUtcNow() >= until || (forTheGone ? behind.Count == 0 : !IsAwaited(version)))
                return (version, behind);
            await Task.Delay(Glance, clock, stopped.Token);
        }
    }

    /// <summary>After which a host is stale that nothing could be written to.</summary>
    public TimeSpan StaleAfter => settings.Now.Settings.Push.StaleAfter;

    /// <summary>
    /// What is to lie on a host. A certificate that has ended is left out: sshd would offer it, and clients would refuse.
    /// </summary>
    public HostContent ContentFor(Snapshot snapshot, Node node, byte[] list, DateTimeOffset now) => new(
        string.Join('\n', (string[])[keys.User.PublicKey.ToLine("user CA"), .. node.OtherCas]), list,
        snapshot.HostCertificate(node) is { } one && now < one.ValidBefore ? one.Line : null, keys.Sync.PublicKey.ToLine("sync CA"),
        EmptyKrl);

    public override void Dispose()
    {
        base.Dispose();
        identity.Dispose();
        lanes.Dispose();
        wanted.Dispose();
        stopped.Dispose();
    }

    private void Wake() => wanted.Release();

    private IEnumerable<Task> StartDue(CancellationToken stopping)
    {
        if (krl.Latest is not { } latest)
            yield break;
        var now = clock.GetUtcNow();
        var nodes = database.Read(snapshot => snapshot.Policy().Nodes);
        if (hosts.Count > nodes.Count)
            foreach (var gone in hosts.Keys.Except(nodes.Values.Select(node => node.Id)))
                hosts.TryRemove(gone, out _);
        foreach (var node in nodes.Values.Where(node => node.Push))
        {
            var host = hosts.GetOrAdd(node.Id, _ => new Host());
            if (host.Version >= latest.Version || now < host.NotBefore || Interlocked.Exchange(ref host.Queued, 1) == 1)
                continue;
            yield return Next(node.Name, host, stopping);
        }
    }

    private async Task Next(string node, Host host, CancellationToken stopping)
    {
        // Not in the loop that starts all of them.
        await Task.Yield();
        try
        {
            await Attempt(node, host, isSlow: host.Failures > 0, Extent.List, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped.
        }
        finally
        {
            Volatile.Write(ref host.Queued, 0);
            // There may be a newer list than the one that it got.
            if (host.Failures == 0 && host.Version < krl.Latest?.Version)
                Wake();
        }
    }

    /// <summary>One at a time on each host.</summary>
    private async Task<SyncFault?> Attempt(string name, Host host, bool isSlow, Extent extent, CancellationToken stopping)
    {
        await host.Turn.WaitAsync(stopping);
        try
        {
            return await lanes.Run(() => Write(name, host, extent, stopping), isSlow, stopping);
        }
        finally
        {
            host.Turn.Release();
        }
    }

    private async Task<SyncFault?> Write(string name, Host host, Extent extent, CancellationToken stopping)
    {
        try
        {
            // As it is now: it may have waited for its turn.
            if (krl.Latest is not { } list
                || database.Read(snapshot => snapshot.Policy().Nodes).GetValueOrDefault(name) is not { Push: true } node)
                return new SyncFault("it is not written to");
            if (extent == Extent.List && host.Version >= list.Version)
                return null;
            var result = await Send(node, host, list, extent, stopping);
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            Remember(node, host, list, result.Fault, now);
            await database.Commit(transaction =>
            {
                if (result.Fault is { } fault)
                    transaction.SetSyncFailed(node, fault.Why, now, fault.Trouble);
                else
                    transaction.SetSynced(node, list.Version, now);
                if (result.HasLooked)
                    transaction.SetExempt(node, result.IsExempt);
                return true;
            }, takesAway: true);
            return result.Fault;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested || e is not OperationCanceledException)
        {
            // Nothing to do with the host: a disk that is full here, say. Whatever it is, the next host does not suffer for it.
            host.NotBefore = clock.GetUtcNow() + NodeSync.Pause(++host.Failures);
            log.LogWarning("nothing can be written to {Node}, or that it was cannot be recorded: {Why}", name, Printable.Escape(e.Message));
            return new SyncFault(e.Message);
        }
    }

    private async Task<SftpResult> Send(Node node, Host host, PublishedKrl list, Extent extent, CancellationToken stopping)
    {
        var now = clock.GetUtcNow();
        var (certificate, content) = database.Read(
            snapshot => (snapshot.HostCertificate(node), ContentFor(snapshot, node, list.Bytes, now)));
        if (certificate is null)
            return new SftpResult(new SyncFault("no key of it is on record, by which it could be known", SyncTrouble.HostKey));
        if (node.Endpoint is not { } endpoint)
            return new SftpResult(new SyncFault($"\"{node.Address}\" is not an address that ssh can use", SyncTrouble.Address));
        await identity.Refresh(stopping);
        // By its certificate, or by the key in it: one whose certificate has ended must get the next.
        var known =
            $"@cert-authority * {keys.Host.PublicKey.ToLine("")}\n{node.Name} {Certificate.Parse(certificate.Certificate).Key.ToLine("")}\n";
        var push = settings.Now.Settings.Push;
        // What lies beside the list changes once a month, and each file costs a dozen ways there and back: a second where the host is far
        // away.
        var beside = $"{content.UserCa}\n{content.Certificate}";
        var onlyList = extent == Extent.List && host.Beside == beside;
        var files = HostFiles.Changing(content).Take(onlyList ? 1 : int.MaxValue)
            .Select(file => (Path.GetFileName(file.Path), file.Content));
        var result = await Sftp.Replace(
            new SftpHost(node.Name, endpoint.Host, endpoint.Port, known), [.. files],
            present => extent == Extent.TakeOver ? null : Objection(list, present), looks: !onlyList, identity, push.SshConfig,
            push.Timeout, directory, stopping);
        host.Beside = result.Fault is null ? beside : null;
        return result;
    }

    /// <summary>
    /// Why a list must not take the place of what is on a host; null when it may. What is no list locks everybody out, so it may always.
    /// </summary>
    private string? Objection(PublishedKrl list, byte[] present)
    {
        try
        {
            var there = Krl.Parse(present);
            return krl.Conflict(list.Version, there) switch
            {
                null => null,
                ListConflict.OtherInstallation => $"another installation writes to it: its revocation list {there.Version} is there",
                ListConflict.OtherCopy =>
                    $"a daemon on another copy of this database writes to it: its revocation list {there.Version} is there",
                _ => $"revocation list {there.Version} is there, which is newer than {list.Version}",
            };
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    // Whether it is worth waiting for any host: one has yet to be tried, or has failed for the first time.
    private bool IsAwaited(ulong version) => database.Read(snapshot => snapshot.Policy().Nodes).Values.Any(node =>
        node.Push && hosts.GetValueOrDefault(node.Id) is var host && !(host?.Version >= version) && !(host?.Failures > 1));

    private void Remember(Node node, Host host, PublishedKrl list, SyncFault? fault, DateTimeOffset now)
    {
        host.Fault = fault?.Why;
        if (fault is null)
        {
            if (host.Failures > 0)
                log.LogInformation("{Node} is written to again", node.Name);
            (host.Version, host.Failures, host.NotBefore) = (list.Version, 0, default);
            return;
        }
        host.NotBefore = now + NodeSync.Pause(++host.Failures, fault.Trouble);
        if (host.Failures == 1)
            log.LogWarning(
                "nothing can be written to {Node}, which is tried again until it succeeds: {Why}", node.Name, Printable.Escape(fault.Why));
    }

    private enum Extent
    {
        /// <summary>The list, and what has changed beside it.</summary>
        List,

        /// <summary>All files.</summary>
        Everything,

        /// <summary>All files, also in the place of another daemon's.</summary>
        TakeOver,
    }

    /// <summary>What this process knows of a host.</summary>
    private sealed class Host
    {
        /// <summary>Whether the loop has it in hand.</summary>
        public int Queued;

        public SemaphoreSlim Turn { get; } = new(1);

        /// <summary>Of the list that it has, as far as this process has written it.</summary>
        public ulong Version { get; set; }

        /// <summary>What it has beside the list, as far as this process has written it.</summary>
        public string? Beside { get; set; }

        /// <summary>In a row.</summary>
        public int Failures { get; set; }

        /// <summary>Why the last attempt failed; null where it did not.</summary>
        public string? Fault { get; set; }

        public DateTimeOffset NotBefore { get; set; }
    }
}
