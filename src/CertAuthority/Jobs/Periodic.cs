using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// A loop in the background that does the same thing again and again. What can go wrong on a disk or in the database is logged, and tried
/// again the
/// next time; anything else ends the loop, and with it the daemon.
/// </summary>
/// <param name="every">How long from one time to the next.</param>
/// <param name="clock">Says when.</param>
internal abstract class Periodic(TimeSpan every, TimeProvider clock) : Loop
{
    /// <summary>Whether the first time is at the start. Otherwise it is one interval later.</summary>
    protected virtual bool StartsAtOnce => false;

    /// <summary>Does it once.</summary>
    /// <param name="stopping">Cancels the work when the daemon shuts down.</param>
    protected internal abstract Task Once(CancellationToken stopping);

    /// <summary>Called with an error after which the next time may go better; logs it.</summary>
    protected abstract void Failed(Exception error);

    /// <summary>Whether an error is one of the disk or the database, so that the next time may go better.</summary>
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
        }
    }
}
