using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class SignatureTests
{
    // Signed by ssh-keygen with Ed25519, ECDSA and RSA.
    [Theory]
    [InlineData("ed25519")]
    [InlineData("options")]
    [InlineData("host")]
    public void Only_the_unchanged_signature_of_ssh_keygen_verifies(string name)
    {
        var theirs = Certificate.ParseLine(Vector.Text($"{name}-cert.pub"));
        var (data, blob) = (theirs.SignedBytes.ToArray(), theirs.SignatureBlob.ToArray());
        Assert.True(Signature.Verifies(theirs.SignatureKey, data, theirs.SignatureAlgorithm, blob));
        data[10] ^= 1;
        Assert.False(Signature.Verifies(theirs.SignatureKey, data, theirs.SignatureAlgorithm, blob));
        data[10] ^= 1;
        blob[^1] ^= 1;
        Assert.False(Signature.Verifies(theirs.SignatureKey, data, theirs.SignatureAlgorithm, blob));
        Assert.False(Signature.Verifies(theirs.SignatureKey, data, theirs.SignatureAlgorithm, []));
        Assert.False(Signature.Verifies(theirs.SignatureKey, data, theirs.SignatureAlgorithm, blob.AsSpan(0, 9)));
    }

    [Theory]
    [InlineData(nameof(CaKeyType.Ed25519), "ssh-ed25519")]
    [InlineData(nameof(CaKeyType.Ecdsa), "ecdsa-sha2-nistp256")]
    [InlineData(nameof(CaKeyType.Rsa), "rsa-sha2-512")]
    public void Signature_verifies_only_under_its_own_algorithm(string type, string algorithm)
    {
        using var key = PrivateKeys.New(Enum.Parse<CaKeyType>(type));
        var (named, blob) = key.Sign([1, 2, 3]);
        Assert.Equal(algorithm, named);
        Assert.True(Signature.Verifies(key.PublicKey, [1, 2, 3], algorithm, blob));
        foreach (var other in (string[])["ssh-rsa", "rsa-sha2-256", "ecdsa-sha2-nistp384", "sk-ssh-ed25519@openssh.com"])
            Assert.False(Signature.Verifies(key.PublicKey, [1, 2, 3], other, blob));
    }

    // r and s have leading zeros, or a byte too many to be positive, in half of all signatures.
    [Theory]
    [InlineData("256")]
    [InlineData("384")]
    [InlineData("521")]
    public void Every_ecdsa_signature_verifies(string bits)
    {
        using var folder = new TemporaryFolder();
        SshKeygen.Run("-q", "-t", "ecdsa", "-b", bits, "-N", "", "-f", folder.File("ca"));
        using var key = OpenSshPrivateKey.Parse(File.ReadAllBytes(folder.File("ca")), "ca").Key;
        for (var i = 0; i < 300; i++)
        {
            var (algorithm, blob) = key.Sign(BitConverter.GetBytes(i));
            Assert.True(Signature.Verifies(key.PublicKey, BitConverter.GetBytes(i), algorithm, blob));
        }
    }

    [Theory]
    [InlineData(nameof(CaKeyType.Ed25519))]
    [InlineData(nameof(CaKeyType.Ecdsa))]
    [InlineData(nameof(CaKeyType.Rsa))]
    public void Key_knows_its_own_signature_and_no_other(string type)
    {
        using var key = PrivateKeys.New(Enum.Parse<CaKeyType>(type));
        using var other = PrivateKeys.New(Enum.Parse<CaKeyType>(type));
        var (algorithm, blob) = key.Sign([1, 2, 3]);
        Assert.True(key.Made([1, 2, 3], algorithm, blob));
        Assert.False(key.Made([1, 2, 4], algorithm, blob));
        Assert.False(key.Made([1, 2, 3], "ssh-dss", blob));
        Assert.False(other.Made([1, 2, 3], algorithm, blob));
        foreach (var at in (int[])[0, blob.Length / 2, blob.Length - 1])
        {
            blob[at] ^= 4;
            Assert.False(key.Made([1, 2, 3], algorithm, blob));
            blob[at] ^= 4;
        }
    }
}
