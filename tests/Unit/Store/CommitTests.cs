using System.Data.Common;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CertAuthority.Tests.Unit.Store;

public sealed class CommitTests : IAsyncLifetime
{
    private const string Hog = "INSERT INTO audit (time, event, entry) VALUES (0, 'hog', zeroblob(10000000))";

    private readonly World world = new();

    private Database Database => world.Database;

    [Fact]
    public async Task Committed_change_is_visible_at_once_and_after_a_restart()
    {
        Assert.Equal("done", await Database.Commit(Write("a", "done")));
        Assert.Equal(["a"], world.Committed());
        Assert.Equal(["a"], Events());
        await world.Reopen();
        Assert.Equal(["a"], Events());
    }

    [Fact]
    public async Task Failed_change_leaves_nothing_and_its_neighbours_stay()
    {
        var tasks = await world.InOneBatch(
            Write("a", "1"),
            transaction =>
            {
                transaction.Audit(World.Entry("b"));
                throw new ProblemException(new Problem(ProblemCode.Denied, "no"));
            },
            Write("c", "3"));
        Assert.Equal([true, false, true], tasks.Select(task => task.IsCompletedSuccessfully));
        Assert.Equal("no", (await Assert.ThrowsAsync<ProblemException>(() => tasks[1])).Message);
        Assert.Equal(["a", "c"], world.Committed());
    }

    [Fact]
    public async Task Bug_in_one_change_does_not_affect_another()
    {
        var tasks = await world.InOneBatch(
            _ => throw new InvalidOperationException("a bug"),
            Write("b", "2"));
        Assert.Equal("a bug", (await Assert.ThrowsAsync<InvalidOperationException>(() => tasks[0])).Message);
        Assert.Equal(["b"], world.Committed());
    }

    [Fact]
    public async Task Schema_violation_undoes_only_its_own_change()
    {
        var tasks = await world.InOneBatch(
            Write("a", "1"),
            transaction =>
            {
                transaction.Audit(World.Entry("b"));
                UserRow.Table.Put(transaction, World.User("alice"));
                UserRow.Table.Put(transaction, World.User("alice"));
                return "two users of one name";
            },
            Write("c", "3"));
        await Assert.ThrowsAnyAsync<DbException>(() => tasks[1]);
        Assert.True(tasks[2].IsCompletedSuccessfully);
        Assert.Equal(["a", "c"], world.Committed());
        Assert.Null(Database.Read(snapshot => snapshot.FindUser("alice")));
    }

    [Fact]
    public async Task Batched_changes_are_ordered_and_invisible_until_committed()
    {
        string[] inside = [], outside = ["?"], read = ["?"];
        await world.InOneBatch(
            Write("a", "1"),
            transaction =>
            {
                inside = Events(transaction);
                outside = world.Committed();
                read = Events();
                return "2";
            });
        Assert.Equal(["a"], inside);
        Assert.Empty(outside);
        Assert.Empty(read);
        Assert.Equal(["a"], world.Committed());
    }

    [Fact]
    public async Task Nobody_is_answered_before_the_commit_even_with_a_refusal()
    {
        var early = "nobody looked";
        Task<string>? done = null, refused = null;
        using var started = new ManualResetEventSlim();
        using var queued = new ManualResetEventSlim();
        var first = Task.Run(() => Database.Commit(_ =>
        {
            started.Set();
            queued.Wait();
            return true;
        }));
        started.Wait();
        done = Database.Commit(Write("a", "1"));
        refused = Database.Commit<string>(_ => throw new ProblemException(new Problem(ProblemCode.Denied, "no")));
        var last = Database.Commit(_ =>
        {
            early = $"done: {done.IsCompleted}, refused: {refused.IsCompleted}";
            return true;
        });
        queued.Set();
        await last;
        await first;
        Assert.Equal("done: False, refused: False", early);
        Assert.Equal("1", await done);
        Assert.Equal("no", (await Assert.ThrowsAsync<ProblemException>(() => refused)).Message);
    }

    [Fact]
    public async Task Answered_caller_finds_their_change_committed()
    {
        var found = Enumerable.Range(0, 200).Select(async n =>
        {
            await Database.Commit(Write($"e{n}", ""));
            return world.Committed().Contains($"e{n}");
        });
        Assert.DoesNotContain(false, await Task.WhenAll(found));
    }

    [SqliteFact]
    public async Task Nobody_is_answered_while_another_process_holds_the_lock()
    {
        var released = false;
        var ranBefore = false;
        using var other = world.Outside();
        Run(other, "BEGIN IMMEDIATE");
        var waiting = Task.Run(() => Database.Commit(transaction =>
        {
            ranBefore = !Volatile.Read(ref released);
            return Write("a", "1")(transaction);
        }));
        // Reading goes on meanwhile.
        Assert.Empty(Events());
        Assert.False(waiting.IsCompleted);
        Volatile.Write(ref released, true);
        Run(other, "COMMIT");
        Assert.Equal("1", await waiting);
        Assert.False(ranBefore);
        Assert.Equal(["a"], world.Committed());
    }

    [SqliteFact]
    public async Task Full_disk_drops_the_batch_and_asks_everybody_to_retry()
    {
        await Full(true);
        var tasks = await world.InOneBatch(
            Write("a", "1"),
            transaction => $"{transaction.Execute(Hog)}",
            Write("c", "3"));
        foreach (var task in tasks)
            Assert.Equal(ProblemCode.Unavailable, (await Assert.ThrowsAsync<ProblemException>(() => task)).Problem.Code);
        Assert.Empty(world.Committed());
        Assert.False(Database.Broken.IsCompleted);

        await Full(false);
        Assert.Equal("4", await Database.Commit(Write("d", "4")));
        Assert.Equal(["d"], world.Committed());
    }

