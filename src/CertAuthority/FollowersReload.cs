using CertAuthority.Configuration;
using Microsoft.Extensions.Hosting.Systemd;

namespace CertAuthority;

/// <summary>
/// Reloads the configuration of a daemon that follows, at SIGHUP: it begins again with the new one, in the same process. A configuration
/// with faults, or one with which it could not follow, changes nothing.
/// </summary>
/// <param name="signals">The source of reload requests.</param>
/// <param name="served">Completes when the daemon serves.</param>
/// <param name="read">Reads the configuration.</param>
/// <param name="obstacle">Why a daemon cannot follow with some settings; null if it can.</param>
/// <param name="begin">Begins again with the settings.</param>
/// <param name="systemd">Gets a message when a reload begins, and when it changes nothing. The new beginning says the rest.</param>
/// <param name="log">Gets a line about the new beginning.</param>
internal sealed class FollowersReload(
    Signals signals, Task served, Func<Settings> read, Func<Settings, string?> obstacle, Action<Settings> begin, ISystemdNotifier systemd,
    ILogger log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await served.WaitAsync(stoppingToken);
        while (true)
        {
            await signals.HungUp(stoppingToken);
            systemd.Notify(Reload.Begins);
            if (Changed() is { } settings)
            {
                log.LogInformation("the configuration was read again; this daemon begins again with it");
                begin(settings);
                return;
            }
            systemd.Notify(ServiceState.Ready);
        }
    }

    private Settings? Changed()
    {
        try
        {
            var settings = read();
            if (obstacle(settings) is not { } why)
                return settings;
            ErrorLine.Write(why);
        }
        catch (ConfigurationException e)
        {
            foreach (var fault in e.Faults)
                ErrorLine.Write(fault);
        }
        ErrorLine.Write("the configuration was not read again; the daemon runs on with what it had");
        return null;
    }
}
