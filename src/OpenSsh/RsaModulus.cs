using System.Numerics;

namespace CertAuthority.OpenSsh;

/// <summary>
/// Checks whether an RSA modulus can be the product of two large primes, as far as this can be determined without knowing them.
/// </summary>
internal static class RsaModulus
{
    // No key generator makes a factor below this, and a larger limit would cost more time than it is worth.
    private const int SmallPrimesBelow = 1 << 13;

    // Two primes with such a small difference, relative to their size, come from a broken generator (CVE-2022-26320).
    private const int FermatSteps = 20;

    private static readonly Lazy<BigInteger> SmallPrimes = new(
        () => Enumerable.Range(2, SmallPrimesBelow - 2).Where(IsPrime).Aggregate(BigInteger.One, (product, prime) => product * prime));

    /// <summary>Returns why anybody can find the private key; null if there is no sign of that.</summary>
    /// <param name="magnitude">The modulus: big-endian, odd, at least 1024 bits.</param>
    internal static string? Fault(ReadOnlySpan<byte> magnitude)
    {
        var n = new BigInteger(magnitude, isUnsigned: true, isBigEndian: true);
        if (!BigInteger.GreatestCommonDivisor(n, SmallPrimes.Value % n).IsOne)
            return "the modulus of the rsa key has a small factor, so anybody can find its private key";
        return HasCloseFactors(n) ? "the factors of the rsa key are too close to each other, so anybody can find its private key" : null;
    }

    // n = a² − b² = (a − b)(a + b); close factors have an a just above the square root.
    private static bool HasCloseFactors(BigInteger n)
    {
        var a = SquareRoot(n);
        if (a * a < n)
            a++;
        var rest = (a * a) - n;
        for (var step = 0; step < FermatSteps; step++, rest += (2 * a) + 1, a++)
            if (CanBeSquare(rest) && SquareRoot(rest) is var b && b * b == rest)
                return true;
        return false;
    }

    // The last 6 bits of a square have one of 12 of 64 values, so few roots are computed.
    private static bool CanBeSquare(BigInteger number) =>
        (int)(number & 63) is 0 or 1 or 4 or 9 or 16 or 17 or 25 or 33 or 36 or 41 or 49 or 57;

    private static BigInteger SquareRoot(BigInteger number)
    {
        if (number.IsZero)
            return number;
        var root = BigInteger.One << (int)((number.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (root + (number / root)) >> 1;
            if (next >= root)
                return root;
            root = next;
        }
    }

    private static bool IsPrime(int number)
    {
        for (var factor = 2; factor * factor <= number; factor++)
            if (number % factor == 0)
                return false;
        return true;
    }
}
