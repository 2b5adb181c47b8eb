namespace CertAuthority.Signing;

/// <summary>
/// What a CA key signs, and nothing else: whoever trusts it for the one must not be opened by what was signed for another.
/// </summary>
internal enum CaPurpose
{
    /// <summary>Certificates of users.</summary>
    User,

    /// <summary>Certificates of hosts.</summary>
    Host,

    /// <summary>The daemon's own certificates, by which it writes to hosts.</summary>
    Sync,
}
