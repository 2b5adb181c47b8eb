namespace CertAuthority.Configuration;

/// <summary>How hosts are written to.</summary>
/// <param name="Parallel">How many at once; those that are slow to answer do not count.</param>
/// <param name="Timeout">How long one may take.</param>
/// <param name="StaleAfter">How old what was written last may be before others are told.</param>
/// <param name="SshConfig">A file of ssh's settings, for jump hosts; null for none.</param>
internal sealed record PushSettings(int Parallel, TimeSpan Timeout, TimeSpan StaleAfter, string? SshConfig)
{
    /// <summary>What holds where the configuration says nothing.</summary>
    public static readonly PushSettings Default = new(32, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(30), null);
}
