using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>An Ed25519 key (RFC 8709).</summary>
sealed class Ed25519PrivateKey : PrivateKey
{
    readonly Ed25519PublicKey publicKey;
    readonly byte[] seed;
    readonly Libcrypto.PrivateKey key;

    Ed25519PrivateKey(Ed25519PublicKey publicKey, byte[] seed, Libcrypto.PrivateKey key) => (this.publicKey, this.seed, this.key) = (publicKey, seed, key);

    internal override SignatureKey PublicKey => publicKey;

    /// <param name="seed">The private key of RFC 8032 section 5.1.5: 32 random bytes.</param>
    internal static Ed25519PrivateKey FromSeed(byte[] seed)
    {
        var key = Libcrypto.PrivateKey.FromSeed(seed);
        return new Ed25519PrivateKey(key.PublicKey(), seed, key);
    }

    internal static Ed25519PrivateKey New() => FromSeed(RandomNumberGenerator.GetBytes(Libcrypto.PrivateKey.SeedLength));

    internal static Ed25519PrivateKey Read(Ed25519PublicKey publicKey, ref WireReader reader)
    {
        Expect(reader.String("pk").SequenceEqual(publicKey.Pk));
        var seedAndPk = reader.String(Libcrypto.PrivateKey.SeedLength + publicKey.Pk.Length, "seed and pk");
        var seed = seedAndPk[..Libcrypto.PrivateKey.SeedLength].ToArray();
        Expect(seedAndPk[seed.Length..].SequenceEqual(publicKey.Pk));
        return new Ed25519PrivateKey(publicKey, seed, Libcrypto.PrivateKey.FromSeed(seed));
    }

    internal override (string Algorithm, byte[] Blob) Sign(ReadOnlySpan<byte> data) => (publicKey.Type, key.Sign(data));

    internal override void WriteFields(WireWriter file) => file
        .String(publicKey.Pk)                   // string   pk
        .String([.. seed, .. publicKey.Pk]);    // string   seed || pk

    public override void Dispose() => key.Dispose();
}
