using System.Collections.Concurrent;
using CertAuthority.Access;
using CertAuthority.Configuration;
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
internal sealed class HostPush : IDisposable
{
    /// <summary>A list that names nothing. Always the same bytes: it never changes on a host.</summary>
    public static readonly byte[] EmptyKrl = Krl.Write([], 1, 0, "");

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly Database database;
    private readonly TimeProvider clock;
    private readonly KrlPublisher krl;
    private readonly (CaKey User, CaKey Host, CaKey Sync) keys;
    private readonly Func<PushSettings> settings;
    private readonly ILogger log;
    private readonly string directory;
    private readonly SyncIdentity identity;

    private readonly ConcurrentDictionary<Guid, Host> hosts = new();
    private readonly SemaphoreSlim wanted = new(0);
    private readonly CancellationTokenSource stopped = new();
    private readonly Lanes lanes;

    /// <param name="database">Which hosts there are, and what became of them.</param>
    /// <param name="clock">Paces retries.</param>
    /// <param name="krl">The list.</param>
    /// <param name="keys">The public halves go to hosts; the last one signs the daemon's own certificates.</param>
    /// <param name="directory">For passing files; made, and emptied of what an earlier process left.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="log">Where failures are told.</param>
    /// <exception cref="ExposedException">Others can enter the directory.</exception>
    public HostPush(Database database, TimeProvider clock, KrlPublisher krl, (CaKey User, CaKey Host, CaKey Sync) keys, string directory, Func<PushSettings> settings, ILogger log)
    {
        (this.database, this.clock, this.krl, this.keys, this.directory, this.settings, this.log) = (database, clock, krl, keys, directory, settings, log);
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        DurableFile.PrivateDirectory(directory);
        identity = new SyncIdentity(database, clock, keys.Sync, directory);
        lanes = new Lanes(settings().Parallel, clock);
        krl.Written = Wake;
    }

    /// <summary>Until stopped.</summary>
    public async Task Run(CancellationToken stopping)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stopping, stopped.Token);
        var running = new List<Task>();
        try
        {
            while (true)
            {
                running.RemoveAll(task => task.IsCompleted);
                try
                {
                    running.AddRange(StartDue(both.Token));
                }
                catch (ProblemException e)
                {
                    log.LogWarning("which hosts are to be written to can not be read, and is tried again: {Why}", e.Message);
                }
                // However often it was wanted, one look suffices.
                if (await wanted.WaitAsync(Look, both.Token))
                    while (wanted.Wait(0, CancellationToken.None))
                    {
                    }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        await Task.WhenAll(running);
    }

    /// <summary>Ends what is under way, calls of <see cref="Sync"/> too.</summary>
    public void Stop() => stopped.Cancel();

    /// <summary>Writes everything to one host now, however often that failed before.</summary>
    /// <returns>What went wrong; null when it has everything.</returns>
    public Task<string?> Sync(Node node)
    {
        var host = hosts.GetOrAdd(node.Id, _ => new Host());
        return Attempt(node.Name, host, isSlow: false, everything: true, stopped.Token);
    }

    /// <summary>After which a host is stale that nothing could be written to.</summary>
    public TimeSpan StaleAfter => settings().StaleAfter;

    /// <summary>What is to lie on a host. A certificate that has ended is left out: sshd would offer it, and clients would refuse.</summary>
    public HostContent ContentFor(Snapshot snapshot, Node node, byte[] list, DateTimeOffset now) => new(
        keys.User.PublicKey.ToLine("user CA"), list, snapshot.HostCertificate(node) is { } one && now < one.ValidBefore ? one.Line : null, keys.Sync.PublicKey.ToLine("sync CA"), EmptyKrl);

    public void Dispose()
    {
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
            await Attempt(node, host, isSlow: host.Failures > 0, everything: false, stopping);
        }
        catch (OperationCanceledException)
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
    private async Task<string?> Attempt(string name, Host host, bool isSlow, bool everything, CancellationToken stopping)
    {
        await host.Turn.WaitAsync(stopping);
        try
        {
            return await lanes.Run(() => Write(name, host, everything, stopping), isSlow, stopping);
        }
        finally
        {
            host.Turn.Release();
        }
    }

    private async Task<string?> Write(string name, Host host, bool everything, CancellationToken stopping)
    {
        try
        {
            // As it is now: it may have waited for its turn.
            if (krl.Latest is not { } list || database.Read(snapshot => snapshot.Policy().Nodes).GetValueOrDefault(name) is not { Push: true } node)
                return "it is not written to";
            if (!everything && host.Version >= list.Version)
                return null;
            var fault = await Send(node, host, list, everything, stopping);
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            Remember(node, host, list, fault, now);
            await database.Commit(transaction =>
            {
                if (fault is null)
                    transaction.SetSynced(node, list.Version, now);
                else
                    transaction.SetSyncFailed(node, fault, now);
                return true;
            });
            return fault;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Nothing to do with the host: a disk that is full here, say. Whatever it is, the next host does not suffer for it.
            host.NotBefore = clock.GetUtcNow() + NodeSync.Pause(++host.Failures);
            log.LogWarning("nothing can be written to {Node}, or that it was can not be recorded: {Why}", name, Printable.Escape(e.Message));
            return e.Message;
        }
    }

    private async Task<string?> Send(Node node, Host host, PublishedKrl list, bool everything, CancellationToken stopping)
    {
        var now = clock.GetUtcNow();
        var (certificate, content) = database.Read(snapshot => (snapshot.HostCertificate(node), ContentFor(snapshot, node, list.Bytes, now)));
        if (certificate is null)
            return $"no key of it is on record, by which it could be known: tctl auth sign --host={node.Name} KEY.pub";
        await identity.Refresh(stopping);
        // By its certificate, or by the key in it: one whose certificate has ended must get the next.
        var known = $"@cert-authority * {keys.Host.PublicKey.ToLine("")}\n{node.Name} {Certificate.Parse(certificate.Certificate).Key.ToLine("")}\n";
        var (push, (address, port)) = (settings(), node.Endpoint);
        // What lies beside the list changes once a month, and each file costs a dozen ways there and back: a second where the host is far away.
        var beside = $"{content.UserCa}\n{content.Certificate}";
        var files = HostFiles.Changing(content).Take(!everything && host.Beside == beside ? 1 : int.MaxValue).Select(file => (Path.GetFileName(file.Path), file.Content));
        var fault = await Sftp.Replace(new SftpHost(node.Name, address, port, known), [.. files], identity, push.SshConfig, push.Timeout, directory, stopping);
        host.Beside = fault is null ? beside : null;
        return fault;
    }

    private void Remember(Node node, Host host, PublishedKrl list, string? fault, DateTimeOffset now)
    {
        if (fault is null)
        {
            if (host.Failures > 0)
                log.LogInformation("{Node} is written to again", node.Name);
            (host.Version, host.Failures, host.NotBefore) = (list.Version, 0, default);
            return;
        }
        host.NotBefore = now + NodeSync.Pause(++host.Failures);
        if (host.Failures == 1)
            log.LogWarning("nothing can be written to {Node}, which is tried again until it succeeds: {Why}", node.Name, Printable.Escape(fault));
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

        public DateTimeOffset NotBefore { get; set; }
    }
}
