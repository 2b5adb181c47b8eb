using System.Globalization;
using System.Numerics;

namespace CertAuthority.OpenSsh;

/// <summary>A prime curve y² = x³ − 3x + b (mod p) of NIST SP 800-186 that RFC 5656 names for SSH.</summary>
public sealed class EcdsaCurve
{
    /// <summary>P-256.</summary>
    public static readonly EcdsaCurve NistP256 = new(
        "nistp256",
        BigInteger.Pow(2, 256) - BigInteger.Pow(2, 224) + BigInteger.Pow(2, 192) + BigInteger.Pow(2, 96) - 1,
        "05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
        "06b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");

    /// <summary>P-384.</summary>
    public static readonly EcdsaCurve NistP384 = new(
        "nistp384",
        BigInteger.Pow(2, 384) - BigInteger.Pow(2, 128) - BigInteger.Pow(2, 96) + BigInteger.Pow(2, 32) - 1,
        "0b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
        "0aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7");

    /// <summary>P-521.</summary>
    public static readonly EcdsaCurve NistP521 = new(
        "nistp521",
        BigInteger.Pow(2, 521) - 1,
        "051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109"
        + "e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
        "0c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d"
        + "baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66");

    private readonly BigInteger p;
    private readonly BigInteger b;
    private readonly BigInteger baseX;

    // The numbers begin with a zero digit: a hexadecimal number that begins with 8 or more is read as negative.
    private EcdsaCurve(string name, BigInteger p, string b, string baseX)
    {
        Name = name;
        this.p = p;
        this.b = BigInteger.Parse(b, NumberStyles.AllowHexSpecifier);
        this.baseX = BigInteger.Parse(baseX, NumberStyles.AllowHexSpecifier);
        FieldLength = p.GetByteCount(isUnsigned: true);
    }

    /// <summary>The curve identifier of RFC 5656 section 10.1, such as <c>nistp256</c>.</summary>
    public string Name { get; }

    /// <summary>The length of one coordinate in bytes: 32, 48 or 66.</summary>
    public int FieldLength { get; }

    /// <summary>
    /// Whether <paramref name="q"/> is an uncompressed point (0x04, X, Y) of this curve. The point at infinity does not have this form.
    /// </summary>
    public bool Contains(ReadOnlySpan<byte> q)
    {
        if (q.Length != 1 + (2 * FieldLength) || q[0] != 0x04)
            return false;
        var x = new BigInteger(q.Slice(1, FieldLength), isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(q[(1 + FieldLength)..], isUnsigned: true, isBigEndian: true);
        return x < p && y < p && ((y * y) - ((((x * x) - 3) * x) + b)) % p == 0;
    }

    /// <summary>
    /// Whether a point of this curve is its base point or the negative of it: the public keys of the private keys 1 and −1.
    /// </summary>
    public bool IsBasePoint(ReadOnlySpan<byte> q) => new BigInteger(q.Slice(1, FieldLength), isUnsigned: true, isBigEndian: true) == baseX;
}
