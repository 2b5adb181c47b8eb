using CertAuthority.Access.Issuance;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using Validity = CertAuthority.OpenSsh.Validity;

namespace CertAuthority.Signing;

/// <summary>
/// A certificate on its way to the signature. It can be made from a grant of the policy only, so nothing else can ever be signed.
/// </summary>
internal sealed class ToBeSigned
{
    private ToBeSigned(CaPurpose purpose, CertificateContent certificate) =>
        (Purpose, Certificate, Bytes) = (purpose, certificate, Linted(certificate));

    /// <summary>Which key may sign it.</summary>
    internal CaPurpose Purpose { get; }

    /// <summary>What it says.</summary>
    internal CertificateContent Certificate { get; }

    /// <summary>What the CA signs, and what is recorded before it does.</summary>
    internal byte[] Bytes { get; }

    /// <summary>Writes what was granted, and looks at the bytes once more.</summary>
    /// <param name="grant">What the issuance policy decided.</param>
    /// <param name="serial">A serial that was never used.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The key to certify.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may say: a fault of this program.</exception>
    internal static ToBeSigned From(IssuanceGrant grant, ulong serial, byte[] nonce, PublicKey key, SignatureKey caKey)
    {
        var certificate = new UserCertificate
        {
            Nonce = nonce,
            Key = key,
            Serial = serial,
            KeyId = grant.KeyId,
            Principals = [.. grant.Principals.Select(principal => principal.ToString())],
            Validity = Seconds(grant.Validity),
            CriticalOptions = grant.Permissions.Conditions,
            Extensions = Extensions(grant.Permissions),
            OtherExtensions = grant.Permissions.Extensions,
            SignatureKey = caKey,
        };
        return new ToBeSigned(CaPurpose.User, certificate);
    }

    /// <summary>The same for a host.</summary>
    /// <param name="grant">What the policy of hosts decided.</param>
    /// <param name="serial">A serial that was never used.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The host's key.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may say: a fault of this program.</exception>
    internal static ToBeSigned From(HostGrant grant, ulong serial, byte[] nonce, PublicKey key, SignatureKey caKey)
    {
        var certificate = new HostCertificate
        {
            Nonce = nonce,
            Key = key,
            Serial = serial,
            KeyId = grant.Node.Name,
            Principals = grant.Principals,
            Validity = Seconds(grant.Validity),
            SignatureKey = caKey,
        };
        return new ToBeSigned(CaPurpose.Host, certificate);
    }

    /// <summary>
    /// The same for the daemon itself, as it writes to hosts. It opens sftp and nothing else, also where a host's own settings do not say
    /// so.
    /// </summary>
    /// <param name="grant">What the policy of writing to hosts decided.</param>
    /// <param name="serial">A serial that was never used.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The key to certify.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may say: a fault of this program.</exception>
    internal static ToBeSigned From(SyncGrant grant, ulong serial, byte[] nonce, PublicKey key, SignatureKey caKey)
    {
        var certificate = new UserCertificate
        {
            Nonce = nonce,
            Key = key,
            Serial = serial,
            KeyId = Names.DaemonsLogin,
            Principals = [Names.DaemonsLogin],
            Validity = Seconds(grant.Validity),
            CriticalOptions = new Dictionary<string, string> { ["force-command"] = "internal-sftp" },
            Extensions = UserExtensions.None,
            SignatureKey = caKey,
        };
        return new ToBeSigned(CaPurpose.Sync, certificate);
    }

    private static byte[] Linted(CertificateContent certificate)
    {
        var bytes = certificate.ToBeSigned();
        return CertificateLint.Faults(bytes, certificate.Type) is { Count: > 0 } faults
            ? throw new ArgumentException($"the lint refuses the certificate: {string.Join("; ", faults)}", nameof(certificate))
            : bytes;
    }

    private static Validity Seconds(Access.Values.Validity validity) =>
        new((ulong)validity.After.ToUnixTimeSeconds(), (ulong)validity.Before.ToUnixTimeSeconds());

    private static UserExtensions Extensions(SessionPermissions permissions) =>
        UserExtensions.PermitPty
        | (permissions.AgentForwarding ? UserExtensions.PermitAgentForwarding : UserExtensions.None)
        | (permissions.PortForwarding ? UserExtensions.PermitPortForwarding : UserExtensions.None)
        | (permissions.X11Forwarding ? UserExtensions.PermitX11Forwarding : UserExtensions.None);
}
