using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public class SpareThreadsTests
{
    [Fact]
    public void Thread_that_is_done_runs_the_next_call()
    {
        var threads = new SpareThreads(idle: TimeSpan.FromMinutes(1));
        var on = new List<int>();
        for (var n = 0; n < 100; n++)
        {
            using var ran = new ManualResetEventSlim();
            threads.Run(() =>
            {
                on.Add(Environment.CurrentManagedThreadId);
                ran.Set();
            });
            ran.Wait();
            SpinWait.SpinUntil(() => threads.Waiting == 1);
        }
        Assert.Equal(100, on.Count);
        Assert.Single(on.Distinct());
        Assert.Equal(1, threads.Started);
    }

    [Fact]
    public void Every_call_runs_at_once_while_others_hang()
    {
        var threads = new SpareThreads(idle: TimeSpan.FromMinutes(1));
        using var all = new CountdownEvent(40);
        using var released = new ManualResetEventSlim();
        for (var n = 0; n < 40; n++)
            threads.Run(() =>
            {
                all.Signal();
                released.Wait();
            });
        Assert.True(all.Wait(TimeSpan.FromSeconds(60)));
        Assert.Equal(40, threads.Started);
        released.Set();
    }

    [Fact]
    public void Idle_thread_ends_and_a_new_one_takes_its_place()
    {
        var threads = new SpareThreads(idle: TimeSpan.FromMilliseconds(1));
        Thread? first = null;
        using var ran = new ManualResetEventSlim();
        threads.Run(() =>
        {
            first = Thread.CurrentThread;
            ran.Set();
        });
        ran.Wait();
        Assert.True(first!.Join(TimeSpan.FromSeconds(60)));
        using var again = new ManualResetEventSlim();
        threads.Run(again.Set);
        Assert.True(again.Wait(TimeSpan.FromSeconds(60)));
        Assert.Equal(2, threads.Started);
    }
}
