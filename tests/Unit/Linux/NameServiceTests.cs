using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public class NameServiceTests
{
    [Fact]
    public async Task Hung_lookup_runs_once_and_its_callers_time_out()
    {
        using var hangs = new ManualResetEventSlim();
        var asked = 0;
        var names = new NameService(new Hasty(), uid =>
        {
            Interlocked.Increment(ref asked);
            hangs.Wait();
            return "alice";
        });

        var waits = Enumerable.Range(0, 50).Select(_ => names.AccountOf(5001, Asker.Stranger)).ToList();
        foreach (var wait in waits)
            Assert.Equal("the system does not say which account has uid 5001: no answer within 3 s", (await Assert.ThrowsAsync<NameServiceException>(() => wait)).Message);
        await Assert.ThrowsAsync<NameServiceException>(() => names.AccountOf(5001, Asker.Stranger));

        Assert.Equal(1, asked);
        hangs.Set();
    }

    [Fact]
    public async Task Hung_lookups_of_strangers_take_no_thread_from_users()
    {
        using var hangs = new ManualResetEventSlim();
        var names = new NameService(new Hasty(), uid =>
        {
            if (uid > 100_000)
                hangs.Wait();
            return "alice";
        });
        for (uint i = 1; i <= NameService.Open; i++)
            await Assert.ThrowsAsync<NameServiceException>(() => names.AccountOf(100_000 + i, Asker.Stranger));

        Assert.EndsWith("no answer within 3 s", (await Assert.ThrowsAsync<NameServiceException>(() => names.AccountOf(5001, Asker.Stranger))).Message, StringComparison.Ordinal);
        Assert.Equal("alice", await new NameService(TimeProvider.System, _ => "alice").AccountOf(5001, Asker.User));
        Assert.Equal("alice", await Patiently(names, Asker.User));
        Assert.Equal("alice", await Patiently(names, Asker.Administrator));
        hangs.Set();
    }

    [Fact]
    public async Task Crowd_that_comes_at_once_is_answered_in_turn()
    {
        using var begin = new ManualResetEventSlim();
        var names = new NameService(new Patient(), uid =>
        {
            begin.Wait();
            return $"u{uid}";
        });
        var crowd = Enumerable.Range(1, 100 * NameService.Open).Select(uid => names.AccountOf((uint)uid, Asker.User)).ToList();
        begin.Set();
        Assert.Equal(Enumerable.Range(1, crowd.Count).Select(uid => $"u{uid}"), await Task.WhenAll(crowd));
    }

    [Fact]
    public async Task Lookups_that_may_wait_are_bounded()
    {
        using var hangs = new ManualResetEventSlim();
        var names = new NameService(new Patient(), _ =>
        {
            hangs.Wait();
            return "alice";
        });
        var waiting = Enumerable.Range(1, NameService.Open + NameService.Waiting).Select(uid => names.AccountOf((uint)uid, Asker.Stranger)).ToList();
        Assert.EndsWith("too many wait for an answer already", (await Assert.ThrowsAsync<NameServiceException>(() => names.AccountOf(0, Asker.Stranger))).Message, StringComparison.Ordinal);
        hangs.Set();
        foreach (var one in waiting)
            await one.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    // The clock of these tests is hasty, and a thread may take its time to start.
    private static async Task<string?> Patiently(NameService names, Asker asker)
    {
        while (true)
            try
            {
                return await names.AccountOf(5001, asker);
            }
            catch (NameServiceException e) when (e.Message.EndsWith("within 3 s", StringComparison.Ordinal))
            {
                await Task.Delay(10);
            }
    }

    /// <summary>Three seconds are never over, however slow the machine is.</summary>
    private sealed class Patient : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Three seconds are over in a moment.</summary>
    private sealed class Hasty : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == NameService.Within ? TimeSpan.FromMilliseconds(20) : dueTime, period);
    }
}
