using CertAuthority.Configuration;

namespace CertAuthority.Operations;

/// <summary>Gives each operation the authority under the settings in force when the operation begins.</summary>
/// <param name="parts">The parts that stay the same while the daemon runs.</param>
/// <param name="settings">The settings, which a reload changes.</param>
internal sealed class CurrentAuthority(Authority parts, CurrentSettings settings)
{
    /// <summary>The clock, which no reload changes.</summary>
    public SteadyClock Clock => parts.Clock;

    /// <summary>The authority under the current settings. Take it once for each operation.</summary>
    public Authority Now => Under(settings.Now);

    /// <summary>Returns the authority under settings that were taken before.</summary>
    public Authority Under(SettingsInForce taken) =>
        parts with
        {
            Limits = taken.Settings.Limits,
            PrivilegedLogins = taken.PrivilegedLogins,
            UsersFromGroups = taken.Settings.UsersFromGroups,
            AuditKeep = taken.Settings.Audit.Keep,
            ForgetNodesAfter = taken.Settings.ForgetNodesAfter,
            ReportsDirectory = taken.Settings.ReportsDirectory,
        };
}
