using CertAuthority.Hosting;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Auditing;

/// <summary>
/// Removes the entries of the audit that are recorded as archived, some hundred in a transaction, with pauses, because logins should have
/// most of the time. A run that ends in between leaves the rest to the next one.
/// </summary>
/// <param name="database">The entries.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class AuditRemoval(Database database, TimeProvider clock, ILogger log) : Loop
{
    // Removing this many takes about 10 ms.
    private const int Piece = 500;

    private static readonly TimeSpan UntilRetry = TimeSpan.FromMinutes(1);

    // At first, what an earlier run left.
    private readonly SemaphoreSlim wanted = new(1);

    /// <summary>Begins to remove what was just recorded as archived.</summary>
    public void Wake() => wanted.Release();

    public override void Dispose()
    {
        base.Dispose();
        wanted.Dispose();
    }

    protected override async Task Run(CancellationToken stopping)
    {
        while (true)
        {
            await wanted.WaitAsync(stopping);
            var hasMore = true;
            while (hasMore)
            {
                var begun = clock.GetTimestamp();
                try
                {
                    hasMore = database.Read(snapshot => snapshot.AuditArchive() is var archive && archive.Removed < archive.Through)
                        && await database.Commit(transaction => transaction.RemoveArchived(Piece));
                    await Task.Delay(3 * clock.GetElapsedTime(begun), clock, stopping);
                }
                catch (Exception e) when (e is ProblemException or StoreException)
                {
                    // A full or failing disk: what is archived may stay longer, and nothing waits for it.
                    log.LogWarning(
                        "archived entries of the audit cannot be removed now, and it is tried again: {Why}", Printable.Escape(e.Message));
                    await Task.Delay(UntilRetry, clock, stopping);
                }
            }
        }
    }
}
