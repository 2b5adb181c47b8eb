namespace CertAuthority.OpenSsh;

/// <summary>
/// Checks the 32 bytes of an Ed25519 public key: −x² + y² = 1 + dx²y² (mod p = 2²⁵⁵ − 19), RFC 8032 section 5.1. Servers accept keys that
/// nobody can generate under RFC 8032, including points of small order, for which everybody can sign. Such a key would turn a certificate,
/// which is no secret, into a way in. This does not check whether an x exists for the y: nobody can sign for a key without one, and the
/// square root costs more than the signature of a certificate.
/// </summary>
internal static class Ed25519Point
{
    // The y of every point whose order divides 8, little-endian like the bytes of a key.
    private static readonly byte[][] SmallOrder =
    [
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"), // order 1
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // order 2: −1
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"), // order 4
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), // order 8: d·y⁴ + 2y² − 1 = 0
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8: its negative
    ];

    private static readonly byte[] BasePoint =
        Convert.FromHexString("5866666666666666666666666666666666666666666666666666666666666666"); // 4/5

    /// <summary>Returns what is wrong with a public key; null if a private key can exist for it.</summary>
    /// <param name="pk">The 32 bytes: y, little-endian, and the sign of x in the highest bit.</param>
    internal static string? Fault(ReadOnlySpan<byte> pk)
    {
        Span<byte> y = [.. pk];
        y[^1] &= 0x7f;
        // p is ed ff … ff 7f.
        if (y[0] >= 0xed && !y[1..^1].ContainsAnyExcept((byte)0xff) && y[^1] == 0x7f)
            return "pk is not in the one form that RFC 8032 has for its point";
        foreach (var small in SmallOrder)
            if (y.SequenceEqual(small))
                return "pk is a point of small order, for which anybody can sign";
        return y.SequenceEqual(BasePoint) ? "pk is the base point, whose private key everybody knows" : null;
    }
}
