using System.Diagnostics;
using CertAuthority.Store;

namespace CertAuthority.Hosting;

/// <summary>A loop has ended while the daemon runs. The message says which loop, and why.</summary>
internal sealed class LoopEndedException(string loop, Exception? inner)
    : Exception(
        $"the loop {loop} in the background has ended: {(inner is null ? "nobody stopped it" : $"{inner.GetType().Name}: {inner.Message}")}", inner);

/// <summary>
/// A service that works in the background until the host stops it. A daemon without one of its loops would look healthy and do half of its
/// work, so a loop that ends by itself, with or without an error, counts as a failure: the host then stops the daemon, and systemd starts
/// it again.
/// </summary>
internal abstract class Loop : BackgroundService
{
    private long turned = Stopwatch.GetTimestamp();

    /// <summary>The time between two turns of the loop; null for one that only waits for events.</summary>
    public virtual TimeSpan? Interval => null;

    /// <summary>The time since the last turn ended, or since the loop was created.</summary>
    public TimeSpan SinceTurn => Stopwatch.GetElapsedTime(Volatile.Read(ref turned));

    /// <summary>Returns why the first of these services failed; null if none has.</summary>
    public static Exception? FaultOf(IEnumerable<BackgroundService> services) =>
        services.Select(service => service.ExecuteTask?.Exception?.InnerException).FirstOrDefault(fault => fault is not null);

    /// <summary>Waits for the loop without a time limit, because the daemon then closes the objects that the loop uses.</summary>
    public override Task StopAsync(CancellationToken cancellationToken) => base.StopAsync(CancellationToken.None);

    /// <summary>Does the work. Returns only after <paramref name="stopping"/> was cancelled.</summary>
    protected abstract Task Run(CancellationToken stopping);

    /// <summary>Notes that a turn has ended, so that a monitor sees a loop that hangs.</summary>
    protected void Turned() => Volatile.Write(ref turned, Stopwatch.GetTimestamp());

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Exception? why = null;
        try
        {
            await Run(stoppingToken);
        }
        catch (Exception e) when (e is not OutcomeUnknownException)
        {
            // Whatever it was, the loop has ended, and the daemon stops with it; a commit with an unknown outcome stops it by itself.
            why = e;
        }
        if (!stoppingToken.IsCancellationRequested)
            throw new LoopEndedException(GetType().Name, why);
    }
}
