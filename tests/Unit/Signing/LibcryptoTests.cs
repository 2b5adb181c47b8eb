using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit;

public class LibcryptoTests
{
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
    public void It_signs_as_RFC_8032_shows(string seed, string pk, string message, string signature)
    {
        using var key = Libcrypto.PrivateKey.FromSeed(Convert.FromHexString(seed));
        Assert.Equal(new Ed25519PublicKey(Convert.FromHexString(pk)), key.PublicKey());
        Assert.Equal(signature, Convert.ToHexStringLower(key.Sign(Convert.FromHexString(message))));
        Assert.True(Libcrypto.Verify(key.PublicKey(), Convert.FromHexString(message), Convert.FromHexString(signature)));
    }

    [Fact]
    public void A_signature_of_ssh_keygen_verifies()
    {
        var certificate = Certificate.ParseLine(Vector.Text("ed25519-cert.pub"));
        var ca = (Ed25519PublicKey)certificate.SignatureKey;
        Assert.True(Libcrypto.Verify(ca, certificate.SignedBytes.Span, certificate.SignatureBlob.Span));
    }

    [Fact]
    public void Another_key_another_message_or_another_signature_does_not_verify()
    {
        using var key = Libcrypto.PrivateKey.FromSeed(new byte[32]);
        using var other = Libcrypto.PrivateKey.FromSeed([1, .. new byte[31]]);
        byte[] message = [1, 2, 3];
        var signature = key.Sign(message);
        Assert.False(Libcrypto.Verify(other.PublicKey(), message, signature));
        Assert.False(Libcrypto.Verify(key.PublicKey(), [1, 2, 4], signature));
        Assert.False(Libcrypto.Verify(key.PublicKey(), message, signature.AsSpan(0, 63)));
        Assert.False(Libcrypto.Verify(key.PublicKey(), message, []));
        for (var at = 0; at < signature.Length; at++)
        {
            signature[at] ^= 1;
            Assert.False(Libcrypto.Verify(key.PublicKey(), message, signature));
            signature[at] ^= 1;
        }
    }

    [Fact]
    public void A_seed_is_32_bytes_long() =>
        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => Libcrypto.PrivateKey.FromSeed(new byte[31]));

    [Fact]
    public void Threads_share_a_key()
    {
        using var key = Libcrypto.PrivateKey.FromSeed(new byte[32]);
        var publicKey = key.PublicKey();
        Parallel.For(0, 1_000, i => Assert.True(Libcrypto.Verify(publicKey, BitConverter.GetBytes(i), key.Sign(BitConverter.GetBytes(i)))));
    }
}
