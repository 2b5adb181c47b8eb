using System.Numerics;
using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>An RSA key that signs according to RFC 8332, never with SHA-1.</summary>
internal sealed class RsaPrivateKey : PrivateKey
{
    // As strong as Ed25519 and nistp256; a longer key makes each signature slower and every certificate longer.
    private const int NewKeyBits = 3072;

    // Each certificate contains the key and a signature, and must stay below 8 KB with the longest key and the most principals.
    private const int MaxBytes = 4096 / 8;

    private readonly RsaPublicKey publicKey;
    private readonly RSA key;
    private readonly Lock signing = new(); // .NET does not guarantee thread safety

    private RsaPrivateKey(RsaPublicKey publicKey, RSA key) => (this.publicKey, this.key) = (publicKey, key);

    internal override SignatureKey PublicKey => publicKey;

    internal static RsaPrivateKey New()
    {
        var key = RSA.Create(NewKeyBits);
        var numbers = key.ExportParameters(includePrivateParameters: true);
        var blob = new WireWriter().String("ssh-rsa").MpInt(numbers.Exponent).MpInt(numbers.Modulus).ToArray();
        return new RsaPrivateKey((RsaPublicKey)SignatureKey.Parse(blob), key);
    }

    internal static RsaPrivateKey Read(RsaPublicKey publicKey, ref WireReader reader)
    {
        ExpectFits(publicKey);
        Expect(reader.MpInt("n").SequenceEqual(publicKey.N));
        Expect(reader.MpInt("e").SequenceEqual(publicKey.E));
        var (d, inverseQ) = (Number(reader.MpInt("d")), Number(reader.MpInt("iqmp")));
        var (p, q) = (Number(reader.MpInt("p")), Number(reader.MpInt("q")));
        Expect(p * q == Number(publicKey.N) && !p.IsOne && !q.IsOne);
        try
        {
            var half = (publicKey.N.Length + 1) / 2;
            return new RsaPrivateKey(publicKey, RSA.Create(Parameters(publicKey) with
            {
                D = Padded(d, publicKey.N.Length),
                P = Padded(p, half),
                Q = Padded(q, half),
                DP = Padded(d % (p - 1), half),
                DQ = Padded(d % (q - 1), half),
                InverseQ = Padded(inverseQ, half),
            }));
        }
        catch (CryptographicException)
        {
            throw Mismatch();
        }
    }

    internal override (string Algorithm, byte[] Blob) Sign(ReadOnlySpan<byte> data)
    {
        lock (signing)
            return ("rsa-sha2-512", key.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
    }

    /// <inheritdoc/>
    internal override bool Made(ReadOnlySpan<byte> data, string algorithm, ReadOnlySpan<byte> blob) =>
        publicKey.SignatureAlgorithms.Contains(algorithm) && Verify(publicKey, algorithm, data, blob);

    internal override void WriteFields(WireWriter file)
    {
        var numbers = key.ExportParameters(includePrivateParameters: true);
        file
            .MpInt(numbers.Modulus)     // mpint    n
            .MpInt(numbers.Exponent)    // mpint    e
            .MpInt(numbers.D)           // mpint    d
            .MpInt(numbers.InverseQ)    // mpint    iqmp
            .MpInt(numbers.P)           // mpint    p
            .MpInt(numbers.Q);          // mpint    q
    }

    public override void Dispose() => key.Dispose();

    /// <summary>
    /// Returns whether the owner of <paramref name="publicKey"/> made <paramref name="signature"/> over <paramref name="data"/>.
    /// </summary>
    /// <param name="publicKey">The key.</param>
    /// <param name="algorithm">One of the key's <see cref="SignatureKey.SignatureAlgorithms"/>.</param>
    /// <param name="data">The signed data.</param>
    /// <param name="signature">PKCS#1 v1.5, as long as the modulus.</param>
    internal static bool Verify(RsaPublicKey publicKey, string algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        using var key = RSA.Create(Parameters(publicKey));
        return key.VerifyData(
            data, signature, algorithm == "rsa-sha2-512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <summary>Returns the key of a CA, if certificates have room for its signatures.</summary>
    /// <exception cref="SshFormatException">It is an RSA key that is too long.</exception>
    internal static SignatureKey ExpectFits(SignatureKey key) => key is RsaPublicKey { N.Length: > MaxBytes }
        ? throw new SshFormatException($"the rsa key has more than {8 * MaxBytes} bits, which makes certificates too long")
        : key;

    private static RSAParameters Parameters(RsaPublicKey publicKey) =>
        new() { Modulus = publicKey.N.ToArray(), Exponent = publicKey.E.ToArray() };

    private static BigInteger Number(ReadOnlySpan<byte> magnitude) => new(magnitude, isUnsigned: true, isBigEndian: true);

    // In the lengths that .NET requires.
    private static byte[] Padded(BigInteger number, int length)
    {
        var magnitude = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        Expect(magnitude.Length <= length);
        return [.. new byte[length - magnitude.Length], .. magnitude];
    }
}
