namespace CertAuthority.Linux;

/// <summary>
/// Threads for calls that may hang, apart from the thread pool. Each call has a thread to itself at once, whatever the others do. A thread
/// that is done waits a while for the next call, because starting one costs more than most calls.
/// </summary>
/// <param name="idle">How long a thread waits for another call before it ends.</param>
public sealed class SpareThreads(TimeSpan idle)
{
    private readonly Queue<Action> calls = [];
    private int waiting;
    private int started;

    /// <summary>How many threads were started so far.</summary>
    public int Started => Volatile.Read(ref started);

    /// <summary>How many threads wait for a call.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Runs a call on a thread of its own. The call must not throw.</summary>
    public void Run(Action call)
    {
        lock (calls)
        {
            calls.Enqueue(call);
            if (waiting >= calls.Count)
            {
                Monitor.Pulse(calls);
                return;
            }
            started++;
        }
        new Thread(Work) { IsBackground = true, Name = "lookup" }.Start();
    }

    private void Work()
    {
        while (Next() is { } call)
            call();
    }

    private Action? Next()
    {
        lock (calls)
        {
            while (calls.Count == 0)
            {
                waiting++;
                var isCalled = Monitor.Wait(calls, idle);
                waiting--;
                if (!isCalled && calls.Count == 0)
                    return null;
            }
            return calls.Dequeue();
        }
    }
}
