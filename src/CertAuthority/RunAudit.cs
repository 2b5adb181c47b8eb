using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>
/// Audits the daemon's start, reloads and stop. If an entry cannot be written, the log contains the reason and the daemon continues.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The settings to record.</param>
/// <param name="names">Finds the account under which the daemon runs.</param>
/// <param name="self">The uid of the daemon.</param>
/// <param name="loops">The loops; the record of the stop names the one that failed.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class RunAudit(
    CurrentAuthority ca, CurrentSettings settings, NameService names, uint self, IReadOnlyCollection<BackgroundService> loops, ILogger log)
    : IHostedLifecycleService
{
    // A slow disk must not keep the daemon from stopping.
    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(5);

    // Whether the audit has the start, so that it also gets the stop.
    private bool isStarted;

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Records the start.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var taken = settings.Now;
        isStarted = await Recorded(
            "its start", Runs.Start(ca.Under(taken), await Administrators(taken.Settings), SettingsSummary.Write(taken.Settings)));
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Records that the configuration was reloaded.</summary>
    public async Task Reloaded()
    {
        var taken = settings.Now;
        await Recorded(
            "the reload", Runs.Reload(ca.Under(taken), await Administrators(taken.Settings), SettingsSummary.Write(taken.Settings)));
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Records the stop, when everything else has stopped.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (isStarted)
            await Recorded("its stop", Runs.Stop(ca.Now, Loop.FaultOf(loops)?.Message).WaitAsync(StopsWithin, CancellationToken.None));
    }

    private async Task<bool> Recorded(string what, Task record)
    {
        try
        {
            await record;
            return true;
        }
        catch (Exception e) when (e is ProblemException or OutcomeUnknownException or StoreException or TimeoutException)
        {
            log.LogWarning("the audit does not have {What}: {Why}", what, Printable.Escape(e.Message));
            return false;
        }
    }

    private async Task<AuditAdministrators> Administrators(Settings settings)
    {
        var users = settings.Administrators.Users.Add("root");
        try
        {
            if (await names.AccountOf(self, Asker.Administrator) is { } account)
                users = users.Add(account);
        }
        catch (NameServiceException)
        {
            users = users.Add($"uid {self}");
        }
        return new AuditAdministrators(
            [.. users.Order(StringComparer.Ordinal)], [.. settings.Administrators.Groups.Order(StringComparer.Ordinal)]);
    }
}
