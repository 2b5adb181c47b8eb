using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Fails when it is not known whether a commit was kept, which makes the host stop the daemon: what was acknowledged is on the disk, and
/// only the
/// next process can tell whether the rest is.
/// </summary>
internal sealed class CommitWatch(Database database) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken) => throw await database.Broken.WaitAsync(stoppingToken);
}
