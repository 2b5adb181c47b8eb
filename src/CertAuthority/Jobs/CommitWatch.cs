using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Fails if it is unknown whether a commit was kept, so that the host stops the daemon: everything that was acknowledged is on the disk,
/// and only the next process can tell whether the rest is too. Where another daemon takes over from one that is silent, it also commits
/// from time to time, so that this one finds out soon.
/// </summary>
internal sealed class CommitWatch(Database database) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var broken = database.Broken.WaitAsync(stoppingToken);
        if (database.Heartbeat is { } pause)
            while (await Task.WhenAny(broken, Task.Delay(pause, stoppingToken)) != broken)
                await Task.WhenAny(broken, Task.Run(Commit, stoppingToken));
        throw await broken;
    }

    private async Task Commit()
    {
        try
        {
            await database.Commit(_ => true, takesAway: true);
        }
        catch (Exception e) when (e is ProblemException or OutcomeUnknownException)
        {
            // The next attempt comes in a moment. If this daemon must stop, Broken says so.
        }
    }
}
