using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Looks from time to time who is still in the groups that make users: an account that left them may never call again.</summary>
internal static class GroupReview
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(3);

    /// <summary>Once at its start, then every few minutes, and whenever <paramref name="wanted"/> is released.</summary>
    public static async Task Run(Func<Ca> ca, SemaphoreSlim wanted, ILogger log, CancellationToken stopping)
    {
        try
        {
            do
            {
                try
                {
                    var unknown = await GroupUsers.Review(ca(), stopping);
                    if (unknown is [var (account, why), ..])
                        log.LogWarning(
                            "the groups of {Count} users are not known, and what they hold stays as it is; of {Account}: {Why}", unknown.Count, Printable.Escape(account), Printable.Escape(why));
                }
                catch (ProblemException e)
                {
                    log.LogWarning("users could not be compared with their groups: {Why}", e.Message);
                }
                await wanted.WaitAsync(Every, stopping);
            }
            while (true);
        }
        catch (Exception e) when (e is OperationCanceledException or OutcomeUnknownException)
        {
            // Stopped, or about to be.
        }
    }
}
