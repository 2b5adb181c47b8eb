namespace CertAuthority.Keys;

/// <summary>The type of key that a new CA gets.</summary>
internal enum CaKeyType
{
    Ed25519,
    Ecdsa,
    Rsa,
}
