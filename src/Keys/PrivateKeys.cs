using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>
/// Creates and reads private keys of every kind that a CA can have. The kinds do not know each other; only this class lists them.
/// </summary>
internal static class PrivateKeys
{
    /// <summary>Creates a new random key.</summary>
    internal static PrivateKey New(CaKeyType type) => type switch
    {
        CaKeyType.Ed25519 => Ed25519PrivateKey.New(),
        CaKeyType.Ecdsa => EcdsaPrivateKey.New(),
        CaKeyType.Rsa => RsaPrivateKey.New(),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>
    /// Reads the fields after the type in an <c>openssh-key-v1</c> file. It does not check whether the private half belongs to the public
    /// one.
    /// </summary>
    /// <exception cref="SshFormatException">The fields are malformed, or contain another public key.</exception>
    internal static PrivateKey Read(SignatureKey publicKey, ref WireReader reader) => publicKey switch
    {
        Ed25519PublicKey ed25519 => Ed25519PrivateKey.Read(ed25519, ref reader),
        EcdsaPublicKey ecdsa => EcdsaPrivateKey.Read(ecdsa, ref reader),
        RsaPublicKey rsa => RsaPrivateKey.Read(rsa, ref reader),
        _ => throw new SshFormatException($"private keys of type {publicKey.Type} are not read"),
    };
}
