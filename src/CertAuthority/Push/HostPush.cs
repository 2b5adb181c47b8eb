using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Auditing;
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
/// Writes the files that sshd uses to hosts, whenever there is a new revocation list. It writes to each host separately, and retries
/// failures after a growing pause, so that a host that is gone delays no other.
/// </summary>
internal sealed class HostPush : Loop
{
    /// <summary>A list without entries. Its bytes are always the same, so it never changes on a host.</summary>
    public static readonly byte[] EmptyKrl = Krl.Write([], 1, 0, "");

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // The time between two checks whether hosts have a list. A check costs no IO.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly Database database;
    private readonly TimeProvider clock;
    private readonly KrlPublisher krl;
    private readonly CurrentKeys keys;
    private readonly Manifests manifests;
    private readonly Checkpoints checkpoints;
    private readonly CurrentSettings settings;
    private readonly ILogger log;
    private readonly string directory;
    private readonly SyncIdentity identity;

    private readonly ConcurrentDictionary<Guid, Host> hosts = new();
    private readonly SemaphoreSlim wanted = new(0);
    private readonly CancellationTokenSource stopped = new();
    private readonly Lanes lanes;

    /// <param name="database">The hosts, and the results of writing to them.</param>
    /// <param name="clock">Paces retries.</param>
    /// <param name="krl">The publisher of the list.</param>
    /// <param name="keys">The CA keys. The public halves go to hosts; one of them signs the daemon's own certificates.</param>
    /// <param name="manifests">Reads the manifests that hosts have.</param>
    /// <param name="checkpoints">The checkpoints of the audit. Each host keeps the last one.</param>
    /// <param name="directory">The directory for temporary files. It is created, and files of an earlier process are deleted.</param>
    /// <param name="settings">The settings of writing to hosts.</param>
    /// <param name="log">Gets a line about each failure.</param>
    /// <exception cref="ExposedException">Other accounts can enter the directory.</exception>
    public HostPush(
        Database database, TimeProvider clock, KrlPublisher krl, CurrentKeys keys, Manifests manifests, Checkpoints checkpoints,
        string directory, CurrentSettings settings, ILogger log)
    {
        (this.database, this.clock, this.krl, this.keys, this.directory, this.settings, this.log) = (database, clock, krl, keys, directory,
            settings, log);
        (this.manifests, this.checkpoints) = (manifests, checkpoints);
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        OwnFile.PrivateDirectory(directory);
        identity = new SyncIdentity(database, clock, keys, directory);
        lanes = new Lanes(settings.Now.Settings.Push.Parallel, clock);
        krl.Written = Wake;
    }

    /// <inheritdoc/>
    public override TimeSpan? Interval => Look;

