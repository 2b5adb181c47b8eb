using System.Text;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class PublicKeyTests
{
    public static readonly TheoryData<string> Vectors = [.. Vector.UserCertificates];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void A_key_of_ssh_keygen_is_read_and_written_back_to_the_letter(string name)
    {
        var line = Vector.Text($"{name}.pub");
        var key = PublicKey.ParseLine(line);
        Assert.Equal(line, key.ToLine($"alice's {name}") + "\n");
        Assert.Equal(Vector.Blob($"{name}.pub"), key.ToBlob());
        Assert.Equal(key, PublicKey.Parse(key.ToBlob()));
        Assert.Equal(key.GetHashCode(), PublicKey.Parse(key.ToBlob()).GetHashCode());
        Assert.NotEqual(key, PublicKey.ParseLine(Vector.Text("ca.pub")));
    }

    [Fact]
    public void An_ed25519_key_has_32_bytes()
    {
        var key = Assert.IsType<Ed25519PublicKey>(PublicKey.ParseLine(Vector.Text("ed25519.pub")));
        Assert.Equal(Vector.Blob("ed25519.pub").AsSpan()[^32..], key.Pk);
        Assert.Equal(key, new Ed25519PublicKey(key.Pk));
        Assert.Throws<ArgumentException>(() => new Ed25519PublicKey(new byte[31]));
    }

    [Theory]
    [InlineData("ecdsa256", "nistp256", 32)]
    [InlineData("ecdsa384", "nistp384", 48)]
    [InlineData("ecdsa521", "nistp521", 66)]
    public void An_ecdsa_key_has_a_curve_and_a_point(string name, string curve, int fieldLength)
    {
        var key = Assert.IsType<EcdsaPublicKey>(PublicKey.ParseLine(Vector.Text($"{name}.pub")));
        Assert.Equal((curve, fieldLength), (key.Curve.Name, key.Curve.FieldLength));
        Assert.Equal(Vector.Blob($"{name}.pub").AsSpan()[^(1 + (2 * fieldLength))..], key.Q);
    }

    [Fact]
    public void An_rsa_key_has_an_exponent_and_a_modulus()
    {
        var key = Assert.IsType<RsaPublicKey>(PublicKey.ParseLine(Vector.Text("rsa3072.pub")));
        Assert.Equal([1, 0, 1], key.E.ToArray());
        Assert.Equal(Vector.Blob("rsa3072.pub").AsSpan()[^384..], key.N);
    }

    [Fact]
    public void A_security_key_has_an_application_and_signs_no_certificate()
    {
        Assert.Equal("ssh:alice", Assert.IsType<SecurityKeyEd25519PublicKey>(PublicKey.ParseLine(Vector.Text("sk_ed25519.pub"))).Application);
        Assert.Equal("ssh:alice", Assert.IsType<SecurityKeyEcdsaPublicKey>(PublicKey.ParseLine(Vector.Text("sk_ecdsa256.pub"))).Application);
        Assert.Equal(
            "sk-ssh-ed25519@openssh.com is a security key, and those sign no certificates",
            Assert.Throws<SshFormatException>(() => SignatureKey.Parse(Vector.Blob("sk_ed25519.pub"))).Message);
    }

    [Theory]
    [InlineData("ssh:")]
    [InlineData("ssh:alice's token, the blue one")]
    public void An_application_begins_with_ssh(string application) =>
        PublicKey.Parse(Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String(application.PadRight(256)).ToArray());

    static readonly string Base64 = Convert.ToBase64String(Vector.Blob("ed25519.pub"));

    public static readonly TheoryData<string, string> RefusedLines = new()
    {
        { "", "a key line is a type, a blank and the key in base64" },
        { "ssh-ed25519", "a key line is a type, a blank and the key in base64" },
        { "ssh-ed25519 %%%", "the second word of the line is not base64" },
        { $"ssh-rsa {Base64}", "the line begins with another type than that of the key in it, ssh-ed25519" },
        { $"no-pty ssh-ed25519 {Base64}", "options stand before the key" },
        { $"command=\"id -u\" ssh-ed25519 {Base64}", "options stand before the key" },
        { $"cert-authority ssh-ed25519 {Base64} ca", "options stand before the key" },
        { $"verify-required {Vector.Text("sk_ed25519.pub")}", "options stand before the key" },
        { $"ssh-ed25519 {Base64}\nssh-ed25519 {Base64}", "more than one line where one key belongs" },
        { $"ssh-ed25519 {Base64}\n\n", "more than one line where one key belongs" },
        { $"ssh-ed25519 {Base64}\rssh-ed25519 {Base64}", "more than one line where one key belongs" },
        { Vector.Text("plain_key"), "this is a private key, and must stay where it is; the public key is in the .pub file beside it" },
        { Vector.Text("ed25519-cert.pub"), "ssh-ed25519-cert-v01@openssh.com is a certificate where a plain key belongs" },
        { Vector.Text("sk_ecdsa256-cert.pub"), "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com is a certificate where a plain key belongs" },
        { Vector.Text("rsa2048.pub"), "the rsa key has 2048 bits, not 3072 to 8192" },
    };

    [Theory]
    [MemberData(nameof(RefusedLines))]
    public void A_line_is_refused_with_the_reason(string line, string reason) =>
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => PublicKey.ParseLine(line)).Message);

    [Theory]
    [InlineData("ssh-ed25519 {0}")]
    [InlineData("ssh-ed25519 {0}\n")]
    [InlineData("ssh-ed25519 {0}\r\n")]
    [InlineData("  ssh-ed25519\t{0}   alice's key ssh-rsa\n")]
    public void A_line_may_have_a_comment_and_a_newline(string line) =>
        Assert.Equal(PublicKey.Parse(Vector.Blob("ed25519.pub")), PublicKey.ParseLine(string.Format(null, CompositeFormat.Parse(line), Base64)));

    [Fact]
    public void A_comment_can_not_begin_a_second_line() =>
        Assert.Throws<ArgumentException>(() => PublicKey.Parse(Vector.Blob("ed25519.pub")).ToLine("a\nb"));

    static WireWriter Key(string type) => new WireWriter().String(type);

    static byte[] Point(string name, byte form, int changedByte)
    {
        byte[] q = [.. ((EcdsaPublicKey)PublicKey.Parse(Vector.Blob($"{name}.pub"))).Q];
        q[0] = form;
        q[changedByte] ^= (byte)(changedByte == 0 ? 0 : 1);
        return q;
    }

    static byte[] Modulus(int bits, bool odd = true)
    {
        var n = new byte[(bits + 7) / 8];
        n[0] = (byte)(1 << ((bits - 1) % 8));
        n[^1] |= (byte)(odd ? 1 : 0);
        return n;
    }

    public static readonly TheoryData<string, byte[], string> RefusedBlobs = new()
    {
        { "nothing", [], "the length of key type needs 4 bytes, 0 are left (at byte 0)" },
        { "unknown type", Key("ssh-dss").ToArray(), "key type ssh-dss is not supported" },
        { "type that forges a line", Key("ssh\nroot").ToArray(), "key type is not a name of 1 to 64 printable characters (at byte 0)" },
        { "ed25519, short", Key("ssh-ed25519").String(new byte[31]).ToArray(), "pk is 31 bytes long, not 32 (at byte 15)" },
        { "ed25519, long", Key("ssh-ed25519").String(new byte[33]).ToArray(), "pk is 33 bytes long, not 32 (at byte 15)" },
        { "ed25519, trailing", Key("ssh-ed25519").String(new byte[32]).Byte(0).ToArray(), "public key is followed by 1 bytes that do not belong to it (at byte 51)" },
        { "ecdsa, other curve", Key("ecdsa-sha2-nistp256").String("nistp384").ToArray(), "the curve is nistp384 in a key for nistp256" },
        { "ecdsa, compressed", Key("ecdsa-sha2-nistp256").String("nistp256").String([2, .. Point("ecdsa256", 4, 0).AsSpan(1, 32)]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, hybrid form", Key("ecdsa-sha2-nistp256").String("nistp256").String(Point("ecdsa256", 6, 0)).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, x off the curve", Key("ecdsa-sha2-nistp256").String("nistp256").String(Point("ecdsa256", 4, 32)).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, y off the curve", Key("ecdsa-sha2-nistp384").String("nistp384").String(Point("ecdsa384", 4, 96)).ToArray(), "Q is not an uncompressed point of nistp384" },
        { "ecdsa, 521 off the curve", Key("ecdsa-sha2-nistp521").String("nistp521").String(Point("ecdsa521", 4, 132)).ToArray(), "Q is not an uncompressed point of nistp521" },
        { "ecdsa, infinity", Key("ecdsa-sha2-nistp256").String("nistp256").String([0]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, zeros", Key("ecdsa-sha2-nistp256").String("nistp256").String([4, .. new byte[64]]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "rsa, e even", Key("ssh-rsa").MpInt([4]).MpInt(Modulus(3072)).ToArray(), "the exponent of the rsa key is not an odd number from 3 to 2^32-1" },
        { "rsa, e one", Key("ssh-rsa").MpInt([1]).MpInt(Modulus(3072)).ToArray(), "the exponent of the rsa key is not an odd number from 3 to 2^32-1" },
        { "rsa, e zero", Key("ssh-rsa").MpInt([]).MpInt(Modulus(3072)).ToArray(), "the exponent of the rsa key is not an odd number from 3 to 2^32-1" },
        { "rsa, e large", Key("ssh-rsa").MpInt([1, 0, 0, 0, 1]).MpInt(Modulus(3072)).ToArray(), "the exponent of the rsa key is not an odd number from 3 to 2^32-1" },
        { "rsa, e negative", Key("ssh-rsa").String([0x81]).MpInt(Modulus(3072)).ToArray(), "e is negative (at byte 11)" },
        { "rsa, e padded", Key("ssh-rsa").String([0, 3]).MpInt(Modulus(3072)).ToArray(), "e has a leading zero it does not need (at byte 11)" },
        { "rsa, 3071 bits", Key("ssh-rsa").MpInt([3]).MpInt(Modulus(3071)).ToArray(), "the rsa key has 3071 bits, not 3072 to 8192" },
        { "rsa, 8193 bits", Key("ssh-rsa").MpInt([3]).MpInt(Modulus(8193)).ToArray(), "the rsa key has 8193 bits, not 3072 to 8192" },
        { "rsa, no modulus", Key("ssh-rsa").MpInt([3]).MpInt([]).ToArray(), "the rsa key has 0 bits, not 3072 to 8192" },
        { "security key, short", Key("sk-ssh-ed25519@openssh.com").String(new byte[31]).String("ssh:").ToArray(), "pk is 31 bytes long, not 32 (at byte 30)" },
        { "security key without an application", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).ToArray(), "the length of application needs 4 bytes, 0 are left (at byte 66)" },
        { "security key of a web page", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("https://example.com").ToArray(), "the security key was not made for ssh: its application does not begin with ssh:" },
        { "security key, application in capitals", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("SSH:").ToArray(), "the security key was not made for ssh: its application does not begin with ssh:" },
        { "security key, application not printable", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("ssh:a\nb").ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, application not ascii", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("ssh:å").ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, application too long", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("ssh:" + new string('a', 253)).ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, trailing", Key("sk-ssh-ed25519@openssh.com").String(new byte[32]).String("ssh:").Byte(0).ToArray(), "public key is followed by 1 bytes that do not belong to it (at byte 74)" },
        { "security key, x off the curve", Key("sk-ecdsa-sha2-nistp256@openssh.com").String("nistp256").String(Point("ecdsa256", 4, 32)).String("ssh:").ToArray(), "Q is not an uncompressed point of nistp256" },
        { "security key, other curve", Key("sk-ecdsa-sha2-nistp256@openssh.com").String("nistp384").String(Point("ecdsa384", 4, 0)).String("ssh:").ToArray(), "the curve is nistp384 in a key for nistp256" },
        { "security key on a curve that none has", Key("sk-ecdsa-sha2-nistp384@openssh.com").String("nistp384").String(Point("ecdsa384", 4, 0)).String("ssh:").ToArray(), "key type sk-ecdsa-sha2-nistp384@openssh.com is not supported" },
        { "rsa, even", Key("ssh-rsa").MpInt([3]).MpInt(Modulus(3072, odd: false)).ToArray(), "the modulus of the rsa key is even" },
    };

    [Theory]
    [MemberData(nameof(RefusedBlobs))]
    public void A_blob_is_refused_with_the_reason(string fault, byte[] blob, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => PublicKey.Parse(blob)).Message);
    }

    // A point with a small x, and the same with p added to x: one point must not have two encodings.
    [Fact]
    public void A_coordinate_is_less_than_p()
    {
        const string y = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
        Assert.True(EcdsaCurve.NistP256.Contains(Convert.FromHexString("040000000000000000000000000000000000000000000000000000000000000005" + y)));
        Assert.False(EcdsaCurve.NistP256.Contains(Convert.FromHexString("04ffffffff00000001000000000000000000000001000000000000000000000004" + y)));
    }

    [Theory]
    [InlineData(3072)]
    [InlineData(8192)]
    public void The_bounds_of_an_rsa_modulus_belong_to_it(int bits) =>
        Assert.IsType<RsaPublicKey>(PublicKey.Parse(Key("ssh-rsa").MpInt([255, 255, 255, 255]).MpInt(Modulus(bits)).ToArray()));

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Spoiled_bytes_are_refused_as_bad_bytes(string name)
    {
        Spoiled.EveryTruncationIsRefused(Vector.Blob($"{name}.pub"), blob => PublicKey.Parse(blob));
        Spoiled.NoChangedByteDoesHarm(Vector.Blob($"{name}.pub"), blob => PublicKey.Parse(blob));
    }
}
