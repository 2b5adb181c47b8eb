using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>
/// Records in the audit when the daemon starts, reads its configuration again, and stops. Where that fails, the log says why and the daemon
/// goes on.
/// </summary>
/// <param name="ca">What operations work on.</param>
/// <param name="settings">The settings to record.</param>
/// <param name="names">Says under which account the daemon runs.</param>
/// <param name="self">The uid of the daemon.</param>
/// <param name="loops">The record of the stop says which of them failed.</param>
/// <param name="log">Where failures are logged.</param>
internal sealed class RunAudit(
    CurrentAuthority ca, CurrentSettings settings, NameService names, uint self, IReadOnlyCollection<BackgroundService> loops, ILogger log)
    : IHostedLifecycleService
{
    // A disk that takes its time does not keep the daemon from stopping.
    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(5);

    // Whether the audit has the start, so that it gets the stop too.
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

    /// <summary>Records that the configuration was read again.</summary>
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
        var users = settings.Administrators.Add("root");
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
            [.. users.Order(StringComparer.Ordinal)], [.. settings.AdministratorGroups.Order(StringComparer.Ordinal)]);
    }
}
