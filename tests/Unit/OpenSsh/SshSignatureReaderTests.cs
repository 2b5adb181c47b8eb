using System.Text;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit;

/// <summary>ssh-keygen signs, and the daemon verifies.</summary>
public sealed class SshSignatureReaderTests : IDisposable
{
    private const string Purpose = "access-review@certauthority";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("ed25519", "", "sha512")]
    [InlineData("ed25519", "", "sha256")]
    [InlineData("ecdsa", "256", "sha512")]
    [InlineData("ecdsa", "521", "sha512")]
    [InlineData("rsa", "3072", "sha512")]
    [InlineData("rsa", "3072", "sha256")]
    public void Signature_of_ssh_keygen_is_read_and_verified(string type, string bits, string hash)
    {
        var armored = Sign(type, bits, "-O", $"hashalg={hash}");
        var signature = SshSignatureReader.Parse(armored);
        Assert.Equal((Purpose, hash), (signature.Namespace, signature.HashAlgorithm));
        Assert.Equal(PublicKey.ParseLine(File.ReadAllText(folder.File("key.pub")).TrimEnd()), signature.Key);
        Assert.Null(MessageSignature.Fault(signature, Purpose, "a document\n"u8));
        Assert.Equal("does not fit the document of this review and the key that it names", MessageSignature.Fault(signature, Purpose, "another\n"u8));
        Assert.Equal($"was made for the namespace \"{Purpose}\", not \"file\"", MessageSignature.Fault(signature, "file", "a document\n"u8));
        // The file that is stored is the one that ssh-keygen wrote.
        Assert.Equal(armored, signature.Armored);
    }

    [Fact]
    public void No_byte_of_a_signature_can_change()
    {
        var armored = Sign("ed25519", "");
        var bytes = Convert.FromBase64String(string.Concat(armored.Split('\n')[1..^2]));
        for (var at = 0; at < bytes.Length; at++)
        {
            var spoiled = bytes.ToArray();
            spoiled[at] ^= 1;
            Assert.True(IsRefused($"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String(spoiled)}\n-----END SSH SIGNATURE-----\n"), $"byte {at}");
        }
        Assert.True(IsRefused($"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String([.. bytes, 0])}\n-----END SSH SIGNATURE-----\n"));
        Assert.True(IsRefused($"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String(bytes[..^1])}\n-----END SSH SIGNATURE-----\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN SSH SIGNATURE-----")]
    [InlineData("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n")]
    [InlineData("-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----\n")]
    [InlineData("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n")]
    [InlineData("-----BEGIN PGP SIGNATURE-----\nU1NIU0lH\n-----END PGP SIGNATURE-----\n")]
    public void Something_else_is_no_signature(string armored) => Assert.Throws<SshFormatException>(() => SshSignatureReader.Parse(armored));

    [Fact]
    public void Security_key_is_refused_by_name()
    {
        var bytes = new WireWriter().Raw("SSHSIG"u8).UInt32(1).String(Vector.Blob("sk_ed25519.pub")).String(Purpose).String("").String("sha512")
            .String(new WireWriter().String("sk-ssh-ed25519@openssh.com").String([1, 2, 3])).ToArray();
        var fault = Assert.Throws<SshFormatException>(
            () => SshSignatureReader.Parse($"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String(bytes)}\n-----END SSH SIGNATURE-----\n"));
        Assert.Equal("sk-ssh-ed25519@openssh.com is a security key, whose signatures are not verified here", fault.Message);
    }

    private static bool IsRefused(string armored)
    {
        try
        {
            return MessageSignature.Fault(SshSignatureReader.Parse(armored), Purpose, "a document\n"u8) is not null;
        }
        catch (SshFormatException)
        {
            return true;
        }
    }

    private string Sign(string type, string bits, params string[] options)
    {
        string[] size = bits is "" ? [] : ["-b", bits];
        Assert.Equal(0, SshKeygen.Run(["-q", "-t", type, .. size, "-N", "", "-f", folder.File("key")]).ExitCode);
        var document = folder.File("document", Encoding.UTF8.GetBytes("a document\n"));
        Assert.Equal(0, SshKeygen.Run(["-Y", "sign", "-n", Purpose, "-f", folder.File("key"), .. options, document]).ExitCode);
        return File.ReadAllText($"{document}.sig");
    }
}
