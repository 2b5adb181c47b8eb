using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Waits until the daemon that leads has ended. Then this one leads, unless it must not.</summary>
/// <param name="engine">The database. It has the turn when the wait is over.</param>
/// <param name="obstacle">Why this daemon must not lead now; null if it may.</param>
/// <param name="turned">Called at the end of the wait.</param>
/// <param name="log">Gets a line about the daemon that leads, and about each obstacle.</param>
internal sealed class TurnWatch(Engine engine, Func<string?> obstacle, Action turned, ILogger log) : BackgroundService
{
    private string? told;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await engine.TakeTurn(Obstacle, what => log.LogInformation("{What}", Printable.Escape(what)), stoppingToken);
        turned();
    }

    private string? Obstacle()
    {
        var why = obstacle();
        if (why is not null && why != told)
            log.LogWarning("{Why}; this daemon does not lead meanwhile", Printable.Escape(why));
        return told = why;
    }
}
