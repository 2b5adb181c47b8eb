namespace CertAuthority.Push;

/// <summary>
/// Limits how many attempts run at once. Hosts that do not answer must not delay those that do: an attempt that takes longer than a moment
/// moves to a slow lane and makes room, and a host that failed before starts there.
/// </summary>
/// <param name="width">The limit of the quick lane; the slow lane takes four times as many, because they mostly wait.</param>
/// <param name="clock">Measures the moment.</param>
internal sealed class Lanes(int width, TimeProvider clock) : IDisposable
{
    /// <summary>The time after which an attempt counts as slow.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim quick = new(width);
    private readonly SemaphoreSlim slow = new(4 * width);

    /// <summary>Runs an attempt when there is room.</summary>
    public async Task<T> Run<T>(Func<Task<T>> attempt, bool isSlow, CancellationToken stopping)
    {
        var lane = isSlow ? slow : quick;
        await lane.WaitAsync(stopping);
        try
        {
            var running = attempt();
            if (!isSlow && await Task.WhenAny(running, Task.Delay(Moment, clock, CancellationToken.None)) != running
                && await Changes(running, stopping))
                lane = slow;
            return await running;
        }
        finally
        {
            lane.Release();
        }
    }

    public void Dispose()
    {
        quick.Dispose();
        slow.Dispose();
    }

    /// <summary>
    /// Returns whether the attempt moved to the slow lane and freed its place in the quick one. It does not move if it ends while the slow
    /// lane is full.
    /// </summary>
    private async Task<bool> Changes(Task running, CancellationToken stopping)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var entering = slow.WaitAsync(ended.Token);
        await Task.WhenAny(running, entering);
        await ended.CancelAsync();
        try
        {
            await entering;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        quick.Release();
        return true;
    }
}
