namespace CertAuthority.Store;

/// <summary>The settings with which the daemon that led last brought the database in line.</summary>
/// <param name="Settings">The settings, as JSON.</param>
/// <param name="Machine">The ID of its machine.</param>
/// <param name="Host">The name of its machine.</param>
internal sealed record RecordedSettings(string Settings, string Machine, string Host);

/// <summary>The table of the settings that all daemons of one database share.</summary>
internal static class SharedSettingsTable
{
    /// <summary>Returns them; null if no daemon has recorded any.</summary>
    public static RecordedSettings? SharedSettings(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT settings, machine, host FROM shared_settings",
        row => new RecordedSettings(row.String("settings"), row.String("machine"), row.String("host")));

    public static void RecordSharedSettings(this Transaction transaction, RecordedSettings settings) => transaction.Execute(
        """
        INSERT INTO shared_settings (one, settings, machine, host) VALUES (1, $1, $2, $3)
        ON CONFLICT (one) DO UPDATE SET settings = excluded.settings, machine = excluded.machine, host = excluded.host
        """, settings.Settings, settings.Machine, settings.Host);
}
