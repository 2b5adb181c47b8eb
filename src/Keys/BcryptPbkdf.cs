using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace CertAuthority.Keys;

/// <summary>
/// <c>bcrypt_pbkdf</c> of OpenBSD, by which OpenSSH derives the key of an encrypted private key file from its passphrase. Neither .NET nor
/// BouncyCastle has it: their bcrypt has another text, salt and output.
/// </summary>
internal static class BcryptPbkdf
{
    private const int HashLength = 32;

    /// <summary>Derives a key.</summary>
    /// <param name="passphrase">The passphrase.</param>
    /// <param name="salt">The salt.</param>
    /// <param name="rounds">The number of rounds; each takes some milliseconds for each 32 bytes.</param>
    /// <param name="length">The length of the key in bytes.</param>
    public static byte[] Derive(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, uint rounds, int length)
    {
        var key = new byte[length];
        var blocks = (length + HashLength - 1) / HashLength;
        var hashedPassphrase = SHA512.HashData(passphrase);
        Span<byte> number = stackalloc byte[sizeof(int)];
        for (var block = 0; block < blocks; block++)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, block + 1);
            var last = Hash(hashedPassphrase, SHA512.HashData([.. salt, .. number]));
            var sum = last;
            for (var round = 1; round < rounds; round++)
            {
                last = Hash(hashedPassphrase, SHA512.HashData(last));
                sum = [.. sum.Zip(last, (one, other) => (byte)(one ^ other))];
            }
            // The bytes of a block are spread over the whole key.
            for (var i = 0; i < HashLength && (i * blocks) + block < length; i++)
                key[(i * blocks) + block] = sum[i];
        }
        CryptographicOperations.ZeroMemory(hashedPassphrase);
        return key;
    }

    private static byte[] Hash(byte[] passphrase, byte[] salt)
    {
        var cipher = new Blowfish();
        cipher.Expand(passphrase, salt);
        for (var i = 0; i < 64; i++)
        {
            cipher.Expand(salt, []);
            cipher.Expand(passphrase, []);
        }
        var text = "OxychromaticBlowfishSwatDynamite"u8;
        var hash = new byte[HashLength];
        for (var i = 0; i < HashLength; i += 8)
        {
            var (left, right) = (BinaryPrimitives.ReadUInt32BigEndian(text[i..]), BinaryPrimitives.ReadUInt32BigEndian(text[(i + 4)..]));
            for (var n = 0; n < 64; n++)
                cipher.Encrypt(ref left, ref right);
            BinaryPrimitives.WriteUInt32LittleEndian(hash.AsSpan(i), left);
            BinaryPrimitives.WriteUInt32LittleEndian(hash.AsSpan(i + 4), right);
        }
        return hash;
    }

    /// <summary>Blowfish, with the key schedule of bcrypt.</summary>
    internal sealed class Blowfish
    {
        private const int Rounds = 16, Box = 256, Boxes = 4;

        private static readonly Lazy<uint[]> Pi = new(() => FractionOfPi(Rounds + 2 + (Boxes * Box)));

        // 18 subkeys, then four boxes of 256 words.
        private readonly uint[] state = [.. Pi.Value];

        /// <summary>Mixes a key into the state, and a salt unless it is empty. Both are repeated as often as needed.</summary>
        public void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
        {
            var (keyAt, saltAt) = (0, 0);
            for (var i = 0; i < Rounds + 2; i++)
                state[i] ^= Next(key, ref keyAt);
            uint left = 0, right = 0;
            for (var i = 0; i < state.Length; i += 2)
            {
                if (!salt.IsEmpty)
                    (left, right) = (left ^ Next(salt, ref saltAt), right ^ Next(salt, ref saltAt));
                Encrypt(ref left, ref right);
                (state[i], state[i + 1]) = (left, right);
            }
        }

        /// <summary>Encrypts a block of 64 bits.</summary>
        public void Encrypt(ref uint left, ref uint right)
        {
            for (var i = 0; i < Rounds; i += 2)
            {
                left ^= state[i];
                right ^= Mix(left);
                right ^= state[i + 1];
                left ^= Mix(right);
            }
            (left, right) = (right ^ state[Rounds + 1], left ^ state[Rounds]);
        }

        private uint Mix(uint x) =>
            ((At(0, x >> 24) + At(1, x >> 16)) ^ At(2, x >> 8)) + At(3, x);

        private uint At(int box, uint n) => state[Rounds + 2 + (Box * box) + (int)(n & 0xFF)];

        // Words are big-endian, and go on at the beginning when the bytes are used up.
        private static uint Next(ReadOnlySpan<byte> bytes, ref int at)
        {
            uint word = 0;
            for (var i = 0; i < sizeof(uint); i++, at = (at + 1) % bytes.Length)
                word = (word << 8) | bytes[at];
            return word;
        }

        /// <summary>
        /// Computes the first words behind the point of pi, by Machin's formula: Blowfish begins with them, because nobody chose them.
        /// </summary>
        private static uint[] FractionOfPi(int words)
        {
            const int Spare = 64;
            var one = BigInteger.One << ((32 * words) + Spare);
            var pi = (16 * ArcCotangent(5)) - (4 * ArcCotangent(239));
            var bytes = ((pi - (3 * one)) >> Spare).ToByteArray(isUnsigned: true, isBigEndian: true);
            // The first digit is not zero, so no byte is missing in front.
            return [.. Enumerable.Range(0, words).Select(i => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(sizeof(uint) * i)))];

            BigInteger ArcCotangent(int x)
            {
                var power = one / x;
                var sum = power;
                for (var n = 3; !power.IsZero; n += 2)
                {
                    power /= x * x;
                    sum += n % 4 == 3 ? -(power / n) : power / n;
                }
                return sum;
            }
        }
    }
}
