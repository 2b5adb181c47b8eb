using CertAuthority.Protocol;
using CertAuthority.Revocation;

namespace CertAuthority.Jobs;

/// <summary>
/// Writes the revocation list anew from time to time: serials leave it a day after their end, and a host can tell a fresh
/// list from one that nobody looks after any more.
/// </summary>
internal static class KrlRefresh
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    public static async Task Run(KrlPublisher krl, TimeProvider clock, CancellationToken stopping)
    {
        try
        {
            using var timer = new PeriodicTimer(Every, clock);
            while (await timer.WaitForNextTickAsync(stopping))
            {
                try
                {
                    await krl.Publish();
                }
                catch (ProblemException)
                {
                    // The publisher has logged why, and tries again by itself.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
