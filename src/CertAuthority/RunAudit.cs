using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>Tells the audit when the daemon starts, reads its configuration again, and stops. Where that fails, the log says why and the daemon goes on.</summary>
/// <param name="names">Says under which account it runs.</param>
/// <param name="self">Its uid.</param>
/// <param name="log">Where failures are logged.</param>
internal sealed class RunAudit(NameService names, uint self, ILogger log)
{
    // A disk that takes its time does not keep the daemon from stopping.
    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(5);

    // Whether the audit has the start, so that it gets the stop too.
    private bool isStarted;

    public async Task Started(Ca ca, Settings settings)
    {
        var admins = await Administrators(settings);
        isStarted = await Recorded("its start", Runs.Start(ca, admins, SettingsSummary.Write(settings)));
    }

    public async Task Reloaded(Ca ca, Settings settings)
    {
        var admins = await Administrators(settings);
        await Recorded("the reload", Runs.Reload(ca, admins, SettingsSummary.Write(settings)));
    }

    /// <param name="ca">What is worked on.</param>
    /// <param name="why">What made it stop; null for a signal.</param>
    public async Task Stopped(Ca ca, string? why)
    {
        if (isStarted)
            await Recorded("its stop", Runs.Stop(ca, why).WaitAsync(StopsWithin));
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
        return new AuditAdministrators([.. users.Order(StringComparer.Ordinal)], [.. settings.AdministratorGroups.Order(StringComparer.Ordinal)]);
    }
}
