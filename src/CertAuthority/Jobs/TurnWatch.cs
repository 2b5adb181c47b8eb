using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Waits until the daemon that leads has ended. Then this one leads.</summary>
/// <param name="engine">The database. It has the turn when the wait is over.</param>
/// <param name="turned">Called at the end of the wait.</param>
/// <param name="log">Gets a line about the daemon that leads.</param>
internal sealed class TurnWatch(Engine engine, Action turned, ILogger log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await engine.TakeTurn(what => log.LogInformation("{What}", Printable.Escape(what)), stoppingToken);
        turned();
    }
}
