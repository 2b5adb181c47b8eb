using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>An ECDSA key (RFC 5656).</summary>
internal sealed class EcdsaPrivateKey : PrivateKey
{
    private readonly EcdsaPublicKey publicKey;
    private readonly ECDsa key;
    private readonly Lock signing = new(); // .NET does not guarantee thread safety

    private EcdsaPrivateKey(EcdsaPublicKey publicKey, ECDsa key) => (this.publicKey, this.key) = (publicKey, key);

    internal override SignatureKey PublicKey => publicKey;

    /// <summary>Creates a key on nistp256, which every server knows.</summary>
    internal static EcdsaPrivateKey New()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var blob = new WireWriter().String("ecdsa-sha2-nistp256").String("nistp256").String([0x04, .. point.X!, .. point.Y!]).ToArray();
        return new EcdsaPrivateKey((EcdsaPublicKey)SignatureKey.Parse(blob), key);
    }

    internal static EcdsaPrivateKey Read(EcdsaPublicKey publicKey, ref WireReader reader)
    {
        Expect(reader.Name("curve") == publicKey.Curve.Name);
        Expect(reader.String("Q").SequenceEqual(publicKey.Q));
        var d = reader.MpInt("d");
        Expect(d.Length <= publicKey.Curve.FieldLength);
        try
        {
            return new EcdsaPrivateKey(publicKey, ECDsa.Create(Parameters(publicKey) with { D = Padded(d, publicKey.Curve) }));
        }
        catch (CryptographicException)
        {
            throw Mismatch();
        }
    }

    internal override (string Algorithm, byte[] Blob) Sign(ReadOnlySpan<byte> data)
    {
        Span<byte> rs = stackalloc byte[2 * publicKey.Curve.FieldLength];
        lock (signing)
            key.SignData(data, rs, HashOf(publicKey.Curve), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return (publicKey.Type,
            new WireWriter().MpInt(rs[..publicKey.Curve.FieldLength]).MpInt(rs[publicKey.Curve.FieldLength..]).ToArray());
    }

    /// <inheritdoc/>
    internal override bool Made(ReadOnlySpan<byte> data, string algorithm, ReadOnlySpan<byte> blob)
    {
        try
        {
            return algorithm == publicKey.Type && Verify(publicKey, data, blob);
        }
        catch (SshFormatException)
        {
            return false;
        }
    }

    internal override void WriteFields(WireWriter file) => file
        .String(publicKey.Curve.Name)                                          // string   curve
        .String(publicKey.Q)                                                   // string   Q
        .MpInt(key.ExportParameters(includePrivateParameters: true).D);        // mpint    d

    public override void Dispose() => key.Dispose();

    /// <summary>
    /// Returns whether the owner of <paramref name="publicKey"/> made <paramref name="signature"/> over <paramref name="data"/>.
    /// </summary>
    /// <param name="publicKey">The key.</param>
    /// <param name="data">The signed data.</param>
    /// <param name="signature">mpint r, mpint s: RFC 5656 section 3.1.2.</param>
    internal static bool Verify(EcdsaPublicKey publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var reader = new WireReader(signature);
        var r = reader.MpInt("r");
        var s = reader.MpInt("s");
        reader.ExpectEnd("ecdsa signature");
        if (r.Length > publicKey.Curve.FieldLength || s.Length > publicKey.Curve.FieldLength)
            return false;
        using var key = ECDsa.Create(Parameters(publicKey));
        return key.VerifyData(
            data, [.. Padded(r, publicKey.Curve), .. Padded(s, publicKey.Curve)], HashOf(publicKey.Curve),
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static ECParameters Parameters(EcdsaPublicKey publicKey) => new()
    {
        Curve = publicKey.Curve.Name switch
        {
            "nistp256" => ECCurve.NamedCurves.nistP256,
            "nistp384" => ECCurve.NamedCurves.nistP384,
            _ => ECCurve.NamedCurves.nistP521,
        },
        Q = new ECPoint
        {
            X = publicKey.Q.Slice(1, publicKey.Curve.FieldLength).ToArray(),
            Y = publicKey.Q[(1 + publicKey.Curve.FieldLength)..].ToArray(),
        },
    };

    // RFC 5656 section 6.2.1.
    private static HashAlgorithmName HashOf(EcdsaCurve curve) => curve.Name switch
    {
        "nistp256" => HashAlgorithmName.SHA256,
        "nistp384" => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    private static byte[] Padded(ReadOnlySpan<byte> number, EcdsaCurve curve) =>
        [.. new byte[curve.FieldLength - number.Length], .. number];
}
