using System.Diagnostics;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit;

public sealed class FileCaKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string KeyPath => folder.File("user_ca");

    private string PubPath => folder.File("user_ca.pub");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void First_start_creates_a_private_key_and_a_readable_public_one()
    {
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal("600", Convert.ToString((int)File.GetUnixFileMode(KeyPath), 8));
        Assert.Equal("644", Convert.ToString((int)File.GetUnixFileMode(PubPath), 8));
        Assert.Equal(["user_ca", "user_ca.pub"], folder.Names);
        Assert.Equal(key.PublicKey.ToLine("user CA") + "\n", File.ReadAllText(PubPath));
    }

    [Fact]
    public void Ssh_keygen_reads_the_key_and_agrees_about_the_public_one()
    {
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal((0, File.ReadAllText(PubPath)), SshKeygen.Run("-y", "-f", KeyPath));
        Assert.Equal((0, $"256 {Fingerprint.Compute(key.PublicKey)} user CA (ED25519)\n"), SshKeygen.Run("-l", "-f", PubPath));
    }

    [Fact]
    public void A_second_start_loads_the_same_key_and_writes_nothing()
    {
        using var first = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        var file = File.ReadAllBytes(KeyPath);
        using var second = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal(first.PublicKey, second.PublicKey);
        Assert.Equal(file, File.ReadAllBytes(KeyPath));
        Assert.Equal(first.PublicKey.ToLine("user CA") + "\n", File.ReadAllText(PubPath));
    }

    [Theory]
    [InlineData("ed25519", 256)]
    [InlineData("ecdsa", 256)]
    [InlineData("ecdsa", 384)]
    [InlineData("ecdsa", 521)]
    [InlineData("rsa", 3072)]
    public void Key_from_ssh_keygen_is_accepted(string type, int bits)
    {
        SshKeygen.Run("-q", "-t", type, "-b", $"{bits}", "-N", "", "-C", "brought along", "-f", KeyPath);
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal(PublicKey.ParseLine(File.ReadAllText(PubPath)), key.PublicKey);
    }

    [Theory]
    [InlineData(nameof(CaKeyType.Ecdsa), 256, "ECDSA")]
    [InlineData(nameof(CaKeyType.Rsa), 3072, "RSA")]
    public void First_start_creates_the_configured_kind_of_key_for_good(string type, int bits, string kind)
    {
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User, Enum.Parse<CaKeyType>(type));
        Assert.Equal((0, File.ReadAllText(PubPath)), SshKeygen.Run("-y", "-f", KeyPath));
        Assert.Equal((0, $"{bits} {Fingerprint.Compute(key.PublicKey)} user CA ({kind})\n"), SshKeygen.Run("-l", "-f", PubPath));
        using var second = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User, CaKeyType.Ed25519);
        Assert.Equal(key.PublicKey, second.PublicKey);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead, "0640")]
    [InlineData(UnixFileMode.OtherRead, "0604")]
    [InlineData(UnixFileMode.GroupWrite, "0620")]
    public void Key_open_to_other_users_is_rejected_with_the_remedy(UnixFileMode excess, string mode)
    {
        FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User).Dispose();
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | excess);
        Assert.Equal($"{KeyPath} has mode {mode}, so that others can use it; run: chmod 600 {KeyPath}", Refusal());
    }

    [Fact]
    public void Key_of_another_user_is_rejected()
    {
        // Only root can give a file away; everybody else finds one of root's.
        if (Environment.IsPrivilegedProcess)
        {
            FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User).Dispose();
            using (var chown = Process.Start("chown", ["65533", KeyPath]))
                chown.WaitForExit();
            Assert.Equal($"{KeyPath} belongs to uid 65533, and this process runs as uid 0; run: chown 0 {KeyPath}", Refusal());
        }
        else
        {
            var refusal = Assert.Throws<CaKeyException>(() => FileCaKey.LoadOrCreate("/etc/passwd", CaPurpose.User)).Message;
            Assert.StartsWith("/etc/passwd belongs to uid 0, and this process runs as uid ", refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Mismatched_public_key_is_rejected()
    {
        FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User).Dispose();
        foreach (var content in new[] { Vector.Text("ca.pub"), Vector.Text("rsa_ca.pub"), "", "garbage\n" })
        {
            File.WriteAllText(PubPath, content);
            Assert.StartsWith($"{PubPath} does not hold the public key of the private key beside it", Refusal(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_lost_public_key_is_written_again()
    {
        using var first = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        var line = File.ReadAllText(PubPath);
        File.Delete(PubPath);
        using var second = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal(line, File.ReadAllText(PubPath));
    }

    [Fact]
    public void A_lost_private_key_is_not_replaced_by_a_new_CA()
    {
        FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User).Dispose();
        File.Delete(KeyPath);
        Assert.StartsWith($"{KeyPath} is missing, but {PubPath} is there", Refusal(), StringComparison.Ordinal);
        Assert.Equal(["user_ca.pub"], folder.Names);
    }

    [Fact]
    public void An_encrypted_key_is_refused_with_the_command_that_opens_it()
    {
        File.SetUnixFileMode(folder.File("user_ca", Vector.Bytes("encrypted_key")), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal($"{KeyPath}: the key is encrypted (aes256-ctr), and nobody is there to type a passphrase; run: ssh-keygen -p -N '' -f {KeyPath}", Refusal());
        Assert.Equal(0, SshKeygen.Run("-p", "-P", "secret", "-N", "", "-f", KeyPath).ExitCode);
        FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User).Dispose();
    }

    [Theory]
    [InlineData("ecdsa", "PEM")]
    [InlineData("rsa", "PEM")]
    [InlineData("rsa", "PKCS8")]
    public void A_key_in_PEM_is_refused_with_the_command_that_converts_it(string type, string format)
    {
        SshKeygen.Run("-q", "-t", type, "-m", format, "-N", "", "-f", KeyPath);
        Assert.Equal($"{KeyPath}: the key is in PEM, not in the format of OpenSSH; run: ssh-keygen -p -N '' -f {KeyPath}", Refusal());
        Assert.Equal(0, SshKeygen.Run("-p", "-N", "", "-f", KeyPath).ExitCode);
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        Assert.Equal(PublicKey.ParseLine(File.ReadAllText(PubPath)), key.PublicKey);
    }

    [Fact]
    public void A_weak_key_is_refused()
    {
        SshKeygen.Run("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", KeyPath);
        Assert.Equal($"{KeyPath}: the rsa key has 2048 bits, not 3072 to 8192", Refusal());
    }

    [Theory]
    [InlineData("empty.krl", "the file does not begin and end as an OpenSSH private key does, with lines that end in LF")]
    public void Unusable_key_file_is_rejected_by_name(string vector, string reason)
    {
        File.SetUnixFileMode(folder.File("user_ca", Vector.Bytes(vector)), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal($"{KeyPath}: {reason}", Refusal());
    }

    [Fact]
    public void A_seed_of_another_key_is_refused()
    {
        using var one = Ed25519PrivateKey.FromSeed(new byte[32]);
        var fields = new WireWriter().String(((Ed25519PublicKey)one.PublicKey).Pk).String([1, .. new byte[31], .. ((Ed25519PublicKey)one.PublicKey).Pk]);
        var reader = new WireReader(fields.ToArray());
        using var mixed = PrivateKeys.Read(one.PublicKey, ref reader);
        File.SetUnixFileMode(folder.File("user_ca", new OpenSshPrivateKey(mixed, "").ToFile(1)), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal($"{KeyPath}: the private key belongs to another public key", Refusal());
    }

    public static readonly TheoryData<string, string, string> Drifts = new()
    {
        { "chmod 640 KEY", "KEY has mode 0640, so that others can use it; run: chmod 600 KEY", "chmod 600 KEY" },
        { "mv KEY KEY.away", "KEY is gone; put the key back", "mv KEY.away KEY" },
        { "ln KEY KEY.second", "KEY has 2 names, and somebody else could hold it under another one; run: cp -p KEY KEY.new && mv KEY.new KEY", "cp -p KEY KEY.new && mv KEY.new KEY" },
        { "mv KEY KEY.away && ln -s KEY.away KEY", "KEY is a symbolic link; put the file itself there", "mv KEY.away KEY" },
        { "cp -p KEY KEY.away && rm KEY KEY.pub && ssh-keygen -q -t ed25519 -N '' -f KEY", "KEY holds another key now, SHA256:", "mv KEY.away KEY" },
        { "cp -p KEY KEY.away && echo >KEY", "KEY: the file does not begin and end as an OpenSSH private key does", "mv KEY.away KEY" },
        { "chmod 755 DIR", "DIR has mode 0755, so that others can use it; run: chmod 700 DIR", "chmod 700 DIR" },
    };

    [Theory]
    [MemberData(nameof(Drifts))]
    public async Task Key_file_that_drifted_signs_nothing_until_it_is_right(string spoil, string why, string mend)
    {
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        await key.Check();
        await key.ExpectUsable();

        Shell(spoil);
        await key.Check();

        Assert.StartsWith(InFolder(why), key.Fault, StringComparison.Ordinal);
        var problem = (await Assert.ThrowsAsync<ProblemException>(async () => await key.ExpectUsable())).Problem;
        Assert.Equal((ProblemCode.Unavailable, "the user CA key cannot sign now, so no certificate is issued"), (problem.Code, problem.Detail));

        // The next caller finds it mended.
        Shell(mend);
        await key.ExpectUsable();
        Assert.Null(key.Fault);
    }

    [Fact]
    public async Task Key_file_with_another_comment_or_passphrase_is_the_same()
    {
        using var key = FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User);
        foreach (var change in (string[])["ssh-keygen -q -c -C 'another comment' -f KEY", "ssh-keygen -q -p -N secret -f KEY"])
        {
            Shell(change);
            await key.Check();
            Assert.Null(key.Fault);
        }
    }

    private string InFolder(string text) => text.Replace("KEY", KeyPath, StringComparison.Ordinal).Replace("DIR", Path.GetDirectoryName(KeyPath), StringComparison.Ordinal);

    private void Shell(string line)
    {
        using var shell = Process.Start("sh", ["-c", InFolder(line)]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    private string Refusal() => Assert.Throws<CaKeyException>(() => FileCaKey.LoadOrCreate(KeyPath, CaPurpose.User)).Message;
}
