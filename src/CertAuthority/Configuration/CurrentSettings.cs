using System.Collections.Immutable;

namespace CertAuthority.Configuration;

/// <summary>Everything that a reload can change, as one value.</summary>
/// <param name="Settings">The settings of the configuration, except for those that cannot change while the daemon runs.</param>
/// <param name="PrivilegedLogins">
/// The accounts that administer this host under these settings: anyone who can log in as one of them can change every role.
/// </param>
internal sealed record SettingsInForce(Settings Settings, ImmutableHashSet<string> PrivilegedLogins);

/// <summary>
/// The settings that are in force now. A reload replaces all of them in one step, so a reader that takes <see cref="Now"/> once never sees
/// half of a reload.
/// </summary>
internal sealed class CurrentSettings(SettingsInForce atStart)
{
    private volatile SettingsInForce now = atStart;

    /// <summary>The settings in force. Take them once for each operation.</summary>
    public SettingsInForce Now => now;

    /// <summary>Replaces the settings in force.</summary>
    public void Replace(SettingsInForce settings) => now = settings;
}
