namespace CertAuthority.Api;

/// <summary>
/// Lets the calls of a daemon that stops end by themselves. A server that closes an idle connection cannot know whether a call is on its
/// way on it, and the caller then cannot know whether it arrived. So each answer says from then on that it is the last one on its
/// connection, and only connections on which nothing happens are closed.
/// </summary>
/// <param name="clock">Measures for how long nothing has happened.</param>
/// <param name="outlasting">Returns how many calls end only after this daemon.</param>
internal sealed class Drain(TimeProvider clock, Func<int> outlasting)
{
    // A caller that has another call sends it at once.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(10);

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int connections;
    private int calls;
    private long lastCall = clock.GetTimestamp();
    private volatile bool hasBegun;

    /// <summary>Whether an answer is the last one on its connection.</summary>
    public bool HasBegun => hasBegun;

    /// <summary>Completes when the calls have ended, but for those that outlast this daemon, or had their time.</summary>
    public Task Ended => ended.Task;

    /// <summary>Counts a connection until the result is disposed of.</summary>
    public IDisposable Connection()
    {
        Interlocked.Increment(ref connections);
        return new Counted(() => Interlocked.Decrement(ref connections));
    }

    /// <summary>Counts a call until the result is disposed of.</summary>
    public IDisposable Call()
    {
        Interlocked.Increment(ref calls);
        return new Counted(() =>
        {
            Volatile.Write(ref lastCall, clock.GetTimestamp());
            Interlocked.Decrement(ref calls);
        });
    }

    /// <summary>Returns when there is no connection, when nothing has happened for a moment, or after five seconds.</summary>
    public async Task Run(CancellationToken cancellation)
    {
        hasBegun = true;
        using var ends = new Counted(() => ended.TrySetResult());
        var begun = clock.GetTimestamp();
        while (Volatile.Read(ref connections) > 0 && !IsQuiet() && clock.GetElapsedTime(begun) < AtMost
            && !cancellation.IsCancellationRequested)
            await Task.Delay(Glance, clock, CancellationToken.None);

        bool IsQuiet() =>
            Volatile.Read(ref calls) <= outlasting()
                && clock.GetElapsedTime(Math.Max(begun, Volatile.Read(ref lastCall))) > Quiet;
    }

    private sealed class Counted(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
