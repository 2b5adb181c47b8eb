using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using CertAuthority.Access.Users;
using CertAuthority.Metrics;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>
/// A commit failed in a way that leaves open whether it will exist after a restart. The daemon must not build on either answer: the process
/// stops, and the next one reads the true state.
/// </summary>
internal sealed class OutcomeUnknownException(Exception inner) : Exception("a commit failed, and whether it was kept is not known", inner);

/// <summary>The database. Reading takes a snapshot; <see cref="Commit"/> is the only way to write.</summary>
internal sealed class Database : IAsyncDisposable
{
    private readonly Engine engine;
    private Session writer;
    private readonly PolicyCache policies = new();
    private readonly ConcurrentBag<Session> readers = [];
    private readonly SemaphoreSlim places;
    private readonly WriteQueue queue;
    private readonly TaskCompletionSource<Exception> broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger log;
    private readonly ConcurrentDictionary<string, bool> leftOut = new(StringComparer.Ordinal);
    private volatile bool lastFailed;
    private volatile string? lastFault;
    private long lastCommit = Stopwatch.GetTimestamp();

    // Of the last batch that was committed. A daemon that was paused in between reads the answer to COMMIT only when it wakes.
    private long lastBegun = Stopwatch.GetTimestamp();

    private Database(Engine engine, ILogger log)
    {
        (this.engine, this.log) = (engine, log);
        places = new SemaphoreSlim(engine.MostReaders);
        writer = new Session(engine.Prepare, engine.OpenWriter(), new PolicyCache(), LeaveOut);
        queue = new WriteQueue(Write);
    }

    /// <summary>What the setting <c>database</c> says of it, without a secret and without every option.</summary>
    public string Setting => engine.Setting;

    /// <summary>The longest time between two commits; null for no such time. See <see cref="Engine.Heartbeat"/>.</summary>
    public TimeSpan? Heartbeat => engine.Heartbeat;

    /// <summary>
    /// Whether no other daemon can lead by now, if this one led at its last commit. One that is silent for three seconds can be replaced,
    /// and does not notice before its next commit; until then, it must not write anything elsewhere that the other one writes too.
    /// </summary>
    public bool IsSureToLead =>
        engine.Heartbeat is not { } pause || Stopwatch.GetElapsedTime(Volatile.Read(ref lastBegun)) < 1.5 * pause;

    /// <summary>Whether other daemons may write to it, too.</summary>
    public bool IsShared => engine.IsShared;

    /// <summary>The realm of the accounts of this machine.</summary>
    public Realm Realm => engine.Realm;

    /// <summary>Returns whether there is a realm of a name.</summary>
    /// <exception cref="ProblemException">Unavailable: the realms cannot be read now.</exception>
    public bool HasRealm(string name) => Read(session => session, session => engine.HasRealm(session, name));

    /// <summary>The name of the host on which the daemon runs that leads; null if that is not on record.</summary>
    /// <exception cref="ProblemException">Unavailable: it cannot be read now.</exception>
    public string? Leader => Read(session => session, engine.Leader);

    /// <summary>Returns the daemons on record, and the standbys of their server; null if there can be only one daemon.</summary>
    /// <exception cref="ProblemException">Unavailable: they cannot be read now.</exception>
    public (DaemonOnRecord[] Daemons, ReplicationStatus Replication)? Daemons() => Read(session => session, engine.Daemons);

    /// <summary>Whether another daemon works on the database and follows this one.</summary>
    /// <exception cref="ProblemException">Unavailable: that cannot be read now.</exception>
    public bool IsFollowed => Read(session => session, engine.IsFollowed);

    /// <summary>Puts on record which list this daemon has in place, for the status that any daemon shows.</summary>
    public void RecordList(Transaction transaction, ListState state)
    {
        if (engine.RecordsList is { } sql)
            transaction.Execute(sql, (long)state.Version, state.Failure, state.FailingSince);
    }

    /// <summary>The directory whose disk can fill up.</summary>
    public string Folder => engine.Folder;

