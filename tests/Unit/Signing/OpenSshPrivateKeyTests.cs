using System.Buffers.Binary;
using System.Text;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit;

public class OpenSshPrivateKeyTests
{
    private const string Begin = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    private const string End = "-----END OPENSSH PRIVATE KEY-----\n";

    private static readonly PrivateKey Rsa = PrivateKeys.New(CaKeyType.Rsa);

    private static readonly byte[] Theirs = Vector.Bytes("plain_key");

    // Both checkints follow the magic, "none" twice, no options, the number 1, the public key and the length of the private part.
    private const int CheckIntAt = 15 + 8 + 8 + 4 + 4 + (4 + 51) + 4;

    [Fact]
    public void Key_from_ssh_keygen_is_written_back_byte_for_byte()
    {
        var file = Parse(Theirs);
        using var key = file.Key;
        Assert.Equal("plain", file.Comment);
        Assert.Equal(PublicKey.ParseLine(Vector.Text("plain_key.pub")), key.PublicKey);
        Assert.Equal(Theirs, file.ToFile(BinaryPrimitives.ReadUInt32BigEndian(Unarmour(Theirs).AsSpan(CheckIntAt))));
    }

    [Theory]
    [InlineData("ecdsa", 256)]
    [InlineData("ecdsa", 384)]
    [InlineData("ecdsa", 521)]
    [InlineData("rsa", 3080)]
    public void Key_of_any_kind_is_written_back_byte_for_byte(string type, int bits)
    {
        using var folder = new TemporaryFolder();
        SshKeygen.Run("-q", "-t", type, "-b", $"{bits}", "-N", "", "-f", folder.File("key"));
        var theirs = File.ReadAllBytes(folder.File("key"));
        var file = Parse(theirs);
        using var key = file.Key;
        var checkIntAt = 15 + 8 + 8 + 4 + 4 + (4 + key.PublicKey.ToBlob().Length) + 4;
        Assert.Equal(theirs, file.ToFile(BinaryPrimitives.ReadUInt32BigEndian(Unarmour(theirs).AsSpan(checkIntAt))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("u")]
    [InlineData("user C")]
    [InlineData("user CA")]
    [InlineData("user CA of example.com, 2030")]
    public void Ssh_keygen_reads_what_we_write(string comment)
    {
        using var folder = new TemporaryFolder();
        using var privateKey = Ed25519PrivateKey.FromSeed(new byte[32]);
        var file = new OpenSshPrivateKey(privateKey, comment).ToFile(checkInt: 0x01020304);
        var path = folder.File("key", file);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var (exitCode, output) = SshKeygen.Run("-y", "-f", path);
        Assert.Equal((0, privateKey.PublicKey.ToLine(comment) + "\n"), (exitCode, output));
        Assert.Equal(comment, Parse(file).Comment);
    }

    [Fact]
    public void Lines_have_70_columns_and_end_in_LF()
    {
        var lines = Encoding.ASCII.GetString(Parse(Theirs).ToFile(1)).Split('\n');
        Assert.Equal("", lines[^1]);
        Assert.Equal(End, lines[^2] + "\n");
        Assert.All(lines[1..^3], line => Assert.Equal(70, line.Length));
        Assert.InRange(lines[^3].Length, 1, 70);
    }

    private static OpenSshPrivateKey Parse(byte[] file) => OpenSshPrivateKey.Parse(file, "PATH");

    private static byte[] Unarmour(byte[] file) => Convert.FromBase64String(Encoding.ASCII.GetString(file)[Begin.Length..^End.Length]);

    private static byte[] Armour(byte[] blob) => Encoding.ASCII.GetBytes($"{Begin}{Convert.ToBase64String(blob)}\n{End}");

    private static byte[] Changed(int at)
    {
        var blob = Unarmour(Theirs);
        blob[at] ^= 1;
        return Armour(blob);
    }

    private static byte[] Build(string cipher = "none", string options = "", uint keys = 1, byte[]? outer = null, byte[]? privateKeys = null, string trailing = "") =>
        Armour(new WireWriter().Raw("openssh-key-v1\0"u8).String(cipher).String("none").String(options).UInt32(keys)
            .String(outer ?? new Ed25519PublicKey(Numbers.Point(0)).ToBlob()).String(privateKeys ?? Private()).Raw(Encoding.ASCII.GetBytes(trailing)).ToArray());

    private static byte[] Private(uint secondCheckInt = 1, string type = "ssh-ed25519", int pk = 0, int pkBesideSeed = 0, string comment = "abc", byte[]? padding = null) =>
        new WireWriter().UInt32(1).UInt32(secondCheckInt).String(type).String(Numbers.Point((byte)pk))
            .String([.. new byte[32], .. Numbers.Point((byte)pkBesideSeed)]).String(comment).Raw(padding ?? [1, 2]).ToArray();

    // An RSA key with one of its numbers spoiled: n, e, d, iqmp, p, q. What is read nevertheless cannot sign, and so is not loaded.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Rsa_key_with_a_damaged_number_is_rejected(int spoiled)
    {
        var written = new WireWriter();
        Rsa.WriteFields(written);
        var numbers = new WireReader(written.ToArray());
        var changed = new WireWriter();
        for (var i = 0; !numbers.AtEnd; i++)
        {
            byte[] number = [.. numbers.MpInt("number")];
            number[^1] ^= (byte)(i == spoiled ? 2 : 0);
            changed.MpInt(number);
        }
        using var folder = new TemporaryFolder();
        var file = Armour(new WireWriter().Raw("openssh-key-v1\0"u8).String("none").String("none").String("").UInt32(1).String(Rsa.PublicKey.ToBlob())
            .String(Padded(new WireWriter().UInt32(1).UInt32(1).String("ssh-rsa").Raw(changed.ToArray()).String(""))).ToArray());
        File.SetUnixFileMode(folder.File("user_ca", file), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal(
            $"{folder.File("user_ca")}: the private key belongs to another public key",
            Assert.Throws<CaKeyException>(() => FileCaKey.LoadOrCreate(folder.File("user_ca"), CaPurpose.User)).Message);
    }

    private static byte[] Padded(WireWriter privateKeys)
    {
        for (byte padding = 1; privateKeys.Length % 8 != 0; padding++)
            privateKeys.Byte(padding);
        return privateKeys.ToArray();
    }

    public static readonly TheoryData<string, byte[], string> Refused = new()
    {
        { "nothing", [], "the file does not begin and end as an OpenSSH private key does, with lines that end in LF" },
        { "a public key", Vector.Bytes("plain_key.pub"), "the file does not begin and end as an OpenSSH private key does, with lines that end in LF" },
        { "no final newline", Theirs[..^1], "the file does not begin and end as an OpenSSH private key does, with lines that end in LF" },
        { "CRLF", Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(Theirs).ReplaceLineEndings("\r\n")), "the file does not begin and end as an OpenSSH private key does, with lines that end in LF" },
        { "two files", [.. Theirs, .. Theirs], "the private key is not base64" },
        { "overlapping armour", Encoding.ASCII.GetBytes("-----BEGIN OPENSSH PRIVATE KEY-----\n"), "the file does not begin and end as an OpenSSH private key does, with lines that end in LF" },
        { "other magic", Changed(0), "the armour does not hold an openssh-key-v1 key" },
        { "encrypted", Vector.Bytes("encrypted_key"), "the key is encrypted (aes256-ctr), and nobody is there to type a passphrase; run: ssh-keygen -p -N '' -f PATH" },
        { "PEM", "-----BEGIN RSA PRIVATE KEY-----\n"u8.ToArray(), "the key is in PEM, not in the format of OpenSSH; run: ssh-keygen -p -N '' -f PATH" },
        { "PKCS8", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"u8.ToArray(), "the key is in PEM, not in the format of OpenSSH; run: ssh-keygen -p -N '' -f PATH" },
        { "security key", Build(outer: Vector.Blob("sk_ed25519.pub")), "sk-ssh-ed25519@openssh.com is a security key, and those sign no certificates" },
        { "weak", Build(outer: Vector.Blob("rsa2048.pub")), "the rsa key has 2048 bits, not 3072 to 8192" },
        { "too long", Build(outer: new WireWriter().String("ssh-rsa").MpInt([1, 0, 1]).MpInt(Numbers.Modulus(4104)).ToArray(), privateKeys: Private(type: "ssh-rsa")), "the rsa key has more than 4096 bits, which makes certificates too long" },
        { "certificate", Build(outer: Vector.Blob("ed25519-cert.pub")), "ssh-ed25519-cert-v01@openssh.com is a certificate where a plain key belongs" },
        { "options", Build(options: "x"), "kdfoptions are not empty" },
        { "two keys", Build(keys: 2), "the file holds 2 keys, not 1" },
        { "trailing", Build(trailing: "x"), "private key file is followed by 1 bytes that do not belong to it (at byte 234)" },
        { "check numbers", Changed(CheckIntAt), "the check numbers differ" },
        { "other public key", Build(outer: new Ed25519PublicKey(Numbers.Point(1)).ToBlob()), "the private key belongs to another public key" },
        { "other type inside", Build(privateKeys: Private(type: "ssh-rsa")), "the private key is of another type than the public key" },
        { "other pk inside", Build(privateKeys: Private(pk: 1)), "the private key belongs to another public key" },
        { "other pk beside the seed", Build(privateKeys: Private(pkBesideSeed: 1)), "the private key belongs to another public key" },
        { "newline in comment", Build(privateKeys: Private(comment: "a\nb")), "the comment has control characters" },
        { "wrong padding", Build(privateKeys: Private(padding: [1, 3])), "the padding is not 1, 2, 3, ..." },
        { "short padding", Build(privateKeys: Private(padding: [1])), "the padding does not end at the next multiple of 8" },
        { "long padding", Build(privateKeys: Private(padding: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])), "the padding does not end at the next multiple of 8" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Malformed_file_is_rejected_with_the_reason(string fault, byte[] file, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => Parse(file)).Message);
    }

    [Fact]
    public void File_that_the_table_damages_is_valid() => Assert.Equal("abc", Parse(Build()).Comment);

    [Fact]
    public void Damaged_bytes_are_rejected_as_malformed()
    {
        var ecdsa = Unarmour(Vector.Bytes("ecdsa_key"));
        Spoiled.EveryTruncationIsRefused(ecdsa, blob => Parse(Armour(blob)));
        Spoiled.NoChangedByteDoesHarm(ecdsa, blob => Parse(Armour(blob)));
        Spoiled.EveryTruncationIsRefused(Theirs, file => Parse(file));
        Spoiled.NoChangedByteDoesHarm(Theirs, file => Parse(file));
        Spoiled.EveryTruncationIsRefused(Unarmour(Theirs), blob => Parse(Armour(blob)));
        Spoiled.NoChangedByteDoesHarm(Unarmour(Theirs), blob => Parse(Armour(blob)));
    }
}
