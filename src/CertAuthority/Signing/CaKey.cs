using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A CA key that cannot be used as it is found. The message names the file and what to do.</summary>
internal sealed class CaKeyException(string message) : Exception(message);

/// <summary>A key that signs certificates, wherever its private half is.</summary>
internal abstract class CaKey : IDisposable
{
    /// <summary>What it signs.</summary>
    internal required CaPurpose Signs { get; init; }

    /// <summary>The half that is trusted.</summary>
    internal abstract SignatureKey PublicKey { get; }

    /// <summary>The only way to a signature. What comes back is verified and read before it leaves.</summary>
    /// <returns>The whole certificate.</returns>
    /// <exception cref="ArgumentException">The certificate names another signature key, or is for another purpose.</exception>
    /// <exception cref="CryptographicException">What came back from the key is not its signature over these bytes.</exception>
    internal byte[] Sign(ToBeSigned certificate)
    {
        if (certificate.Certificate.SignatureKey != PublicKey)
            throw new ArgumentException("the certificate names another signature key", nameof(certificate));
        if (certificate.Purpose != Signs)
            throw new ArgumentException("the key signs certificates for another purpose", nameof(certificate));
        var toBeSigned = certificate.Bytes;

        var (algorithm, blob) = SignBytes(toBeSigned);
        var signed = CertificateContent.Seal(toBeSigned, algorithm, blob);

        // A fault in memory, an agent or a token must not leave the house: a wrong signature can give the private key away.
        var readBack = Certificate.Parse(signed);
        if (!readBack.SignedBytes.Span.SequenceEqual(toBeSigned)
            || !Signature.Verifies(PublicKey, toBeSigned, readBack.SignatureAlgorithm, readBack.SignatureBlob.Span))
            throw new CryptographicException("the CA key made a signature that its public key does not verify");
        return signed;
    }

    /// <summary>Signs bytes that <see cref="Sign"/> has looked at.</summary>
    private protected abstract (string Algorithm, byte[] Blob) SignBytes(ReadOnlySpan<byte> toBeSigned);

    public abstract void Dispose();
}