    /// <summary>Runs until it is stopped. A turn that ends unexpectedly ends this loop too, and with it the daemon.</summary>
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
                Turned();
                // One check is enough, however many were requested.
                if (await wanted.WaitAsync(Look, both.Token))
                    while (wanted.Wait(0, CancellationToken.None))
                    {
                    }
            }
        }
        catch (OperationCanceledException) when (both.IsCancellationRequested)
        {
            // It was stopped.
        }
        await Task.WhenAll(running);
    }

    /// <summary>
    /// Ends all work in progress, including calls of <see cref="Sync"/>. The host waits for the loop when it stops the loop itself.
    /// </summary>
    public void Stop()
    {
        // Done first, so that the loop knows that it was stopped.
        _ = StopAsync(CancellationToken.None);
        stopped.Cancel();
    }

    /// <summary>Writes everything to one host now, however many times that failed before.</summary>
    /// <param name="node">The host.</param>
    /// <param name="takesOver">Whether to replace another daemon's list.</param>
    /// <returns>What went wrong; null if the host has everything.</returns>
    public Task<SyncFault?> Sync(Node node, bool takesOver)
    {
        var host = hosts.GetOrAdd(node.Id, _ => new Host());
        return Attempt(node.Name, host, isSlow: false, takesOver ? Extent.TakeOver : Extent.Everything, stopped.Token);
    }

    /// <summary>Returns the names of the hosts without a list, each with the reason for the last failure.</summary>
    /// <param name="version">The version of the list; hosts with this version or a later one are not included.</param>
    public List<(string Node, string? Fault)> Without(ulong version) =>
    [
        .. database.Read(snapshot => snapshot.Policy().Nodes).Values.Where(node => node.Push)
            .Select(node => (node.Name, Host: hosts.GetValueOrDefault(node.Id)))
            .Where(one => !(one.Host?.Version >= version)).Select(one => (one.Name, one.Host?.Fault)),
    ];

    /// <summary>Returns when all hosts have the current list, or when the time is over.</summary>
    /// <param name="patience">The longest time to wait.</param>
    /// <param name="forTheGone">Whether to wait also for hosts that failed more than once in a row, which may be gone for days.</param>
    /// <returns>The version of the list, and the hosts without it, as <see cref="Without"/> returns them.</returns>
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

    /// <summary>The time after which a host counts as stale if nothing could be written to it.</summary>
    public TimeSpan StaleAfter => settings.Now.Settings.Push.StaleAfter;

    /// <summary>
    /// Returns what a host should have. An expired certificate is left out: sshd would offer it, and clients would refuse it.
    /// </summary>
    public HostContent ContentFor(Snapshot snapshot, Node node, byte[] list, DateTimeOffset now) =>
        ContentFor(snapshot, node, keys.Now, list, now);

    private HostContent ContentFor(Snapshot snapshot, Node node, KeyRing keys, byte[] list, DateTimeOffset now) => new(
        [.. keys.User.Lines, .. node.OtherCas], list,
        snapshot.HostCertificate(node) is { } one && now < one.ValidBefore ? one.Line : null, [.. keys.Sync.Lines], EmptyKrl,
        [.. keys.Host.Lines], checkpoints.Key.PublicKey.ToLine(AuditKey.Title), node.Jump ? [.. keys.User.Lines, .. keys.Sync.Lines] : null,
        node.Jump ? snapshot.Policy().Ways.PrincipalsFile(node.Name) : "");

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
        var policy = database.Read(snapshot => snapshot.Policy());
        var nodes = policy.Nodes;
        if (hosts.Count > nodes.Count)
            foreach (var gone in hosts.Keys.Except(nodes.Values.Select(node => node.Id)))
                hosts.TryRemove(gone, out _);
        foreach (var node in nodes.Values.Where(node => node.Push))
        {
            var host = hosts.GetOrAdd(node.Id, _ => new Host());
            if (IsCurrent(node, host, latest, policy.Ways) || now < host.NotBefore || Interlocked.Exchange(ref host.Queued, 1) == 1)
                continue;
            yield return Next(node.Name, host, stopping);
        }
    }

    private async Task Next(string node, Host host, CancellationToken stopping)
    {
        // Continues outside the loop that starts all of them.
        await Task.Yield();
        try
        {
            await Attempt(node, host, isSlow: host.Failures > 0, Extent.List, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It was stopped.
        }
        finally
        {
            Volatile.Write(ref host.Queued, 0);
            // There may already be a newer list than the one that the host got.
            if (host.Failures == 0 && host.Version < krl.Latest?.Version)
                Wake();
        }
    }

    // A jump host that does not know of a new host behind it lets nobody through to that host.
    private static bool IsCurrent(Node node, Host host, PublishedKrl list, Ways ways) =>
        host.Version >= list.Version && (!node.Jump || host.JumpPrincipals == ways.PrincipalsFile(node.Name));

    /// <summary>
    /// Writes to the jump hosts on the way to a host, as far as they lack something. Whatever goes wrong there, the host itself is tried.
    /// </summary>
    private async Task Precede(string name, CancellationToken stopping)
    {
        try
        {
            var policy = database.Read(snapshot => snapshot.Policy());
            if (krl.Latest is not { } latest || policy.Nodes.GetValueOrDefault(name) is not { Via: not null } node)
                return;
            foreach (var jump in (policy.Ways.To(node) ?? []).Where(jump => jump.Push))
            {
                var state = hosts.GetOrAdd(jump.Id, _ => new Host());
                if (!IsCurrent(jump, state, latest, policy.Ways))
                    await InTurn(
                        jump.Name, state, isSlow: state.Failures > 0, Extent.List, () => clock.GetUtcNow() >= state.NotBefore, stopping);
            }
        }
        catch (Exception e) when (!stopping.IsCancellationRequested || e is not OperationCanceledException)
        {
            log.LogWarning("the jump hosts on the way to {Node} cannot be written to first: {Why}", name, Printable.Escape(e.Message));
        }
    }

    /// <summary>Writes to the jump hosts on the way to a host, and then to the host.</summary>
    private async Task<SyncFault?> Attempt(string name, Host host, bool isSlow, Extent extent, CancellationToken stopping)
    {
        await Precede(name, stopping);
        return await InTurn(name, host, isSlow, extent, () => true, stopping);
    }

    /// <summary>Runs one attempt at a time on each host.</summary>
    /// <param name="name">The host.</param>
    /// <param name="host">Its state.</param>
    /// <param name="isSlow">Whether it failed before.</param>
    /// <param name="extent">What to write.</param>
    /// <param name="isDue">
    /// Whether to write at all, asked when the turn has come: many wait for the same jump host, and one try is enough.
    /// </param>
    /// <param name="stopping">Cancels it when the daemon shuts down.</param>
    private async Task<SyncFault?> InTurn(
        string name, Host host, bool isSlow, Extent extent, Func<bool> isDue, CancellationToken stopping)
    {
        await host.Turn.WaitAsync(stopping);
        try
        {
            return isDue() ? await lanes.Run(() => Write(name, host, extent, stopping), isSlow, stopping) : null;
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
            // Reads the current state, because the attempt may have waited for its turn.
            var policy = database.Read(snapshot => snapshot.Policy());
            if (krl.Latest is not { } list || policy.Nodes.GetValueOrDefault(name) is not { Push: true } node)
                return new SyncFault("it is not written to");
            if (extent == Extent.List && IsCurrent(node, host, list, policy.Ways))
                return null;
            var (result, left) = await Send(node, host, list, extent, stopping);
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            Remember(node, host, list, result.Fault, now);
            await database.Commit(transaction =>
            {
                if (result.Fault is { } fault)
                    transaction.SetSyncFailed(node, fault.Why, now, fault.Trouble);
                else
                {
                    transaction.SetSynced(node, list.Version, now);
                    transaction.SetLeft(node, left.HasManifest, left.Witnessed);
                }
                if (left.Accepts is { } tokens)
                    transaction.SetConfirmed(node, tokens);
                if (host.Trust is { } trust)
                {
                    transaction.SetTrust(node.Id, CaPurpose.User, trust.UserCas, now);
                    if (trust.HostCa is { } hostCa)
                        transaction.SetTrust(node.Id, CaPurpose.Host, [hostCa], now);
                }
                if (left.Alteration is { } how)
                {
                    transaction.SetAltered(node, how, now);
                    // A host that keeps failing is not recorded again with every attempt.
                    if (how != left.AlterationBefore)
                        transaction.Audit(AuditEvents.NodeAltered.At(now) with { Resource = $"node/{node.Name}", Reason = how });
                }
                // Somebody has looked.
                else if (extent != Extent.List && result.Fault is null)
                    transaction.SetAltered(node, null, null);
                if (result.HasLooked)
                    transaction.SetExempt(node, result.IsExempt);
                return true;
            }, takesAway: true);
            host.Trust = null;
            return result.Fault;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested || e is not OperationCanceledException)
        {
            // The host is not the cause, but for example a full disk here. Whatever it is, the next host is not affected.
            host.NotBefore = clock.GetUtcNow() + NodeSync.Pause(++host.Failures);
            log.LogWarning("nothing can be written to {Node}, or that it was cannot be recorded: {Why}", name, Printable.Escape(e.Message));
            return new SyncFault(e.Message);
        }
    }

    private async Task<(SftpResult Result, Left Left)> Send(
        Node node, Host host, PublishedKrl list, Extent extent, CancellationToken stopping)
    {
        var now = clock.GetUtcNow();
        var ring = keys.Now;
        var (certificate, content, before, way, jumps) = database.Read(snapshot =>
        {
            var way = snapshot.Policy().Ways.To(node);
            return (snapshot.HostCertificate(node), ContentFor(snapshot, node, ring, list.Bytes, now), snapshot.NodeSync(node), way,
                way is null ? [] : way.Value.Select(jump => snapshot.HostCertificate(jump)).ToList());
        });
        var left = new Left { AlterationBefore = before?.Altered };
        if (certificate is null)
            return (new SftpResult(new SyncFault("no key of it is on record, by which it could be known", SyncTrouble.HostKey)), left);
        if (node.Endpoint is not { } endpoint)
            return (new SftpResult(new SyncFault($"\"{node.Address}\" is not an address that ssh can use", SyncTrouble.Address)), left);
        if (way is not { } passed)
            return (new SftpResult(
                new SyncFault("the way to it is broken: a node on it is missing or is no jump host, or the way is too long")), left);
        if (passed.FirstOrDefault(jump => jump.Endpoint is null) is { } lost)
            return (new SftpResult(new SyncFault($"{lost.Name} is on the way to it, and has no address that ssh can use")), left);
        await identity.Refresh(passed.Length > 0, stopping);
        // The host is known by its certificate, or by the key in it: a host whose certificate has expired must still get the next one.
        var known = KnownHosts.Authorities(ring.Host.Trusted.Select(key => key.ToString()))
            + string.Concat(jumps.Append(certificate).OfType<RecordedHostCertificate>()
                .Select(one => $"{one.NodeName} {Certificate.Parse(one.Certificate).Key}\n"));
        var push = settings.Now.Settings.Push;
        var groups = Groups(node, host, list, extent);
        // The other files change once a month, and each file costs a dozen round trips: a second if the host is far away.
        var beside = string.Join(
            '\n', [.. content.UserCas, content.Certificate, .. content.JumpCas ?? [], content.JumpPrincipals]);
        var onlyList = extent == Extent.List && host.Beside == beside;
        var files = HostFiles.Changing(content).Take(onlyList ? 1 : int.MaxValue)
            .Select(file => (Path.GetFileName(file.Path), file.Content));
        var result = await Sftp.Replace(
            new SftpHost(node.Name, endpoint.Host, endpoint.Port, known)
            {
                Way = [.. passed.Select(jump => new SftpJump(jump.Name, jump.Endpoint!.Host, jump.Endpoint.Port))],
            },
            [.. files],
            present => extent == Extent.TakeOver ? null : Objection(list, present), Judge, () => database.IsSureToLead,
            looks: !onlyList || groups is not null, identity, push.SshConfig, push.Timeout, directory, stopping);
        (host.Beside, host.Checkpoint, host.JumpPrincipals) =
            result.Fault is null ? (beside, left.Checkpoint, content.JumpPrincipals) : (null, null, null);
        if (groups is { } written)
        {
            host.Groups = result.Fault is null ? written : null;
            // What is in the file counts only if sshd reads it.
            left.Accepts = result is { Fault: null, ListsGroups: true } ? written : [];
        }
        if (result.Fault is null && !onlyList)
            host.Trust = new HostTrust(ring.User.Ids, content.Certificate is null ? null : certificate.CaKeyId);
        return (result, left);

        async Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)>> Judge(HostHoldings there)
        {
            if (extent != Extent.TakeOver && !there.IsContested)
                left.Alteration = Reading(there).Alteration(before ?? NodeSync.Untried);
            var mayReplace = await MayReplace(node, host, there.Checkpoint);
            List<(string, ReadOnlyMemory<byte>)> files = [];
            // The list is in place by now, and revokes whatever these groups must not open.
            if (groups is { } tokens)
                files.Add((HostFiles.GroupsName, HostFiles.Groups(tokens)));
            if (list.Manifest is { } manifest)
                files.Add((Manifest.FileName, manifest));
            if (mayReplace && checkpoints.Latest is { } latest)
            {
                files.Add((Sftp.CheckpointName, Encoding.UTF8.GetBytes(latest.Note)));
                (left.Checkpoint, left.Witnessed) = (latest.Note, latest.Checkpoint.Size);
            }
            left.HasManifest = list.Manifest is not null;
            return files;
        }
    }

    /// <summary>
    /// Returns the tokens of the groups that a host gets with a list; null if it keeps the file that it has, which may be none.
    /// </summary>
    private static ImmutableArray<string>? Groups(Node node, Host host, PublishedKrl list, Extent extent)
    {
        if (list.Groups is null)
            return null;
        var tokens = list.Groups.GetValueOrDefault(node.Id, []);
        return host.Groups is { } before
            ? extent != Extent.List || !tokens.SequenceEqual(before) ? tokens : null
            // A host that is in no group needs no file. What it may have from before opens nothing: no token is used again.
            : tokens.IsEmpty ? null : tokens;
    }

    private HostReading Reading(HostHoldings there)
    {
        var list = there.List is null ? null : Read(there.List, Krl.Parse);
        return new HostReading(
            list?.Version, there.List is null ? "" : Manifests.HashOf(there.List), there.Manifest is not null,
            there.Manifest is null ? null : manifests.Read(there.Manifest), there.Checkpoint is not null);
    }

    /// <summary>
    /// Compares the audit with the checkpoint on a host. One that contradicts it is the only proof of what was changed, so it stays; and
    /// while the audit has a fault, no host gets another one.
    /// </summary>
    private async Task<bool> MayReplace(Node node, Host host, byte[]? there)
    {
        if (there is not null && !there.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(host.Checkpoint ?? "")))
            switch (await checkpoints.Compare(node.Name, there))
            {
                case Witness.Contradicts:
                    log.LogCritical("{Node} has a checkpoint of the audit that the audit does not begin with; it stays there", node.Name);
                    return false;
                case Witness.OtherLog:
                    log.LogInformation("{Node} had a checkpoint of an earlier log of the audit", node.Name);
                    break;
                case Witness.Unknown:
                    log.LogWarning("{Node} had a checkpoint of the audit that this daemon did not sign", node.Name);
                    break;
            }
        return checkpoints.Fault is null;
    }

    /// <summary>
    /// Returns why a list must not replace what is on a host; null if it may. A file that is not a list locks everybody out, so it may
    /// always be replaced.
    /// </summary>
    private string? Objection(PublishedKrl list, byte[] present)
    {
        // Only a list that is in the way is read as a whole: it is long where many certificates are revoked.
        if (Read(present, KrlHeader.Parse) is not { } there || krl.Conflict(list.Version, there) is not { } conflict
            || Read(present, Krl.Parse) is null)
            return null;
        return conflict switch
        {
            ListConflict.OtherInstallation => $"another installation writes to it: its revocation list {there.Version} is there",
            ListConflict.OtherCopy =>
                $"a daemon on another copy of this database writes to it: its revocation list {there.Version} is there",
            _ => $"revocation list {there.Version} is there, which is newer than {list.Version}",
        };
    }

    private static T? Read<T>(byte[] list, Parser<T> parse) where T : class
    {
        try
        {
            return parse(list);
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    private delegate T Parser<T>(ReadOnlySpan<byte> bytes);

    // Returns whether waiting for any host makes sense: one that has not been tried yet, or that has failed only once.
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

    /// <summary>What an attempt leaves on a host besides the list, and what it found there.</summary>
    private sealed class Left
    {
        public bool HasManifest { get; set; }

        /// <summary>The checkpoint of the audit; null if none was left.</summary>
        public string? Checkpoint { get; set; }

        /// <summary>The size of the audit in it.</summary>
        public long? Witnessed { get; set; }

        /// <summary>The tokens of groups that its sshd accepts now; null if nothing new is known.</summary>
        public ImmutableArray<string>? Accepts { get; set; }

        /// <summary>What somebody had changed there; null for nothing.</summary>
        public string? Alteration { get; set; }

        /// <summary>The alteration that is on record already; null for none.</summary>
        public string? AlterationBefore { get; init; }
    }

    private enum Extent
    {
        /// <summary>The list, and the other files that have changed.</summary>
        List,

        /// <summary>All files.</summary>
        Everything,

        /// <summary>All files, even if they replace those of another daemon.</summary>
        TakeOver,
    }

    /// <summary>The keys on a host, as they were read back there.</summary>
    /// <param name="UserCas">The IDs of the user CA keys.</param>
    /// <param name="HostCa">The ID of the key that signed the host's certificate; null if it has none.</param>
    private sealed record HostTrust(ImmutableArray<long> UserCas, long? HostCa);

    /// <summary>The state of a host in this process.</summary>
    private sealed class Host
    {
        /// <summary>Whether the loop is working on the host.</summary>
        public int Queued;

        public SemaphoreSlim Turn { get; } = new(1);

        /// <summary>The version of the host's list, as last written by this process.</summary>
        public ulong Version { get; set; }

        /// <summary>The other files on the host, as last written by this process.</summary>
        public string? Beside { get; set; }

        /// <summary>The keys that were written to the host, as long as that is not recorded.</summary>
        public HostTrust? Trust { get; set; }

        /// <summary>The checkpoint of the audit on the host, as last written by this process.</summary>
        public string? Checkpoint { get; set; }

        /// <summary>The principals file of a jump host, as last written by this process.</summary>
        public string? JumpPrincipals { get; set; }

        /// <summary>The tokens of groups on the host, as last written by this process.</summary>
        public ImmutableArray<string>? Groups { get; set; }

        /// <summary>The number of failures in a row.</summary>
        public int Failures { get; set; }

        /// <summary>Why the last attempt failed; null if it succeeded.</summary>
        public string? Fault { get; set; }

        public DateTimeOffset NotBefore { get; set; }
    }
}
