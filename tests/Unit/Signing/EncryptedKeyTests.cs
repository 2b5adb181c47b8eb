using System.Text;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;

namespace CertAuthority.Tests.Unit;

/// <summary>Encrypted key files, as ssh-keygen writes them.</summary>
public sealed class EncryptedKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string KeyPath => folder.File("user_ca");

    [Theory]
    [InlineData("ed25519", 256, 16, "secret")]
    [InlineData("ed25519", 256, 1, "a passphrase of more than 72 bytes, which is where the bcrypt of passwords ends, and of more than 128 bytes too, which is a block of SHA-512")]
    [InlineData("ecdsa", 256, 24, "grüße, 世界")]
    [InlineData("rsa", 3072, 3, "a b c")]
    public void Key_encrypted_by_ssh_keygen_opens_with_its_passphrase(string type, int bits, int rounds, string passphrase)
    {
        Assert.Equal(0, SshKeygen.Run("-q", "-t", type, "-b", $"{bits}", "-a", $"{rounds}", "-N", passphrase, "-f", KeyPath).ExitCode);

        using var key = KeyFile.LoadEncrypted(KeyPath, Encoding.UTF8.GetBytes(passphrase));

        Assert.Equal(PublicKey.ParseLine(File.ReadAllText(KeyPath + ".pub")), key.PublicKey);
    }

    [Theory]
    [InlineData("Secret")]
    [InlineData("secret ")]
    [InlineData("")]
    public void Wrong_passphrase_is_refused(string passphrase)
    {
        SshKeygen.Run("-q", "-t", "ed25519", "-a", "1", "-N", "secret", "-f", KeyPath);

        Assert.Equal($"{KeyPath}: the passphrase in the credential is not the one of this key", Refusal(passphrase));
    }

    [Fact]
    public void Unencrypted_key_is_refused_where_a_passphrase_is_named()
    {
        SshKeygen.Run("-q", "-t", "ed25519", "-N", "", "-f", KeyPath);

        Assert.Equal($"{KeyPath}: the key is not encrypted, although the passphrase is in a credential; run: ssh-keygen -p -f {KeyPath}", Refusal("secret"));
    }

    [Fact]
    public void Missing_encrypted_key_is_refused_and_not_created()
    {
        Assert.Equal($"{KeyPath} is missing; restore the encrypted key, or make one: ssh-keygen -t ed25519 -f {KeyPath}", Refusal("secret"));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Other_cipher_is_refused_with_the_command_that_changes_it()
    {
        SshKeygen.Run("-q", "-t", "ed25519", "-a", "1", "-Z", "aes256-gcm@openssh.com", "-N", "secret", "-f", KeyPath);

        Assert.Equal($"{KeyPath}: the key is encrypted with aes256-gcm@openssh.com, not aes256-ctr; run: ssh-keygen -p -Z aes256-ctr -f {KeyPath}", Refusal("secret"));
        Assert.Equal(0, SshKeygen.Run("-p", "-Z", "aes256-ctr", "-P", "secret", "-N", "secret", "-f", KeyPath).ExitCode);
        KeyFile.LoadEncrypted(KeyPath, "secret"u8.ToArray()).Dispose();
    }

    [Fact]
    public void Rounds_that_take_minutes_are_refused()
    {
        SshKeygen.Run("-q", "-t", "ed25519", "-a", "1", "-N", "secret", "-f", KeyPath);
        var lines = File.ReadAllLines(KeyPath);
        var blob = Convert.FromBase64String(string.Concat(lines[1..^1]));
        // The number behind the salt of 16 bytes.
        var at = blob.AsSpan().IndexOf("bcrypt"u8) + 6 + 4 + 4 + 16;
        Assert.Equal([0, 0, 0, 1], blob[at..(at + 4)]);
        blob[at + 2] = 4;
        File.WriteAllText(KeyPath, $"{lines[0]}\n{Convert.ToBase64String(blob)}\n{lines[^1]}\n");

        Assert.StartsWith($"{KeyPath}: the key is derived in 1025 rounds, and at most 1000 are done", Refusal("secret"), StringComparison.Ordinal);
    }

    [Fact]
    public void Blowfish_encrypts_like_that_of_BouncyCastle()
    {
        foreach (var key in (string[])["0123456789ABCDEF", "FF", "00000000000000000000000000000000000000000000000000000000", "1F2E3D4C5B6A79880123456789ABCDEFF0E1D2C3"])
        {
            var bytes = Convert.FromHexString(key);
            if (bytes.Length < 4)
                bytes = [.. Enumerable.Repeat(bytes[0], 8)];
            var theirs = new BlowfishEngine();
            theirs.Init(forEncryption: true, new KeyParameter(bytes));
            var block = new byte[8];
            theirs.ProcessBlock([1, 2, 3, 4, 5, 6, 7, 8], 0, block, 0);
            var ours = new BcryptPbkdf.Blowfish();
            ours.Expand(bytes, []);
            var (left, right) = (0x01020304u, 0x05060708u);
            ours.Encrypt(ref left, ref right);

            Assert.Equal(Convert.ToHexString(block), $"{left:X8}{right:X8}");
        }
    }

    public void Dispose() => folder.Dispose();

    private string Refusal(string passphrase) =>
        Assert.Throws<CaKeyException>(() => KeyFile.LoadEncrypted(KeyPath, Encoding.UTF8.GetBytes(passphrase))).Message;
}
