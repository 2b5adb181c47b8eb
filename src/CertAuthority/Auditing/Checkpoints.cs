using System.Text;
using CertAuthority.Hosting;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Auditing;

/// <summary>
/// Keeps the Merkle tree over the audit, and signs a checkpoint of it at most once a second. A new checkpoint is signed only if its tree
/// begins with the whole tree of the last one. The last one is also in a file beside the database, so another database cannot take the
/// place of this one unnoticed. If they do not match, the daemon issues no certificates until an administrator has looked.
/// </summary>
/// <param name="database">The entries and the tree.</param>
/// <param name="key">The key that signs.</param>
/// <param name="file">The last checkpoint.</param>
/// <param name="clock">Paces the loop.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class Checkpoints(Database database, AuditKey key, CheckpointFile file, TimeProvider clock, ILogger log) : Loop
{
    // Hashing this many entries takes about 10 ms.
    private const int Piece = 2048;

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim turn = new(1);
    private TaskCompletionSource signed = New();
    private volatile SignedCheckpoint? latest;
    private volatile string? fault;
    private bool isFaultRecorded;
    private bool isFailing;

    /// <summary>The last checkpoint; null before the first.</summary>
    public SignedCheckpoint? Latest => latest;

    /// <summary>Why the audit does not match its last checkpoint; null if it does.</summary>
    public string? Fault => fault;

    /// <summary>The key that signs.</summary>
    public AuditKey Key => key;

    /// <summary>Completes when the next checkpoint is signed. Take it before looking at <see cref="Latest"/>.</summary>
    public Task NextSigned => Volatile.Read(ref signed).Task;

    /// <summary>The directory in which each checkpoint and its tiles are published; null for none.</summary>
    public AuditDirectory? ForReaders { get; set; }

    /// <summary>Compares the audit with the last checkpoint, before anything is served.</summary>
    public void Begin()
    {
        fault = database.Read(snapshot => AuditFaults.OfTree(snapshot, file) ?? AuditFaults.OfCount(snapshot));
        // Also after a fault: whoever looks for it needs the checkpoint that the audit does not match.
        if (database.Read(snapshot => snapshot.StoredTree()) is { Note: { } note, Signature: { } signature }
            && key.Read(note) is { } checkpoint)
            latest = new SignedCheckpoint(checkpoint, note, signature);
    }

    /// <summary>
    /// Begins another log, of all entries that exist, after an administrator has looked at a fault. The entry contains the last checkpoint
    /// that was signed before.
    /// </summary>
    /// <param name="entry">The entry that records it; its reason is the fault.</param>
    /// <exception cref="ProblemException">There is no fault.</exception>
    public async Task<string> Accept(AuditEntry entry)
    {
        await turn.WaitAsync();
        try
        {
            var why = fault ?? throw new ProblemException(new Problem(ProblemCode.Conflict, "the audit matches its last checkpoint"));
            var begun = file.Begun();
            var before = file.Words() ?? (latest is { } last ? string.Join(' ', last.Note.Split('\n').Take(3)) : null);
            await database.Commit(transaction =>
            {
                transaction.BeginTree(begun.Checkpoint.Origin);
                transaction.Audit(entry with { Reason = why, Changes = [new AuditChange("checkpoint", before, begun.Checkpoint.Origin)] });
                return true;
            });
            // Recorded first: after a crash in between, the fault is still there, and is accepted again.
            file.Keep(begun);
            (latest, fault, isFaultRecorded) = (null, null, false);
            return why;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>
    /// Compares the audit with the checkpoint that a host kept. One that this daemon's key signed and that is no beginning of the audit is
    /// a fault like the others: somebody changed the audit, or restored an older one.
    /// </summary>
    /// <param name="host">The name of the host.</param>
    /// <param name="kept">The checkpoint as the host has it.</param>
    public async Task<Witness> Compare(string host, byte[] kept)
    {
        if (key.Read(Encoding.UTF8.GetString(kept)) is not { } seen)
            return Witness.Unknown;
        await turn.WaitAsync();
        try
        {
            var (witness, found) = database.Read(snapshot => Compare(snapshot, host, seen));
            if (found is not null)
            {
                fault ??= found;
                await RecordFault();
            }
            return witness;
        }
        finally
        {
            turn.Release();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        turn.Dispose();
    }

    /// <summary>
    /// Looks whether the audit still begins with the entries that this daemon saw, and notes how far it goes now. A daemon that follows
    /// does this: another one signs.
    /// </summary>
    public void Follow()
    {
        fault ??= database.Read(snapshot => AuditFaults.OfTree(snapshot, file));
        if (fault is null && database.Read(snapshot => snapshot.StoredTree()) is { Note: { } note, Signature: { } signature }
            && key.Read(note) is { } checkpoint && checkpoint.Size > (file.Read()?.Size ?? 0))
            file.Keep(new SignedCheckpoint(checkpoint, note, signature));
    }

    protected override async Task Run(CancellationToken stopping)
    {
        if (latest is { } last)
            await Publish(last, [], stopping);
        while (true)
        {
            var commit = database.AuditWatch.NextCommit;
            var (hasMore, pause) = (false, Pace);
            await turn.WaitAsync(stopping);
            try
            {
                hasMore = await Grow(stopping);
                isFailing = false;
                pause = hasMore ? TimeSpan.Zero : Pace;
            }
            catch (Exception e) when (e is ProblemException or StoreException or IOException or UnauthorizedAccessException)
            {
                // A full or failing disk, here or below the database: the entries are there, and the next turn goes on from them.
                if (!isFailing)
                    log.LogWarning(
                        "no checkpoint of the audit can be signed now, and it is tried again: {Why}", Printable.Escape(e.Message));
                (isFailing, hasMore) = (true, true);
            }
            finally
            {
                turn.Release();
            }
            await Task.Delay(pause, clock, stopping);
            if (!hasMore)
                await commit.WaitAsync(stopping);
        }
    }

    /// <summary>Adds the next entries to the tree, and signs a checkpoint when no more are waiting.</summary>
    /// <returns>Whether more are waiting.</returns>
    private async Task<bool> Grow(CancellationToken stopping)
    {
        if (fault is not null)
        {
            await RecordFault();
            return false;
        }
        var step = database.Read(Step);
        if (step.Fault is { } found)
        {
            fault = found;
            await RecordFault();
            return false;
        }
        if (step.Tree is not { } tree)
            return false;
        await database.Commit(transaction =>
        {
            if (step.IsNew)
                transaction.BeginTree(tree.Origin);
            else
                transaction.PutTree(tree, step.Changed);
            return true;
        });
        if (step.Signed is not { } made)
            return true;
        // Only now may anybody see it: the entries and the tree are on the disk.
        file.Keep(made);
        latest = made;
        await Publish(made, step.Changed, stopping);
        Interlocked.Exchange(ref signed, New()).TrySetResult();
        return false;
    }

    /// <summary>Publishes a checkpoint when no other daemon can have published a later one by now.</summary>
    private async Task Publish(
        SignedCheckpoint made, IReadOnlyCollection<KeyValuePair<TileId, byte[]>> changed, CancellationToken stopping)
    {
        if (ForReaders is not { } directory)
            return;
        while (!database.IsSureToLead)
            await Task.Delay(Pace, clock, stopping);
        directory.Publish(database, made, changed);
    }

    /// <summary>Decides what comes next.</summary>
    private TreeStep Step(Snapshot snapshot)
    {
        if (file.Read() is not { } last || snapshot.StoredTree() is var tree && !AuditFaults.IsOf(tree, last))
            return new TreeStep(null) { Fault = AuditFaults.OfTree(snapshot, file) };
        if (tree is null)
            return new TreeStep(new StoredTree(last.Origin, 0, 0)) { IsNew = true };
        var entries = snapshot.StoredAudit(tree.LastEntry, Piece);
        if (entries is [] && tree.Size == last.Size && latest is not null)
            return new TreeStep(null);
        try
        {
            var growing = new GrowingTree(tree.Size, snapshot.Tile);
            foreach (var entry in entries)
                growing.Add(TreeHash.OfLeaf(entry.Json));
            var grown = tree with { Size = growing.Size, LastEntry = entries is [.., var newest] ? newest.Seq : tree.LastEntry };
            if (entries.Count == Piece)
                return new TreeStep(grown) { Changed = growing.Changed() };
            // A server that was promoted without what it acknowledged: the next change ends the daemon.
            if (growing.Size < last.Size)
                return new TreeStep(null) { Fault = $"entries of the audit are missing: there were {last.Size}" };
            var whole = growing.Grown();
            var checkpoint = new Checkpoint(tree.Origin, whole.Size, whole.Root());
            if (!Proof.Extends(last.Size, last.Root, checkpoint.Size, checkpoint.Root, whole.Consistency(last.Size)))
                return new TreeStep(null) { Fault = $"the audit does not begin with the {last.Size} entries of its last checkpoint" };
            var made = key.Sign(checkpoint);
            return new TreeStep(grown with { Note = made.Note, Signature = made.Signature })
            {
                Changed = growing.Changed(),
                Signed = made,
            };
        }
        catch (MissingTileException missing)
        {
            return new TreeStep(null) { Fault = $"the tree over the audit is damaged: {missing.Message}" };
        }
    }

    private static (Witness Witness, string? Fault) Compare(Snapshot snapshot, string host, Checkpoint seen)
    {
        if (snapshot.StoredTree() is not { } tree || tree.Origin != seen.Origin)
            return (Witness.OtherLog, null);
        if (seen.Size > tree.Size)
            return (Witness.Contradicts, $"{host} witnessed {seen.Size} entries of the audit, and there are only {tree.Size}");
        try
        {
            return new Tree(tree.Size, snapshot.Tile).RootOf(seen.Size).AsSpan().SequenceEqual(seen.Root)
                ? (Witness.Agrees, null)
                : (Witness.Contradicts, $"the audit does not begin with the {seen.Size} entries that {host} witnessed");
        }
        catch (MissingTileException missing)
        {
            return (Witness.Contradicts, $"the tree over the audit is damaged: {missing.Message}");
        }
    }

    private async Task RecordFault()
    {
        if (isFaultRecorded)
            return;
        log.LogCritical("{Fault}; no certificate is issued until an administrator has looked", Printable.Escape(fault!));
        await database.Commit(transaction =>
        {
            transaction.Audit(AuditEvents.AuditProofFailed.At(Now()) with { Reason = fault });
            return true;
        }, takesAway: true);
        isFaultRecorded = true;
    }

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What comes next.</summary>
    /// <param name="Tree">How far the tree goes then; null if there is nothing to do.</param>
    private sealed record TreeStep(StoredTree? Tree)
    {
        /// <summary>Why the audit cannot go on from the last checkpoint.</summary>
        public string? Fault { get; init; }

        /// <summary>Whether another log begins.</summary>
        public bool IsNew { get; init; }

        /// <summary>The tiles that change.</summary>
        public IReadOnlyCollection<KeyValuePair<TileId, byte[]>> Changed { get; init; } = [];

        /// <summary>The checkpoint of the tree; null if more entries are waiting.</summary>
        public SignedCheckpoint? Signed { get; init; }
    }
}
