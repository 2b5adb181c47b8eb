namespace CertAuthority.OpenSsh;

/// <summary>The key types, by the names of their formats.</summary>
internal static class KeyTypes
{
    private const string Vendor = "@openssh.com";
    private const string CertificateSuffix = "-cert-v01" + Vendor;

    internal static readonly string[] All =
    [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ];

    // The vendor stays last: sk-ssh-ed25519@openssh.com is certified as sk-ssh-ed25519-cert-v01@openssh.com.
    internal static string CertificateFormatOf(string type) =>
        (type.EndsWith(Vendor, StringComparison.Ordinal) ? type[..^Vendor.Length] : type) + CertificateSuffix;

    internal static bool IsCertificate(string type) => type.EndsWith(CertificateSuffix, StringComparison.Ordinal);
}
