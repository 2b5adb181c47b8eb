namespace CertAuthority.Operations;

/// <summary>
/// Wakes callers that wait for a request when it has changed. It carries no data: a woken caller reads the request again.
/// </summary>
internal sealed class RequestWatch
{
    private readonly Dictionary<Guid, Waiters> waiting = [];
    private bool stopped;

    /// <summary>For how many requests somebody waits.</summary>
    public int Count
    {
        get
        {
            lock (waiting)
                return waiting.Count;
        }
    }

    /// <summary>How many callers wait.</summary>
    public int Waiting
    {
        get
        {
            lock (waiting)
                return waiting.Values.Sum(waiters => waiters.Count);
        }
    }

    /// <summary>
    /// Waits for the next change of a request, with others who do. Call it before reading the request, so that no change falls in between,
    /// and dispose of it in the end: that wakes nobody, and nothing is kept for a request for which nobody waits.
    /// </summary>
    public Waiter Join(Guid request)
    {
        lock (waiting)
        {
            var waiters = waiting.GetValueOrDefault(request) ?? new Waiters();
            if (stopped)
                waiters.Wake();
            else
                waiting[request] = waiters;
            waiters.Count++;
            return new Waiter(this, request, waiters);
        }
    }

    /// <summary>Wakes the callers after the commit of a change.</summary>
    public void Changed(Guid request)
    {
        Waiters? waiters;
        lock (waiting)
            waiting.Remove(request, out waiters);
        waiters?.Wake();
    }

    /// <summary>Wakes everybody, now and from now on: the daemon is stopping, and clients will repeat their call.</summary>
    public void Stop()
    {
        Waiters[] all;
        lock (waiting)
        {
            stopped = true;
            all = [.. waiting.Values];
            waiting.Clear();
        }
        foreach (var waiters in all)
            waiters.Wake();
    }

    private void Leave(Guid request, Waiters waiters)
    {
        lock (waiting)
            if (--waiters.Count == 0 && waiting.GetValueOrDefault(request) == waiters)
                waiting.Remove(request);
    }

    /// <summary>Those who wait for the next change of one request.</summary>
    internal sealed class Waiters
    {
        private readonly TaskCompletionSource change = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>How many they are.</summary>
        public int Count { get; set; }

        /// <summary>Completes when they are woken.</summary>
        public Task Change => change.Task;

        /// <summary>Wakes them.</summary>
        public void Wake() => change.TrySetResult();
    }

    /// <summary>One of them.</summary>
    internal sealed class Waiter(RequestWatch watch, Guid request, Waiters waiters) : IDisposable
    {
        /// <summary>Completes at the next change of the request, or when the daemon stops.</summary>
        public Task Change => waiters.Change;

        /// <inheritdoc/>
        public void Dispose() => watch.Leave(request, waiters);
    }
}
