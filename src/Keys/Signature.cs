using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>Verifies signatures of every kind that a CA makes.</summary>
internal static class Signature
{
    /// <summary>What a key signs to show that it can. It is neither a certificate nor anything else that a server accepts.</summary>
    internal static readonly byte[] Probe = [.. "does this private key sign for its public key?"u8];

    /// <summary>Returns whether the owner of <paramref name="key"/> signed <paramref name="data"/>.</summary>
    /// <param name="key">The public key.</param>
    /// <param name="data">The signed data.</param>
    /// <param name="algorithm">The algorithm that the signer names.</param>
    /// <param name="blob">The signature as that algorithm defines it, or any other bytes.</param>
    internal static bool Verifies(SignatureKey key, ReadOnlySpan<byte> data, string algorithm, ReadOnlySpan<byte> blob)
    {
        if (!key.SignatureAlgorithms.Contains(algorithm))
            return false;
        try
        {
            return key switch
            {
                Ed25519PublicKey ed25519 => Ed25519PrivateKey.Verify(ed25519, data, blob),
                EcdsaPublicKey ecdsa => EcdsaPrivateKey.Verify(ecdsa, data, blob),
                RsaPublicKey rsa => RsaPrivateKey.Verify(rsa, algorithm, data, blob),
                _ => throw new NotSupportedException($"signatures of {key.Type} keys are not verified here"),
            };
        }
        catch (SshFormatException)
        {
            return false;
        }
    }
}
