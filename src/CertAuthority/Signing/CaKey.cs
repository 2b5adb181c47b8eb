using System.Security.Cryptography;
using CertAuthority.Metrics;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A CA key that cannot be used in its present state. The message names the file and what to do.</summary>
internal sealed class CaKeyException(string message) : Exception(message);

/// <summary>A key that signs certificates, wherever its private half is.</summary>
internal abstract class CaKey : IDisposable
{
    /// <summary>The certificates that it may sign.</summary>
    internal required CaPurpose Signs { get; init; }

    /// <summary>The public half, which hosts or clients trust.</summary>
    internal abstract SignatureKey PublicKey { get; }

    /// <summary>
    /// Signs a certificate; there is no other way to get a signature. The result is verified and parsed before it is returned.
    /// </summary>
    /// <returns>The whole certificate.</returns>
    /// <exception cref="ArgumentException">The certificate names another signature key, or is for another purpose.</exception>
    /// <exception cref="CryptographicException">The key returned something other than its signature over these bytes.</exception>
    internal byte[] Sign(ToBeSigned certificate)
    {
        if (certificate.Certificate.SignatureKey != PublicKey)
            throw new ArgumentException("the certificate names another signature key", nameof(certificate));
        if (certificate.Purpose != Signs)
            throw new ArgumentException("the key signs certificates for another purpose", nameof(certificate));
        var toBeSigned = certificate.Bytes;

        var (algorithm, blob) = SignBytes(toBeSigned);
        var signed = CertificateContent.Seal(toBeSigned, algorithm, blob);

        // A wrong signature, from a fault in memory, an agent or a token, must not be sent: it can reveal the private key.
        var readBack = Certificate.Parse(signed);
        if (!readBack.SignedBytes.Span.SequenceEqual(toBeSigned)
            || !Made(toBeSigned, readBack.SignatureAlgorithm, readBack.SignatureBlob.Span))
            throw new CryptographicException("the CA key made a signature that its public key does not verify");
        Instruments.Issued.Add((int)Signs);
        return signed;
    }

    /// <summary>Returns whether a signature that <see cref="SignBytes"/> returned is one over the bytes.</summary>
    private protected virtual bool Made(ReadOnlySpan<byte> toBeSigned, string algorithm, ReadOnlySpan<byte> blob) =>
        Signature.Verifies(PublicKey, toBeSigned, algorithm, blob);

    /// <summary>Signs bytes that <see cref="Sign"/> has checked.</summary>
    private protected abstract (string Algorithm, byte[] Blob) SignBytes(ReadOnlySpan<byte> toBeSigned);

    public abstract void Dispose();
}
