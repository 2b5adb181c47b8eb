using System.Collections.Concurrent;
using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

/// <summary>The uids of many accounts, from a system that may hang or fail.</summary>
public class UidBookTests
{
    [Fact]
    public async Task Recent_answers_are_reused()
    {
        var asked = new ConcurrentQueue<string>();
        var book = new UidBook(TimeProvider.System, account =>
        {
            asked.Enqueue(account);
            return account == "nobody" ? null : (uint)account.Length;
        });
        var known = await book.Ask(["bob", "nobody"]);
        Assert.Equal((3u, null, null), (known.Of("bob"), known.Of("nobody"), known.Fault));
        Assert.Equal((5u, 3u), ((await book.Ask(["bob", "alice"])).Of("alice"), book.Last.Of("bob")));
        Assert.Equal(["bob", "nobody", "alice"], asked);
        // What nobody asked for is not taken for an account that does not exist.
        Assert.Null(known.Of("carol"));
        Assert.Equal("the system was not asked yet which uid the account carol has", known.Fault);
    }

    [Fact]
    public async Task Failed_lookup_is_a_fault_and_other_accounts_are_known()
    {
        var book = new UidBook(TimeProvider.System, account => account == "bob" ? throw new NameServiceException("the directory is away") : 7u);
        var known = await book.Ask(["alice", "bob", "carol"]);
        Assert.Equal((7u, 7u, "the directory is away"), (known.Of("alice"), known.Of("carol"), known.Fault));
    }

    [Fact]
    public async Task Hung_lookup_costs_one_thread_and_its_callers_time_out()
    {
        using var answers = new ManualResetEventSlim();
        var threads = new ConcurrentDictionary<int, bool>();
        var hung = false;
        var book = new UidBook(TimeProvider.System, account =>
        {
            threads[Environment.CurrentManagedThreadId] = true;
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            if (account == "slow")
            {
                hung = true;
                answers.Wait();
            }
            return 1;
        });
        await book.Ask(["bob"]);
        var before = threads.Count;
        var calls = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => book.Ask(["bob", "slow"])));
        Assert.True(hung);
        Assert.All(calls, call => Assert.Equal("the system does not say which uids the accounts of users have: no answer within 3 s", call.Fault));
        Assert.Equal(before + 1, threads.Count);
        // Who needs nothing new waits for nobody, and what was heard stays.
        Assert.Equal(1u, (await book.Ask([])).Fault is null ? book.Last.Of("bob") : null);
        answers.Set();
        Assert.Null((await book.Ask(["slow"])).Fault);
    }

    [Fact]
    public async Task List_that_is_known_is_not_read_again()
    {
        var (asked, clock) = (new ConcurrentQueue<string>(), new Patient());
        var book = new UidBook(clock, account =>
        {
            asked.Enqueue(account);
            return 1;
        });
        Assert.Null(await book.Know(1, () => ["bob"], book.Known));
        Assert.Null(await book.Know(1, () => throw new InvalidOperationException("read again"), book.Known));
        // Of another list, only the accounts that are new are asked about.
        Assert.Null(await book.Know(2, () => ["alice", "bob"], book.Known));
        Assert.Equal(["bob", "alice"], asked);
        // The answer about the people in question is never that old.
        clock.Advance(NameService.Kept);
        await book.Ask(["bob"]);
        Assert.Equal(["bob", "alice", "bob"], asked);
        clock.Advance(book.Known - NameService.Kept);
        Assert.Null(await book.Know(2, () => ["alice", "bob"], book.Known));
        Assert.Equal(["bob", "alice", "bob", "alice"], asked);
    }

    [Fact]
    public async Task Slow_round_over_all_accounts_delays_nobody_else()
    {
        using var answers = new ManualResetEventSlim();
        var book = new UidBook(TimeProvider.System, account =>
        {
            if (account == "slow")
                answers.Wait();
            return 1;
        });
        var round = book.Know(1, () => ["slow", "bob"], book.Known);
        Assert.Equal(1u, (await book.Ask(["bob"])).Of("bob"));
        Assert.False(round.IsCompleted);
        Assert.Equal("the system does not say which uids the accounts of users have: no answer within 3 s", await round);
        answers.Set();
        Assert.Null(await book.Know(1, () => ["slow", "bob"], book.Known));
    }

    [Fact]
    public async Task Account_whose_uid_changes_has_only_the_new_one()
    {
        var (clock, uid) = (new Patient(), 7u);
        var book = new UidBook(clock, _ => uid);
        Assert.Equal(["bob"], (await book.Ask(["bob"])).With(7));
        uid = 8;
        clock.Advance(NameService.Kept);
        var uids = await book.Ask(["bob"]);
        Assert.Equal((0, 1, 8u), (uids.With(7).Count(), uids.With(8).Count(), uids.Of("bob")));
    }

    private sealed class Patient : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan time) => now += (long)time.TotalSeconds;
    }
}
