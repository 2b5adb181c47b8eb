using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// A background loop that repeats one task. An error of the disk or the database is logged, and the task is tried again the next time; any
/// other error ends the loop, and with it the daemon.
/// </summary>
/// <param name="every">The time between two runs.</param>
/// <param name="clock">Measures the time.</param>
internal abstract class Periodic(TimeSpan every, TimeProvider clock) : Loop
{
    /// <summary>Whether the first run is at the start. Otherwise it is one interval later.</summary>
    protected virtual bool StartsAtOnce => false;

    /// <inheritdoc/>
    public sealed override TimeSpan? Interval => every;

    /// <summary>Runs the task once.</summary>
    /// <param name="stopping">Cancels the work when the daemon shuts down.</param>
    protected internal abstract Task Once(CancellationToken stopping);

    /// <summary>Logs an error that may not recur the next time.</summary>
    protected abstract void Failed(Exception error);

    /// <summary>Returns whether an error comes from the disk or the database, so that the next run may succeed.</summary>
    public static bool IsPassing(Exception error) =>
        error is ProblemException or StoreException or IOException or ExposedException or UnauthorizedAccessException;

    protected sealed override async Task Run(CancellationToken stopping)
    {
        for (var now = StartsAtOnce; ; now = false)
        {
            if (!now)
                await Task.Delay(every, clock, stopping);
            try
            {
                await Once(stopping);
            }
            catch (Exception e) when (IsPassing(e))
            {
                Failed(e);
            }
            Turned();
        }
    }
}
