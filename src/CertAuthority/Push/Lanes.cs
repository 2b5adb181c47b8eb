namespace CertAuthority.Push;

/// <summary>
/// How much goes on at once. Hosts that do not answer must not be in the way of those that do: what takes longer than a moment goes on
/// in a lane of its own and makes room, and what failed before begins there.
/// </summary>
/// <param name="width">How many are in the quick lane at most; in the slow one four times as many, for they mostly wait.</param>
/// <param name="clock">Says when a moment is over.</param>
internal sealed class Lanes(int width, TimeProvider clock) : IDisposable
{
    /// <summary>After which an attempt is slow.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim quick = new(width);
    private readonly SemaphoreSlim slow = new(4 * width);

    /// <summary>Runs it when there is room.</summary>
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
    /// Whether it is in the slow lane now, and its place in the quick one free; not where it ended while the slow one was full.
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
