using System.Numerics;
using System.Reflection;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class Ed25519PrivateKeyTests
{
    private static readonly byte[] Message = [1, 2, 3];

    // RFC 8032 section 7.1, tests 1 to 3.
    [Theory]
    [InlineData(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Signs_as_RFC_8032_shows(string seed, string pk, string message, string signature)
    {
        using var key = Ed25519PrivateKey.FromSeed(Convert.FromHexString(seed));
        Assert.Equal(new Ed25519PublicKey(Convert.FromHexString(pk)), key.PublicKey);
        var (algorithm, blob) = key.Sign(Convert.FromHexString(message));
        Assert.Equal(("ssh-ed25519", signature), (algorithm, Convert.ToHexStringLower(blob)));
        Assert.True(Verifies(Convert.FromHexString(pk), Convert.FromHexString(message), blob));
    }

    [Fact]
    public void Signature_of_ssh_keygen_verifies()
    {
        var certificate = Certificate.ParseLine(Vector.Text("ed25519-cert.pub"));
        var ca = (Ed25519PublicKey)certificate.SignatureKey;
        Assert.True(Ed25519PrivateKey.Verify(ca, certificate.SignedBytes.Span, certificate.SignatureBlob.Span));
    }

    [Fact]
    public void Another_key_message_or_signature_does_not_verify()
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        using var other = Ed25519PrivateKey.FromSeed([1, .. new byte[31]]);
        var signature = key.Sign(Message).Blob;
        Assert.False(Verifies(other, Message, signature));
        Assert.False(Verifies(key, [1, 2, 4], signature));
        for (var length = 0; length < signature.Length; length++)
            Assert.False(Verifies(key, Message, signature[..length]));
        Assert.False(Verifies(key, Message, [.. signature, 0]));
        for (var at = 0; at < signature.Length; at++)
        {
            signature[at] ^= 1;
            Assert.False(Verifies(key, Message, signature));
            signature[at] ^= 1;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(15)]
    public void S_that_is_not_below_the_order_does_not_verify(int more)
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        var signature = key.Sign(Message).Blob;
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        Assert.False(Verifies(key, Message, [.. signature[..32], .. Ed25519Group.Encode(s + (more * Ed25519Group.L))]));
    }

    // The owner of such a key could make a signature that some programs accept and others reject.
    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(0, 1, true)]
    [InlineData(0, 0, false)]
    public void Component_of_small_order_does_not_verify(int inKey, int inR, bool isRefused)
    {
        foreach (var order in isRefused ? (int[])[2, 4, 8] : [1])
            for (var a = 1; a <= 4; a++)
            {
                var (signer, r) = (new BigInteger(1_000_003) * a, new BigInteger(1_000_033));
                var small = Ed25519Group.Times(8 / order, Ed25519Group.Torsion);
                var pk = Ed25519Group.Encode(Ed25519Group.Plus(Ed25519Group.Times(signer, Ed25519Group.Base), Ed25519Group.Times(inKey, small)));
                var encodedR = Ed25519Group.Encode(Ed25519Group.Plus(Ed25519Group.Times(r, Ed25519Group.Base), Ed25519Group.Times(inR, small)));
                var s = (r + (Ed25519Group.Challenge(encodedR, pk, Message) * signer)) % Ed25519Group.L;
                Assert.Equal(!isRefused, Verifies(pk, Message, [.. encodedR, .. Ed25519Group.Encode(s)]));
            }
    }

    // Anybody can sign under a key of small order: with R = [s]B the equation holds whenever the order divides the challenge. libcrypto accepts 123 of these 352.
    [Fact]
    public void Key_of_small_order_verifies_nothing()
    {
        for (var multiple = 0; multiple < 8; multiple++)
        {
            var small = Ed25519Group.Times(multiple, Ed25519Group.Torsion);
            byte[][] forms = small.Y < 19 ? [Ed25519Group.Encode(small), Ed25519Group.Encode(small, more: 1)] : [Ed25519Group.Encode(small)];
            foreach (var pk in forms)
                foreach (var s in (int[])[0, 1, 2, 3])
                    for (byte message = 0; message < 8; message++)
                        Assert.False(Verifies(pk, [message], [.. Ed25519Group.Encode(Ed25519Group.Times(s, Ed25519Group.Base)), .. Ed25519Group.Encode(new BigInteger(s))]));
        }
    }

    // With r = 0, R is the neutral point, which has a second form and, with the sign of x, two more.
    [Theory]
    [InlineData(0, 0x00)]
    [InlineData(0, 0x80)]
    [InlineData(1, 0x00)]
    [InlineData(1, 0x80)]
    public void R_of_small_order_in_any_form_does_not_verify(int more, byte sign)
    {
        var signer = new BigInteger(1_000_003);
        var pk = Ed25519Group.Encode(Ed25519Group.Times(signer, Ed25519Group.Base));
        var r = Ed25519Group.Encode(Ed25519Group.Neutral, more);
        r[^1] |= sign;
        Assert.False(Verifies(pk, Message, [.. r, .. Ed25519Group.Encode(Ed25519Group.Challenge(r, pk, Message) * signer % Ed25519Group.L)]));
    }

    [Fact]
    public void Key_that_is_not_a_point_verifies_nothing()
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        var signature = key.Sign(Message).Blob;
        foreach (var pk in (byte[][])[[2, .. new byte[31]], [.. Enumerable.Repeat((byte)255, 32)], [.. Enumerable.Repeat((byte)255, 31), 127]])
            Assert.False(Verifies(pk, Message, signature));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void Seed_of_another_length_is_refused(int length) =>
        Assert.Throws<ArgumentException>(() => Ed25519PrivateKey.FromSeed(new byte[length]));

    [Fact]
    public void Threads_can_share_a_key()
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        Parallel.For(0, 1_000, i => Assert.True(Verifies(key, BitConverter.GetBytes(i), key.Sign(BitConverter.GetBytes(i)).Blob)));
    }

    [Fact]
    public void Disposed_key_is_wiped_and_signs_no_more()
    {
        var key = Ed25519PrivateKey.New();
        var seed = (byte[])typeof(Ed25519PrivateKey).GetField("seed", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(key)!;
        Assert.NotEqual(new byte[32], seed);
        key.Dispose();
        Assert.Equal(new byte[32], seed);
        Assert.Throws<ObjectDisposedException>(() => key.Sign(Message));
        Assert.Throws<ObjectDisposedException>(() => key.WriteFields(new WireWriter()));
        key.Dispose();
    }

    private static bool Verifies(Ed25519PrivateKey key, byte[] message, byte[] signature) => Signature.Verifies(key.PublicKey, message, "ssh-ed25519", signature);

    private static bool Verifies(byte[] pk, byte[] message, byte[] signature) => Signature.Verifies(new Ed25519PublicKey(pk), message, "ssh-ed25519", signature);
}
