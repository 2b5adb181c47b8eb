using System.Numerics;

namespace CertAuthority.OpenSsh;

/// <summary>
/// Checks the 32 bytes of an Ed25519 public key: −x² + y² = 1 + dx²y² (mod p), RFC 8032 section 5.1. Servers accept keys that nobody can
/// generate under RFC 8032, including points of small order, for which everybody can sign. Such a key would turn a certificate, which is no
/// secret, into a way in. This does not check whether an x exists for the y: nobody can sign for a key without one, and the square root
/// costs more than the signature of a certificate.
/// </summary>
internal static class Ed25519Point
{
    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger D = Mod(-121665 * BigInteger.ModPow(121666, P - 2, P));

    /// <summary>Returns what is wrong with a public key; null if a private key can exist for it.</summary>
    /// <param name="pk">The 32 bytes: y, little-endian, and the sign of x in the highest bit.</param>
    internal static string? Fault(ReadOnlySpan<byte> pk)
    {
        Span<byte> bytes = [.. pk];
        bytes[^1] &= 0x7f;
        var y = new BigInteger(bytes, isUnsigned: true);
        if (y >= P)
            return "pk is not in the one form that RFC 8032 has for its point";
        var y2 = y * y % P;
        // Orders 1 and 2: x is 0. Order 4: y is 0. Order 8: the double has y = 0, which is d·y⁴ + 2y² − 1 = 0.
        if (y2.IsOne || y.IsZero || Mod((D * y2 * y2) + (2 * y2) - 1).IsZero)
            return "pk is a point of small order, for which anybody can sign";
        return Mod(5 * y) == 4 ? "pk is the base point, whose private key everybody knows" : null;
    }

    private static BigInteger Mod(BigInteger number) => (number % P) is { Sign: < 0 } negative ? negative + P : number % P;
}