    /// <summary>Whether there is enough room for every change, not only for those that take access away.</summary>
    public bool HasRoom => engine.HasRoom;

    /// <summary>Whether the last attempt to commit failed, and the timestamp of the last one that did not.</summary>
    public (bool LastFailed, long LastAt) Commits => (lastFailed, Volatile.Read(ref lastCommit));

    /// <summary>The size of the database, in bytes.</summary>
    /// <exception cref="ProblemException">Unavailable: it cannot be read now.</exception>
    public long Length => Read(session => session, engine.Length);

    /// <summary>
    /// Completes when the outcome of a commit is unknown, or another daemon works on the database. The process must then end.
    /// </summary>
    public Task<Exception> Broken => broken.Task;

    /// <summary>Wakes callers that wait for entries of the audit.</summary>
    public AuditWatch AuditWatch { get; } = new();

    /// <param name="engine">The database; it is created if it does not exist, and released when this is.</param>
    /// <param name="log">Gets one line for each committed audit entry, and one for each row that cannot be read.</param>
    /// <exception cref="StoreException">The database cannot be used.</exception>
    public static Database Open(Engine engine, ILogger log)
    {
        try
        {
            return new Database(engine, log);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>Reads the database of another process, as of one moment, and changes nothing.</summary>
    /// <exception cref="StoreException">It cannot be read.</exception>
    public static T Peek<T>(Engine engine, Func<Snapshot, T> read)
    {
        try
        {
            using var session = new Session(engine.Prepare, engine.OpenReader(), new PolicyCache(), _ => { });
            if (!engine.IsMigrated(session.Connection))
                throw new StoreException($"{engine.Name} was written by another version of certauthority");
            return read(new Snapshot(session));
        }
        catch (DbException e)
        {
            throw new StoreException($"{engine.Name} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Copies the database of another process, as of one moment, to a new file.</summary>
    /// <exception cref="StoreException">It cannot be read, or the copy cannot be written.</exception>
    public static Engine Copy(Engine engine, string copy)
    {
        if (engine.NoCopy is { } problem)
            throw new StoreException(problem.Detail);
        try
        {
            return engine.Copy(copy, _ => { });
        }
        catch (DbException e)
        {
            throw new StoreException($"{engine.Name} cannot be copied to {copy}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Checks that every row on which a decision depends can be read. An unreadable row that affects nothing else, such as a node or a
    /// user, is left out instead. A row that is over is not read: whoever asks for it gets the error.
    /// </summary>
    /// <exception cref="StoreException">A row does not have the daemon's format.</exception>
    public void ExpectReadable(DateTimeOffset now)
    {
        try
        {
            Read(snapshot =>
            {
                try
                {
                    _ = snapshot.Policy().Roles;
                    snapshot.ReadDecisive(now);
                    snapshot.ExpectIndexed(now);
                    return true;
                }
                catch (DbException e) when (engine.IsDamage(e))
                {
                    throw new StoreException($"it is damaged: {e.Message}", e);
                }
            });
        }
        catch (StoreException e)
        {
            // An earlier version that would accept the text does not start on the schema of this version.
            var remedy = e.GetBaseException() is UnreadableResourceException one
                ? $"restore a backup, or mend the text: {engine.Mend(one)}"
                : "restore a backup";
            throw new StoreException($"{engine.Name}: {e.Message}; {remedy}", e);
        }
    }

    /// <summary>
    /// Loads, decides and writes in one transaction. <paramref name="change"/> is synchronous, affects only the transaction, and may run
    /// more than once. If it throws, only its own writes are undone. The task completes only after the commit is on the disk. While nobody
    /// else writes, this returns only then; see <see cref="WriteQueue"/>.
    /// </summary>
    /// <param name="change">The change to make.</param>
    /// <param name="takesAway">
    /// Whether the change takes access away, or is needed for that. On a full disk only such changes are made, in the room that is reserved
    /// for them. A change that could also grant access may set this if the grant has no effect before another commit, as with the roles of
    /// a user, who must log in to use them.
    /// </param>
    /// <param name="ahead">
    /// What the change will ask. Where an answer takes long, all changes of a transaction ask it together at its beginning; what is missing
    /// here, or asked in vain, only takes longer.
    /// </param>
    /// <exception cref="ProblemException">
    /// Thrown by the change; or unavailable: nothing was changed, and the same call may succeed later.
    /// </exception>
    /// <exception cref="OutcomeUnknownException">It is unknown whether the commit was kept.</exception>
    public Task<T> Commit<T>(Func<Transaction, T> change, bool takesAway = false, IReadOnlyList<Question>? ahead = null)
    {
        var pending = new Change<T>(change, takesAway, ahead ?? []);
        if (!queue.TryAdd(pending))
            throw Unavailable("the daemon is stopping");
        return pending.Task;
    }

    /// <summary>Makes a change as <see cref="Commit"/> does, and undoes it. The result must not refer to the transaction.</summary>
    /// <exception cref="ProblemException">Thrown by the change; or unavailable.</exception>
    public async Task<T> Rehearse<T>(Func<Transaction, T> change)
    {
        try
        {
            // Nothing is kept, so a full disk is no reason to refuse.
            return await Commit<T>(transaction => throw new RehearsedException<T>(change(transaction)), takesAway: true);
        }
        catch (RehearsedException<T> rehearsed)
        {
            return rehearsed.Result;
        }
    }

    /// <summary>How long a call waits for its turn to read.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>Reads as of one moment. It can run in parallel with other readers and the writer.</summary>
    /// <exception cref="ProblemException">Unavailable: the file cannot be opened or read now.</exception>
    public T Read<T>(Func<Snapshot, T> read) => Read(session => new Snapshot(session), read);

    /// <summary>Reads as of one moment, and collects the rows that cannot be read instead of failing.</summary>
    /// <exception cref="ProblemException">Unavailable: the file cannot be opened or read now.</exception>
    public T Inspect<T>(Func<Inspection, T> read) => Read(session => new Inspection(session), read);

    private TResult Read<TSnapshot, TResult>(Func<Session, TSnapshot> begin, Func<TSnapshot, TResult> read)
    {
        if (!places.Wait(LongestWait))
            throw Unavailable("too many calls read the database at the same time");
        Session? session = null;
        try
        {
            session = BeginReading();
            var result = read(begin(session));
            session.Bind("COMMIT").ExecuteNonQuery();
            readers.Add(session);
            return result;
        }
        catch (DbException e)
        {
            session?.Dispose();
            NoteFault("read", e);
            throw Unavailable("the database cannot be read right now");
        }
        catch
        {
            // Its transaction is still open; opening a new connection is cheaper than finding out whether this one is usable.
            session?.Dispose();
            throw;
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Begins a transaction on a connection that is open already, or on a new one if those are lost.</summary>
    private Session BeginReading()
    {
        while (readers.TryTake(out var known))
            try
            {
                known.Bind(engine.BeginReading).ExecuteNonQuery();
                return known;
            }
            catch (DbException)
            {
                known.Dispose();
            }
        var session = new Session(engine.Prepare, OpenReader(), policies, LeaveOut);
        try
        {
            session.Bind(engine.BeginReading).ExecuteNonQuery();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private DbConnection OpenReader()
    {
        try
        {
            return engine.OpenReader();
        }
        catch (ObjectDisposedException)
        {
            throw Unavailable("the daemon is stopping");
        }
    }

    /// <summary>Fails if there can be no copy of this database.</summary>
    /// <exception cref="ProblemException">What makes a copy instead.</exception>
    public void ExpectCopies()
    {
        if (engine.NoCopy is { } problem)
            throw new ProblemException(problem);
    }

    /// <summary>
    /// Makes a copy as of one moment, marked as a backup. Readers and the writer continue meanwhile. The copy is a file without a name,
    /// which disappears when it is closed.
    /// </summary>
    /// <exception cref="ProblemException">Unavailable: there is no room for the copy.</exception>
    public Stream BackUp(DateTimeOffset now)
    {
        ExpectCopies();
        var copy = $"{engine.Name}.backup-{Path.GetRandomFileName()}";
        try
        {
            engine.Copy(copy, connection =>
            {
                using var session = new Session(engine.Prepare, connection, policies, LeaveOut);
                new Transaction(session).MarkAsBackup(now);
            }).Dispose();
            return File.OpenRead(copy);
        }
        catch (DbException)
        {
            throw Unavailable("a copy of the database cannot be written right now");
        }
        finally
        {
            File.Delete(copy);
            File.Delete($"{copy}-journal");
        }
    }

    /// <summary>Reads the part of the database that was not read before it was used; see <see cref="Engine.CheckRest"/>.</summary>
    public void CheckRest(CancellationToken stopping) => engine.CheckRest(stopping);

    /// <summary>Finishes the queued changes, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Close();
        await Task.Run(queue.Finish);
        while (readers.TryTake(out var session))
            session.Dispose();
        // Only the writer can move the log's content into the database, so that the database is one file again.
        writer.Dispose();
        // Must be last: some engines hold what their connections need.
        engine.Dispose();
    }

    private void Write(List<Change> batch)
    {
        try
        {
            if (broken.Task.IsCompleted)
                batch.ForEach(change => change.Fail(Answer(broken.Task.Result)));
            else
            {
                if (!engine.KeepRoom())
                    Refuse(batch, NoRoom);
                if (batch.Count > 0)
                    CommitTogether(batch);
            }
        }
        catch (Exception e)
        {
            // Whatever failed, every caller gets an answer.
            Break(e, batch);
        }
    }

    private static readonly Problem NoRoom = new(
        ProblemCode.Unavailable,
        "the disk of the daemon is full, and what is left is kept for revoking, locking and denying; nothing was changed",
        "an administrator makes room on it",
        Next: [new NextStep.ShowDaemonStatus()]);

    /// <summary>Rejects the changes that do not take access away.</summary>
    private static void Refuse(List<Change> batch, Problem why)
    {
        batch.FindAll(change => !change.TakesAway).ForEach(change => change.Fail(new ProblemException(why)));
        batch.RemoveAll(change => !change.TakesAway);
    }

    private void Break(Exception error, List<Change> batch)
    {
        lastFailed = true;
        Instruments.Commits.Add(Instruments.Failed);
        var fault = error is TakenOverException ? error : new OutcomeUnknownException(error);
        broken.TrySetResult(fault);
        batch.ForEach(change => change.Fail(Answer(fault)));
    }

    // Another daemon works on the database, so certainly nothing of this batch is in it.
    private static Exception Answer(Exception fault) => fault is TakenOverException ? Unavailable("the daemon is stopping") : fault;

    private void CommitTogether(List<Change> batch)
    {
        // Whose error it is shows when each statement is run at once.
        if (!TryCommit(batch, batch.SelectMany(change => change.Ahead).ToHashSet()))
            TryCommit(batch, ahead: null);
    }

    /// <summary>
    /// Makes the changes in one transaction, and answers their callers. Returns false if one of several statements that were sent together
    /// broke a rule of the schema: then nothing is changed, and nobody is answered.
    /// </summary>
    private bool TryCommit(List<Change> batch, HashSet<Question>? ahead)
    {
        Policy? before;
        var begun = Stopwatch.GetTimestamp();
        try
        {
            BeginWriting(ahead);
            if (engine.Obstacle is { } obstacle)
                Refuse(batch, obstacle);
            before = writer.Policies.Latest ??= policies.Latest;
            foreach (var change in batch)
                RunAlone(change);
        }
        catch (DbException e)
        {
            return Abandon(batch, e);
        }
        switch (engine.Commit(writer, out var error))
        {
            case CommitOutcome.Undone:
                return Abandon(batch, error!);
            case CommitOutcome.Unknown:
                Break(error!, batch);
                return true;
        }
        Committed(begun, batch.Count);
        if (writer.Policies.Latest != before)
            policies.Latest = writer.Policies.Latest;
        batch.ForEach(change => change.Complete());
        // The only place where the log reports decisions: exactly those that are on the disk.
        var audited = batch.SelectMany(change => change.Audited).ToList();
        if (audited.Count > 0)
            AuditWatch.Changed();
        foreach (var entry in audited)
            log.LogInformation(
                "{Event} by {Actor}: {Facts}", entry.Event, Printable.Escape(entry.DescribeActor()),
                Printable.Escape(entry.DescribeFacts()));
        return true;
    }

    private void BeginWriting(HashSet<Question>? ahead)
    {
        if (!engine.IsLost(writer.Connection))
            try
            {
                engine.BeginWriting(writer, ahead);
                return;
            }
            catch (DbException) when (engine.IsLost(writer.Connection))
            {
                // The connection ended since the last batch, and nothing of this one was sent.
            }
        writer.Dispose();
        writer = new Session(engine.Prepare, engine.OpenWriter(), new PolicyCache(), LeaveOut);
        engine.BeginWriting(writer, ahead);
    }

    private void Committed(long begun, int changes)
    {
        var now = Stopwatch.GetTimestamp();
        lastFailed = false;
        lastFault = null;
        Volatile.Write(ref lastCommit, now);
        Volatile.Write(ref lastBegun, begun);
        Instruments.Commits.Add(Instruments.Done);
        Instruments.CommitSeconds.Add(Stopwatch.GetElapsedTime(begun, now).TotalSeconds);
        Instruments.CommitChanges.Add(changes);
    }

    // A database that is away fails every call, and is one line.
    private void NoteFault(string what, Exception error)
    {
        if (error.Message != Interlocked.Exchange(ref lastFault, error.Message))
            log.LogError("the database cannot be {What}: {Why}", what, Printable.Escape(error.Message));
    }

    private void LeaveOut(string row)
    {
        if (leftOut.TryAdd(row, true))
            log.LogError("{Row}; it is left out, and tctl status names it until it is mended", Printable.Escape(row));
    }

    /// <summary>Runs one change in its own savepoint, so that its failure does not affect the other changes.</summary>
    private void RunAlone(Change change)
    {
        writer.BeginChange();
        var policy = writer.Policies.Latest;
        try
        {
            change.Run(new Transaction(writer));
        }
        catch (Exception e) when (e is not DbException error || (!writer.KeepsBack && engine.IsConstraint(error)))
        {
            change.Refuse(e);
            // After an error that rolled everything back, RELEASE would commit the following writes on their own.
            ThrowIfRolledBack();
            writer.UndoChange();
            writer.Policies.Latest = policy;
        }
        ThrowIfRolledBack();
        writer.EndChange();
    }

    private void ThrowIfRolledBack()
    {
        if (engine.IsRolledBack(writer.Connection))
            throw new RolledBackException();
        if (writer.Fault is { } fault)
            throw fault;
    }

    /// <summary>
    /// Discards the whole batch, including the answers that its callers were about to get. Returns false, without an answer to them, if the
    /// error may be the one of a single change.
    /// </summary>
    private bool Abandon(List<Change> batch, Exception error)
    {
        var isOfOne = writer.KeepsBack && error is DbException fault && engine.IsConstraint(fault);
        if (!isOfOne)
        {
            NoteFault("written", error);
            lastFailed = true;
            Instruments.Commits.Add(Instruments.Failed);
        }
        try
        {
            engine.RollBack(writer);
        }
        catch (DbException e)
        {
            broken.TrySetResult(new OutcomeUnknownException(e));
        }
        writer.Policies.Latest = null;
        if (!isOfOne)
            batch.ForEach(change => change.Fail(Unavailable("the database cannot be written right now; nothing was changed")));
        return !isOfOne;
    }

    private static ProblemException Unavailable(string detail) =>
        new(
            new Problem(
                ProblemCode.Unavailable, detail,
                "try again in a moment; an administrator finds the cause in the daemon's log, often a full disk"));

    private sealed class RolledBackException : DbException;

    // A change that throws is undone, and nothing of it is reported.
    private sealed class RehearsedException<T>(T result) : Exception
    {
        public T Result => result;
    }
}
