using System.Security.Cryptography;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>Verifies signatures over messages, as <c>ssh-keygen -Y sign</c> makes them.</summary>
internal static class MessageSignature
{
    /// <summary>Returns why a signature is none for a message, in words that follow "it"; null if it is one.</summary>
    /// <param name="signature">The signature, with the key that it names.</param>
    /// <param name="purpose">The namespace for which it must have been made.</param>
    /// <param name="message">The message.</param>
    internal static string? Fault(SshSignatureReader signature, string purpose, ReadOnlySpan<byte> message)
    {
        if (signature.Namespace != purpose)
            return $"was made for the namespace \"{signature.Namespace}\", not \"{purpose}\"";
        var hash = signature.HashAlgorithm == "sha256" ? SHA256.HashData(message) : SHA512.HashData(message);
        return Signature.Verifies(signature.Key, signature.SignedBytes(hash), signature.Algorithm, signature.Blob)
            ? null
            : "does not fit the document of this review and the key that it names";
    }
}
