using System.Collections.Concurrent;

namespace CertAuthority.Operations;

/// <summary>Wakes those who wait for a request when it has changed. It carries no news itself: whoever wakes reads again.</summary>
internal sealed class RequestWatch
{
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource> waiting = new();
    private volatile bool stopped;

    /// <summary>Whether waiting is over for good.</summary>
    public bool Stopped => stopped;

    /// <summary>Completes at the next change of the request. Taken before reading, so that no change falls in between.</summary>
    public Task NextChange(Guid request)
    {
        var change = waiting.GetOrAdd(request, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        if (stopped)
            Changed(request);
        return change;
    }

    /// <summary>Called after the commit that changed it; also by a waiter who gives up, so that nothing is kept for nobody.</summary>
    public void Changed(Guid request)
    {
        if (waiting.TryRemove(request, out var change))
            change.TrySetResult();
    }

    /// <summary>Wakes everybody: the daemon stops, and clients ask again where they left off.</summary>
    public void Stop()
    {
        stopped = true;
        foreach (var request in waiting.Keys)
            Changed(request);
    }
}
