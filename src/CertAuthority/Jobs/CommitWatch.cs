using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Fails if it is unknown whether a commit was kept, so that the host stops the daemon: everything that was acknowledged is on the disk,
/// and only the next process can tell whether the rest is too.
/// </summary>
internal sealed class CommitWatch(Database database) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken) => throw await database.Broken.WaitAsync(stoppingToken);
}
