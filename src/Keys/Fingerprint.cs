using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>The short name of a public key.</summary>
internal static class Fingerprint
{
    /// <summary>
    /// Returns <c>SHA256:</c> and the hash of the key blob in base64 without padding, as <c>ssh-keygen -l</c> and sshd's log show it.
    /// </summary>
    internal static string Compute(PublicKey key) => Compute(key.ToBlob());

    /// <summary>Returns the fingerprint of a key blob, which may be of a kind that is not known here.</summary>
    internal static string Compute(ReadOnlySpan<byte> blob) => "SHA256:" + Convert.ToBase64String(SHA256.HashData(blob)).TrimEnd('=');
}
