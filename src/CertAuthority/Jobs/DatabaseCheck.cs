using CertAuthority.Hosting;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Reads, once in each run, the part of the database on which no decision depends any more, and which the start therefore did not wait for.
/// A damaged page ends the daemon, as it would have prevented the start; a row that cannot be read is logged, and is in the status.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="damage">Gets the rows that cannot be read.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="log">Gets a line for each of these rows.</param>
internal sealed class DatabaseCheck(Database database, Damage damage, TimeProvider clock, ILogger log) : Loop
{
    private static readonly TimeSpan UntilRetry = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task Run(CancellationToken stopping)
    {
        await Repeat(() => Task.Run(() => database.CheckRest(stopping), stopping), stopping);
        await ReadHistory(stopping);
        await Task.Delay(Timeout.InfiniteTimeSpan, stopping);
    }

    /// <summary>Reads all of it, with pauses, because callers should have most of the processor.</summary>
    private async Task ReadHistory(CancellationToken stopping)
    {
        for (HistoryPlace? place = HistoryPlace.Start; place is { } after;)
        {
            var begun = clock.GetTimestamp();
            await Repeat(
                () =>
                {
                    (place, var damaged) = damage.FindInHistory(after);
                    foreach (var row in damaged)
                        log.LogError("{Row}; the status names it until the next start", Printable.Escape(row));
                    return Task.CompletedTask;
                }, stopping);
            await Task.Delay(3 * clock.GetElapsedTime(begun), clock, stopping);
        }
    }

    /// <summary>Repeats an action until nothing keeps the file from being read, such as a shortage of descriptors.</summary>
    private async Task Repeat(Func<Task> action, CancellationToken stopping)
    {
        while (true)
            try
            {
                await action();
                return;
            }
            catch (Exception e) when (e is IOException or ProblemException)
            {
                log.LogWarning("the database could not be checked: {Why}", Printable.Escape(e.Message));
                await Task.Delay(UntilRetry, clock, stopping);
            }
    }
}
