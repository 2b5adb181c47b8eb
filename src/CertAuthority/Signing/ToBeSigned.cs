using System.Security.Cryptography;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using Validity = CertAuthority.OpenSsh.Validity;

namespace CertAuthority.Signing;

/// <summary>
/// A certificate that is about to be signed. It can be created only from a grant of the policy, so nothing else can ever be signed.
/// </summary>
internal sealed class ToBeSigned
{
    private ToBeSigned(CaPurpose purpose, CertificateContent certificate) =>
        (Purpose, Certificate, Bytes) = (purpose, certificate, Linted(certificate));

    /// <summary>The purpose of the key that may sign it.</summary>
    internal CaPurpose Purpose { get; }

    /// <summary>The content of the certificate.</summary>
    internal CertificateContent Certificate { get; }

    /// <summary>The bytes that the CA signs; they are recorded before that.</summary>
    internal byte[] Bytes { get; }

    /// <summary>The SHA-256 of the bytes, in hex: it ties the audit to what was signed.</summary>
    internal string Digest => Convert.ToHexStringLower(SHA256.HashData(Bytes));

    /// <summary>Creates a user certificate from a grant, and checks its bytes.</summary>
    /// <param name="grant">What the issuance policy decided.</param>
    /// <param name="serial">A serial that was never used before.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The key to certify.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may contain: a bug in this program.</exception>
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

    /// <summary>Creates a host certificate from a grant, and checks its bytes.</summary>
    /// <param name="grant">What the policy for hosts decided.</param>
    /// <param name="serial">A serial that was never used before.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The host's key.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may contain: a bug in this program.</exception>
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
    /// Creates a certificate with which the daemon writes to hosts, or passes jump hosts on the way. It permits sftp or forwarding, and
    /// nothing else, even if a host's own settings do not limit it.
    /// </summary>
    /// <param name="grant">What the policy for writing to hosts decided.</param>
    /// <param name="serial">A serial that was never used before.</param>
    /// <param name="nonce">32 random bytes.</param>
    /// <param name="key">The key to certify.</param>
    /// <param name="caKey">The public half of the CA key that will sign.</param>
    /// <exception cref="ArgumentException">The policy granted something that no certificate may contain: a bug in this program.</exception>
    internal static ToBeSigned From(SyncGrant grant, ulong serial, byte[] nonce, PublicKey key, SignatureKey caKey)
    {
        var certificate = new UserCertificate
        {
            Nonce = nonce,
            Key = key,
            Serial = serial,
            KeyId = Names.DaemonsLogin,
            Principals = [grant.Principal],
            Validity = Seconds(grant.Validity),
            CriticalOptions = new Dictionary<string, string> { ["force-command"] = "internal-sftp" },
            Extensions = grant.Forwards ? UserExtensions.PermitPortForwarding : UserExtensions.None,
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
