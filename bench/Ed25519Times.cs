using System.Diagnostics;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using NSec.Cryptography;
using BouncyCastle = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace CertAuthority.Bench;

/// <summary>
/// What a signature of Ed25519 costs with the daemon's own code, BouncyCastle, libcrypto and libsodium (NSec), and what a flush of the disk costs, which each certificate waits for too.
/// All take turns within each round, and each round gives ratios to libsodium, the fastest, so that other work on the machine slows both sides of a ratio.
/// </summary>
internal static class Ed25519Times
{
    private const int Rounds = 101;
    private const int Repeats = 20;

    // As long as a certificate with a few principals.
    private static readonly byte[] Data = [.. Enumerable.Range(0, 500).Select(i => (byte)i)];

    public static void Print()
    {
        byte[] seed = [.. Enumerable.Range(0, 32).Select(i => (byte)(7 * i))];
        using var ours = Ed25519PrivateKey.FromSeed(seed);
        var publicKey = (Ed25519PublicKey)ours.PublicKey;
        var pk = publicKey.Pk.ToArray();
        using var libcrypto = Libcrypto.Key.FromSeed(seed);
        using var libsodium = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        var signature = ours.Sign(Data).Blob;
        var buffer = new byte[signature.Length];
        Expect(libcrypto.Sign(Data).SequenceEqual(signature) && SignatureAlgorithm.Ed25519.Sign(libsodium, Data).SequenceEqual(signature));

        Console.WriteLine($"{Rounds} rounds of {Repeats}, {Data.Length} bytes, {Environment.ProcessorCount} processors, load before: {string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3])}");
        Compare("sign",
            ("libsodium (NSec)", () => SignatureAlgorithm.Ed25519.Sign(libsodium, Data, buffer)),
            ("libcrypto", () => libcrypto.Sign(Data)),
            ("the daemon", () => ours.Sign(Data)),
            ("BouncyCastle, from the seed alone", () => BouncyCastle.Sign(seed, Data, buffer)));
        Compare("verify",
            ("libsodium (NSec)", () => Expect(VerifiedByLibsodium(signature))),
            ("libcrypto", () => Expect(VerifiedByLibcrypto(signature))),
            ("the daemon, one of another key", () => Expect(Signature.Verifies(publicKey, Data, publicKey.Type, signature))),
            ("the daemon, one of its own", () => Expect(ours.Made(Data, publicKey.Type, signature))),
            ("BouncyCastle alone", () => Expect(BouncyCastle.Verify(signature, pk, Data))));

        var path = Path.GetTempFileName();
        using (var file = new FileStream(path, FileMode.Open))
            Compare("sign and verify, beside the disk",
                ("libsodium (NSec)", () => Expect(VerifiedByLibsodium(SignatureAlgorithm.Ed25519.Sign(libsodium, Data)))),
                ("libcrypto", () => Expect(VerifiedByLibcrypto(libcrypto.Sign(Data)))),
                ("the daemon", () => Expect(ours.Made(Data, publicKey.Type, ours.Sign(Data).Blob))),
                ("4 KiB written and flushed", () =>
                {
                    file.Position = 0;
                    file.Write(new byte[4096]);
                    file.Flush(flushToDisk: true);
                }
            ));
        File.Delete(path);

        // The daemon reads the public key anew each time too.
        bool VerifiedByLibsodium(byte[] blob) =>
            SignatureAlgorithm.Ed25519.Verify(NSec.Cryptography.PublicKey.Import(SignatureAlgorithm.Ed25519, pk, KeyBlobFormat.RawPublicKey), Data, blob);

        bool VerifiedByLibcrypto(byte[] blob)
        {
            using var key = Libcrypto.Key.FromPublic(pk);
            return key.Verify(Data, blob);
        }
    }

    private static void Compare(string what, params (string Name, Action Act)[] contenders)
    {
        var times = contenders.Select(_ => new double[Rounds]).ToArray();
        for (var round = -3; round < Rounds; round++) // three to warm up
            for (var turn = 0; turn < contenders.Length; turn++)
            {
                var who = (turn + round + 3) % contenders.Length;
                var clock = Stopwatch.StartNew();
                for (var i = 0; i < Repeats; i++)
                    contenders[who].Act();
                if (round >= 0)
                    times[who][round] = clock.Elapsed.TotalMicroseconds / Repeats;
            }
        Console.WriteLine();
        Console.WriteLine($"{what,-36}{"least, µs",12}{"median, µs",12}{"x libsodium: median",22}{"from",8}{"to",8}  (middle half of the rounds)");
        foreach (var ((name, _), own) in contenders.Zip(times))
        {
            double[] ratios = [.. own.Zip(times[0], (mine, ceiling) => mine / ceiling).Order()];
            Console.WriteLine($"{name,-36}{own.Min(),12:0.0}{own.Order().ElementAt(Rounds / 2),12:0.0}{ratios[Rounds / 2],22:0.00}{ratios[Rounds / 4],8:0.00}{ratios[3 * Rounds / 4],8:0.00}");
        }
    }

    private static void Expect(bool holds)
    {
        if (!holds)
            throw new InvalidOperationException("they do not agree");
    }
}
