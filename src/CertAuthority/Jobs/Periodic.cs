using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Something that is done again and again in the background.</summary>
internal static class Periodic
{
    /// <summary>Until stopped. What fails on a disk or in the database is tried again the next time.</summary>
    /// <param name="every">How long from one time to the next.</param>
    /// <param name="atOnce">Whether the first time is now.</param>
    /// <param name="clock">Says when.</param>
    /// <param name="what">Does it.</param>
    /// <param name="failed">Hears why it failed.</param>
    /// <param name="stopping">Stops.</param>
    public static async Task Run(TimeSpan every, bool atOnce, TimeProvider clock, Func<Task> what, Action<Exception> failed, CancellationToken stopping)
    {
        try
        {
            using var timer = new PeriodicTimer(every, clock);
            while (atOnce || await timer.WaitForNextTickAsync(stopping))
                try
                {
                    atOnce = false;
                    await what();
                }
                catch (Exception e) when (e is ProblemException or IOException or ExposedException or UnauthorizedAccessException)
                {
                    failed(e);
                }
        }
        catch (Exception e) when (e is OperationCanceledException or OutcomeUnknownException)
        {
            // Stopped, or about to be.
        }
    }
}
