namespace CertAuthority.Store;

/// <summary>
/// Wakes callers that wait for entries of the audit, once these are committed. It carries no data: a woken caller reads the audit again.
/// </summary>
internal sealed class AuditWatch
{
    /// <summary>How many callers can wait at once: each of them reads the audit after each commit.</summary>
    public const int Most = 64;

    private TaskCompletionSource next = New();
    private int waiting;
    private volatile bool stopped;

    /// <summary>Whether the watch has stopped for good.</summary>
    public bool Stopped => stopped;

    /// <summary>Completes at the next commit with entries. Take it before reading the audit, so that no commit falls in between.</summary>
    public Task NextCommit => Volatile.Read(ref next).Task;

    /// <summary>How many callers wait.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Takes a place among those who wait, until <see cref="Leave"/>; returns false if none is left.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref waiting) <= Most)
            return true;
        Leave();
        return false;
    }

    /// <summary>Gives the place back.</summary>
    public void Leave() => Interlocked.Decrement(ref waiting);

    /// <summary>Wakes the callers after a commit.</summary>
    public void Changed() => Interlocked.Exchange(ref next, New()).TrySetResult();

    /// <summary>Wakes everybody: the daemon is stopping, and clients will repeat their call.</summary>
    public void Stop()
    {
        stopped = true;
        Changed();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
