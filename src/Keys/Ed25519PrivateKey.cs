using System.Security.Cryptography;
using CertAuthority.OpenSsh;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace CertAuthority.Keys;

/// <summary>An Ed25519 key (RFC 8709). BouncyCastle signs and verifies, because .NET 10 has no Ed25519.</summary>
/// <remarks>
/// This object holds its only copy of the seed in memory that the garbage collector never moves, and <see cref="Dispose"/> wipes it. The
/// hash and scalars that BouncyCastle computes from the seed for each signature cannot be wiped from here, and neither can the temporary
/// copies that <see cref="PrivateKey"/> mentions.
/// </remarks>
internal sealed class Ed25519PrivateKey : PrivateKey
{
    private readonly Ed25519PublicKey publicKey;
    private readonly byte[] pk;
    private readonly Ed25519.PublicPoint point;
    private readonly byte[] seed = GC.AllocateUninitializedArray<byte>(Ed25519.SecretKeySize, pinned: true);
    private readonly ReaderWriterLockSlim inUse = new(); // Dispose must not wipe the seed during a signature
    private bool disposed;

    private Ed25519PrivateKey(ReadOnlySpan<byte> seed, Ed25519PublicKey? publicKey)
    {
        seed.CopyTo(this.seed);
        // Signs under the public key of the seed, whatever the file says: a signature under another public key reveals the private key.
        var own = PublicKeyOf(seed);
        pk = own.Pk.ToArray();
        point = Ed25519.ValidatePublicKeyFullExport(pk) ?? throw new CryptographicException("the seed has no public key");
        this.publicKey = publicKey ?? own;
    }

    internal override SignatureKey PublicKey => publicKey;

    /// <summary>Creates the key with the given seed.</summary>
    /// <param name="seed">The private key of RFC 8032 section 5.1.5: 32 random bytes. They are copied.</param>
    /// <exception cref="ArgumentException"><paramref name="seed"/> is not 32 bytes long.</exception>
    internal static Ed25519PrivateKey FromSeed(ReadOnlySpan<byte> seed) =>
        seed.Length == Ed25519.SecretKeySize
            ? new Ed25519PrivateKey(seed, publicKey: null)
            : throw new ArgumentException($"an ed25519 seed is {Ed25519.SecretKeySize} bytes long, not {seed.Length}", nameof(seed));

    internal static Ed25519PrivateKey New()
    {
        Span<byte> seed = stackalloc byte[Ed25519.SecretKeySize];
        RandomNumberGenerator.Fill(seed);
        var key = FromSeed(seed);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    internal static Ed25519PrivateKey Read(Ed25519PublicKey publicKey, ref WireReader reader)
    {
        Expect(reader.String("pk").SequenceEqual(publicKey.Pk));
        var seedAndPk = reader.String(Ed25519.SecretKeySize + publicKey.Pk.Length, "seed and pk");
        Expect(seedAndPk[Ed25519.SecretKeySize..].SequenceEqual(publicKey.Pk));
        return new Ed25519PrivateKey(seedAndPk[..Ed25519.SecretKeySize], publicKey);
    }

    internal override (string Algorithm, byte[] Blob) Sign(ReadOnlySpan<byte> data)
    {
        var signature = new byte[Ed25519.SignatureSize];
        inUse.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            Ed25519.Sign(seed, pk.AsSpan(), data, signature); // an array in its place would be a context
        }
        finally
        {
            inUse.ExitReadLock();
        }
        return (publicKey.Type, signature);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <see cref="Sign"/> computes R as a multiple of the base point, so this does not look for a part of small order in it. For the
    /// signatures of others, <see cref="Verify"/> does, which takes three times as long.
    /// </remarks>
    internal override bool Made(ReadOnlySpan<byte> data, string algorithm, ReadOnlySpan<byte> blob) =>
        algorithm == publicKey.Type && blob.Length == Ed25519.SignatureSize && Ed25519.Verify(blob, point, data);

    internal override void WriteFields(WireWriter file)
    {
        inUse.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            file
                .String(publicKey.Pk)                   // string   pk
                .String([.. seed, .. publicKey.Pk]);    // string   seed || pk
        }
        finally
        {
            inUse.ExitReadLock();
        }
    }

    public override void Dispose()
    {
        inUse.EnterWriteLock();
        disposed = true;
        CryptographicOperations.ZeroMemory(seed);
        inUse.ExitWriteLock();
    }

    /// <summary>
    /// Returns whether the owner of <paramref name="publicKey"/> made <paramref name="signature"/> over <paramref name="data"/>.
    /// </summary>
    /// <remarks>
    /// BouncyCastle multiplies both sides of the equation by the cofactor, so it accepts signatures that OpenSSH rejects. The two checks of
    /// points make up for that: if neither the key nor R has a part of small order, both equations hold for the same signatures.
    /// </remarks>
    /// <param name="publicKey">The key.</param>
    /// <param name="data">The signed data.</param>
    /// <param name="signature">R and S of RFC 8032 section 5.1.6: 64 bytes.</param>
    internal static bool Verify(Ed25519PublicKey publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureSize
        && Ed25519.ValidatePublicKeyFull(signature[..Ed25519.PublicKeySize])
        && Ed25519.ValidatePublicKeyFullExport(publicKey.Pk) is { } point
        && Ed25519.Verify(signature, point, data);

    private static Ed25519PublicKey PublicKeyOf(ReadOnlySpan<byte> seed)
    {
        Span<byte> pk = stackalloc byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, pk);
        return new Ed25519PublicKey(pk);
    }
}
