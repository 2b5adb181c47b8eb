using System.Collections.Concurrent;
using System.Numerics;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

/// <summary>Numbers of public keys that nobody has the private keys to, and that pass for such as somebody has.</summary>
internal static class Numbers
{
    private static readonly ConcurrentDictionary<int, byte[]> Moduli = [];

    /// <summary>A point of Ed25519 as far as anybody looks: no special one.</summary>
    internal static byte[] Point(byte first = 7) => [first, .. Enumerable.Repeat((byte)7, 31)];

    /// <summary>The first modulus of so many bits that has no small factor.</summary>
    internal static byte[] Modulus(int bits) => Moduli.GetOrAdd(bits, static bits =>
    {
        for (var n = BigInteger.One << (bits - 1) | 1; ; n += 2)
            if (IsTaken(n.ToByteArray(isUnsigned: true, isBigEndian: true)))
                return n.ToByteArray(isUnsigned: true, isBigEndian: true);
    });

    /// <summary>A modulus of so many bytes, near a random number.</summary>
    internal static byte[] Modulus(byte[] random)
    {
        random[0] |= 0x80;
        random[^1] |= 1;
        for (var n = new BigInteger(random, isUnsigned: true, isBigEndian: true); ; n += 2)
            if (IsTaken(n.ToByteArray(isUnsigned: true, isBigEndian: true)))
                return n.ToByteArray(isUnsigned: true, isBigEndian: true);
    }

    private static bool IsTaken(byte[] modulus)
    {
        try
        {
            PublicKey.Parse(new WireWriter().String("ssh-rsa").MpInt([1, 0, 1]).MpInt(modulus).ToArray());
            return true;
        }
        catch (SshFormatException)
        {
            return false;
        }
    }
}
