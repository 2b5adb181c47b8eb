using System.Numerics;
using System.Security.Cryptography;

namespace CertAuthority.Tests.Unit;

/// <summary>
/// The group of Ed25519 in plain numbers (RFC 8032 section 5.1), slow and open to anybody who measures time. It makes the keys and signatures that no honest signer makes.
/// </summary>
internal static class Ed25519Group
{
    /// <summary>The order of the base point.</summary>
    internal static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger D = Mod(-121665 * Inverse(121666));

    /// <summary>The neutral point, of order 1.</summary>
    internal static readonly Point Neutral = new(0, 1);

    internal static readonly Point Base = new(Root((16 - 25) * Inverse((16 * D) + 25)), Mod(4 * Inverse(5)));

    /// <summary>A point of order 8; its multiples are all points of small order.</summary>
    internal static readonly Point Torsion = Enumerable.Range(2, 100).Select(y => Times(L, new Point(Root(((y * y) - 1) * Inverse((D * y * y) + 1)), y)))
        .First(point => IsOnCurve(point) && Times(4, point) != Neutral);

    internal static Point Plus(Point a, Point b)
    {
        var t = Mod(D * a.X * b.X % P * a.Y % P * b.Y);
        return new Point(Mod(((a.X * b.Y) + (a.Y * b.X)) * Inverse(1 + t)), Mod(((a.Y * b.Y) + (a.X * b.X)) * Inverse(1 - t)));
    }

    internal static Point Times(BigInteger factor, Point point)
    {
        var sum = Neutral;
        for (; factor > 0; factor >>= 1, point = Plus(point, point))
            if (!factor.IsEven)
                sum = Plus(sum, point);
        return sum;
    }

    /// <summary>The 32 bytes of a point; with <paramref name="more"/> times the field's prime added to y, a form that RFC 8032 does not have.</summary>
    internal static byte[] Encode(Point point, int more = 0)
    {
        var bytes = Encode(point.Y + (more * P));
        bytes[^1] |= (byte)(point.X.IsEven ? 0 : 0x80);
        return bytes;
    }

    internal static byte[] Encode(BigInteger number) => [.. number.ToByteArray(isUnsigned: true), .. new byte[32 - number.GetByteCount(isUnsigned: true)]];

    /// <summary>What a signature multiplies the private number with: the hash of R, the public key and the message.</summary>
    internal static BigInteger Challenge(byte[] r, byte[] pk, byte[] message) => new BigInteger(SHA512.HashData([.. r, .. pk, .. message]), isUnsigned: true) % L;

    // Of the two roots the even one, or a number that is no root.
    private static BigInteger Root(BigInteger square)
    {
        square = Mod(square);
        var root = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod((root * root) - square) != 0)
            root = Mod(root * BigInteger.ModPow(2, (P - 1) / 4, P));
        return root.IsEven ? root : P - root;
    }

    private static bool IsOnCurve(Point point) => Mod((point.Y * point.Y) - (point.X * point.X) - 1 - (D * point.X * point.X % P * point.Y * point.Y)).IsZero;

    private static BigInteger Mod(BigInteger number) => number % P is { Sign: < 0 } negative ? negative + P : number % P;

    private static BigInteger Inverse(BigInteger number) => BigInteger.ModPow(Mod(number), P - 2, P);

    internal sealed record Point(BigInteger X, BigInteger Y);
}
