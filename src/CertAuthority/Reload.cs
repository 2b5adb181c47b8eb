using System.Diagnostics;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.Extensions.Hosting.Systemd;

namespace CertAuthority;

/// <summary>
/// Reloads the configuration at SIGHUP. A configuration with faults changes nothing: a daemon that administrators can reach is worth more
/// than one that has applied half of a file. The daemon's data directory and socket do not change until the next start.
/// </summary>
/// <param name="signals">The source of reload requests.</param>
/// <param name="served">Completes when the daemon serves. A reload waits for that, because systemd expects READY first.</param>
/// <param name="read">Reads the configuration.</param>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The settings to replace.</param>
/// <param name="systemd">Gets a message when a reload begins and when it is done.</param>
/// <param name="log">Gets a line about what changed, and about what could not.</param>
internal sealed class Reload(
    Signals signals, Task served, Func<Settings> read, CurrentAuthority ca, CurrentSettings settings, ISystemdNotifier systemd,
    ILogger log) : Loop
{
    /// <summary>Looks up the administrators' accounts.</summary>
    public required HostAdministrators Administrators { get; init; }

    /// <summary>The directory for hosts.</summary>
    public required Publication Publication { get; init; }

    /// <summary>Brings the database in line with the settings.</summary>
    public required Reconfiguration Reconfiguration { get; init; }

    /// <summary>Records the reload.</summary>
    public required RunAudit Audit { get; init; }

    /// <summary>Checks again who is in the groups that make users.</summary>
    public required GroupReview Groups { get; init; }

    /// <summary>Checks again who may connect to the administrators' socket; null if there is none.</summary>
    public required AdministratorAccess? Access { get; init; }

    /// <summary>Tells systemd that a reload begins now. The library has no state for it, which needs the time (sd_notify(3)).</summary>
    public static ServiceState Begins => new($"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}");

    /// <inheritdoc/>
    protected override async Task Run(CancellationToken stopping)
    {
        await served.WaitAsync(stopping);
        while (true)
        {
            await signals.HungUp(stopping);
            systemd.Notify(Begins);
            await Once();
            systemd.Notify(ServiceState.Ready);
        }
    }

    private async Task Once()
    {
        List<string> faults = [];
        Settings? changed = null;
        try
        {
            changed = read();
            faults = SettingsAgreement.OfGroups(changed, ca.Now.Database) is { } unusable ? [unusable] : [];
        }
        catch (ConfigurationException e)
        {
            faults = [.. e.Faults];
        }
        if (changed is null || faults.Count > 0)
        {
            foreach (var fault in (string[])[.. faults, "the configuration was not read again; the daemon runs on with what it had"])
                ErrorLine.Write(fault);
            return;
        }
        var before = settings.Now;
        var kept = Keep(before.Settings, changed);
        kept = kept with { PublishDirectory = await Publication.Move(changed.PublishDirectory, ca.Now) };
        settings.Replace(await Administrators.Under(kept, before.PrivilegedLogins));
        try
        {
            await Reconfiguration.Apply();
        }
        catch (Exception e) when (e is ProblemException or OutcomeUnknownException)
        {
            log.LogWarning(
                "the new configuration may not be fully in force yet for users from groups, limits and notices: {Why}", e.Message);
        }
        await Audit.Reloaded();
        Groups.Look();
        if (Access is not null)
            await Access.Look();
        log.LogInformation("the configuration was read again and is in force");
    }

    /// <summary>Returns the changed settings, but keeps those that cannot change while the daemon runs.</summary>
    private Settings Keep(Settings now, Settings changed)
    {
        Say("data_dir", now.DataDirectory, changed.DataDirectory);
        Say("socket", now.SocketPath, changed.SocketPath);
        Say("database", now.Database, changed.Database);
        Say("user_ca", now.UserCa, changed.UserCa);
        Say("host_ca", now.HostCa, changed.HostCa);
        Say("sync_ca", now.SyncCa, changed.SyncCa);
        Say("push.parallel", now.Push.Parallel, changed.Push.Parallel);
        return changed with
        {
            DataDirectory = now.DataDirectory,
            SocketPath = now.SocketPath,
            Database = now.Database,
            UserCa = now.UserCa,
            HostCa = now.HostCa,
            SyncCa = now.SyncCa,
            Push = changed.Push with { Parallel = now.Push.Parallel }
        };

        void Say<T>(string what, T stays, T wanted)
        {
            if (!EqualityComparer<T>.Default.Equals(stays, wanted))
                log.LogWarning("{What} cannot change while the daemon runs; it stays {Now} until the next start", what, stays);
        }
    }
}
