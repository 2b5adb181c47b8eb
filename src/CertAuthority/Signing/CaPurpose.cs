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

/// <summary>The names of purposes.</summary>
internal static class CaPurposes
{
    /// <summary>The name in records: <c>user</c>.</summary>
    public static string Name(this CaPurpose purpose) => purpose.ToString().ToLowerInvariant();

    /// <summary>The name of the file with the key that signs: <c>user_ca</c>.</summary>
    public static string FileName(this CaPurpose purpose) => $"{purpose.Name()}_ca";

    /// <summary>The name of the file beside it with the other trusted keys: <c>user_ca_trusted.pub</c>.</summary>
    public static string TrustedFileName(this CaPurpose purpose) => $"{purpose.FileName()}_trusted.pub";

    /// <summary>What the comment of a public key says it is: <c>user CA</c>.</summary>
    public static string Title(this CaPurpose purpose) => $"{purpose.Name()} CA";
}
