using CertAuthority.Configuration;

namespace CertAuthority.Operations;

/// <summary>Gives each operation what it works on, under the settings in force when the operation begins.</summary>
/// <param name="parts">What stays the same while the daemon runs.</param>
/// <param name="settings">What a reload changes.</param>
internal sealed class CurrentAuthority(Authority parts, CurrentSettings settings)
{
    /// <summary>The clock, which no reload changes.</summary>
    public SteadyClock Clock => parts.Clock;

    /// <summary>What to work on now. Take it once for each piece of work.</summary>
    public Authority Now => Under(settings.Now);

    /// <summary>What to work on under settings that were taken before.</summary>
    public Authority Under(SettingsInForce taken) =>
        parts with
        {
            Limits = taken.Settings.Limits,
            PrivilegedLogins = taken.PrivilegedLogins,
            UsersFromGroups = taken.Settings.UsersFromGroups
        };
}