    [SqliteFact]
    public async Task Swallowed_full_disk_error_commits_nothing_after_it()
    {
        await Full(true);
        var tasks = await world.InOneBatch(
            Write("a", "1"),
            transaction =>
            {
                Assert.Throws<SqliteException>(() => transaction.Execute(Hog));
                return "as if nothing were";
            },
            Write("c", "3"));
        foreach (var task in tasks)
            Assert.Equal(ProblemCode.Unavailable, (await Assert.ThrowsAsync<ProblemException>(() => task)).Problem.Code);
        Assert.Empty(world.Committed());
    }

    [SqliteFact]
    public async Task Refusal_after_a_full_disk_error_commits_nothing_after_it()
    {
        await Full(true);
        var tasks = await world.InOneBatch(
            Write("a", "1"),
            transaction =>
            {
                Assert.Throws<SqliteException>(() => transaction.Execute(Hog));
                throw new ProblemException(new Problem(ProblemCode.Conflict, "meanwhile"));
            },
            Write("c", "3"));
        foreach (var task in tasks)
            Assert.Equal(ProblemCode.Unavailable, (await Assert.ThrowsAsync<ProblemException>(() => task)).Problem.Code);
        Assert.Empty(world.Committed());
    }

    [Fact]
    public async Task Lone_caller_writes_on_its_own_thread()
    {
        var commit = Database.Commit(_ => Environment.CurrentManagedThreadId);
        Assert.True(commit.IsCompleted);
        Assert.Equal(Environment.CurrentManagedThreadId, await commit);
    }

    [Fact]
    public async Task Callers_who_come_while_one_writes_share_the_writer_thread()
    {
        var threads = new List<string?>();
        await world.InOneBatch([.. Enumerable.Repeat<Func<Transaction, string>>(
            _ =>
            {
                threads.Add(Thread.CurrentThread.Name);
                return "";
            }, 3)]);
        Assert.Equal(["writer", "writer", "writer"], threads);
    }

    [Fact]
    public async Task More_changes_than_one_batch_holds_are_all_done_in_order()
    {
        var tasks = await world.InOneBatch([.. Enumerable.Range(0, 300).Select(n => Write($"{n}", ""))]);
        Assert.All(tasks, task => Assert.True(task.IsCompletedSuccessfully));
        Assert.Equal(Enumerable.Range(0, 300).Select(n => $"{n}"), world.Committed());
    }

    [Fact]
    public async Task Stop_finishes_queued_changes_and_accepts_no_more()
    {
        using var started = new ManualResetEventSlim();
        using var queued = new ManualResetEventSlim();
        var first = Task.Run(() => Database.Commit(_ =>
        {
            started.Set();
            queued.Wait();
            return true;
        }));
        started.Wait();
        var last = Database.Commit(Write("a", "1"));
        var stopped = Database.DisposeAsync().AsTask();
        Assert.Equal(ProblemCode.Unavailable, (await Assert.ThrowsAsync<ProblemException>(() => Database.Commit(Write("b", "2")))).Problem.Code);
        queued.Set();
        await stopped;
        Assert.True(await first);
        Assert.Equal("1", await last);
        Assert.Equal(["a"], world.Committed());
    }

    [Fact]
    public async Task Fault_of_the_writer_reaches_all_callers_and_the_daemon()
    {
        using var folder = new TemporaryFolder();
        await using var database = TestStore.Open(folder.File("certauthority.db"), new BrokenLog());
        // Committed, and then the writer fails: whoever asked was answered before.
        Assert.Equal("1", await database.Commit(Write("a", "1")));
        var broken = await database.Broken.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("the log is broken", broken.InnerException!.Message);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => database.Commit(Write("b", "2")));
    }

    [Fact]
    public void Failed_read_does_not_affect_later_reads()
    {
        Assert.Throws<ProblemException>(() => Database.Read<int>(_ => throw new ProblemException(new Problem(ProblemCode.NotFound, "nothing"))));
        Assert.Empty(Events());
    }

    [Fact]
    public async Task Read_sees_one_moment_despite_concurrent_commits()
    {
        await Database.Commit(Write("a", ""));
        var (before, after) = Database.Read(snapshot => (Events(snapshot), CommitMeanwhile(snapshot)));
        Assert.Equal(["a"], before);
        Assert.Equal(["a"], after);
        Assert.Equal(["a", "b"], Events());

        string[] CommitMeanwhile(Snapshot snapshot)
        {
            Task.Run(() => Database.Commit(Write("b", ""))).Wait();
            return Events(snapshot);
        }
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private sealed class BrokenLog : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("the log is broken");
    }

    private static Func<Transaction, string> Write(string what, string result) => transaction =>
    {
        transaction.Audit(World.Entry(what));
        return result;
    };

    private static string[] Events(Snapshot snapshot) => [.. snapshot.AuditEntries(new ListAudit()).Select(entry => entry.Event).Reverse()];

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private string[] Events() => Database.Read(Events);

    // SQLite's own limit, on the writer's connection: the same error in the same places as a full disk.
    private Task<int> Full(bool full) => Database.Commit(transaction => transaction.Execute($"PRAGMA max_page_count = {(full ? 100 : 1_000_000)}"));
}
