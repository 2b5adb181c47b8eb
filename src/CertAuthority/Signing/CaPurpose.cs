namespace CertAuthority.Signing;

/// <summary>
/// The only kind of certificate that a CA key signs. A host that trusts a key for one purpose must not be opened by a certificate for
/// another.
/// </summary>
internal enum CaPurpose
{
    /// <summary>User certificates.</summary>
    User,

    /// <summary>Host certificates.</summary>
    Host,

    /// <summary>The daemon's own certificates, with which it writes to hosts.</summary>
    Sync,
}
