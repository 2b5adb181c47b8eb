namespace CertAuthority.Configuration;

/// <summary>How the daemon writes to hosts.</summary>
/// <param name="Parallel">How many hosts it writes to at once; hosts that are slow to answer do not count.</param>
/// <param name="Timeout">How long writing to one host may take.</param>
/// <param name="StaleAfter">How old the last successful write may be before a notice is sent.</param>
/// <param name="SshConfig">A file with settings of ssh, for jump hosts; null for none.</param>
internal sealed record PushSettings(int Parallel, TimeSpan Timeout, TimeSpan StaleAfter, string? SshConfig)
{
    /// <summary>The settings that apply if the configuration contains none.</summary>
    public static readonly PushSettings Default = new(32, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(30), null);
}
