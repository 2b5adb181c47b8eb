using System.Collections.Concurrent;

namespace CertAuthority.Operations;

/// <summary>
/// Wakes callers that wait for a request when it has changed. It carries no data: a woken caller reads the request again.
/// </summary>
internal sealed class RequestWatch
{
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource> waiting = new();
    private volatile bool stopped;

    /// <summary>Whether the watch has stopped for good.</summary>
    public bool Stopped => stopped;

    /// <summary>
    /// Completes at the next change of the request. Call it before reading the request, so that no change falls in between.
    /// </summary>
    public Task NextChange(Guid request)
    {
        var change = waiting.GetOrAdd(request, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        if (stopped)
            Changed(request);
        return change;
    }

    /// <summary>
    /// Wakes the callers after the commit of a change. A caller that gives up waiting calls it too, so that no unused entry stays.
    /// </summary>
    public void Changed(Guid request)
    {
        if (waiting.TryRemove(request, out var change))
            change.TrySetResult();
    }

    /// <summary>Wakes everybody: the daemon is stopping, and clients will repeat their call.</summary>
    public void Stop()
    {
        stopped = true;
        foreach (var request in waiting.Keys)
            Changed(request);
    }
}
