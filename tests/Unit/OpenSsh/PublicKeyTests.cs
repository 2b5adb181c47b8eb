using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class PublicKeyTests
{
    public static readonly TheoryData<string> Vectors = [.. Vector.UserCertificates];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Key_from_ssh_keygen_reads_and_writes_back_unchanged(string name)
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
        PublicKey.Parse(Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String(application.PadRight(256)).ToArray());

    private static readonly string Base64 = Convert.ToBase64String(Vector.Blob("ed25519.pub"));

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
    public void Malformed_line_is_rejected_with_the_reason(string line, string reason) =>
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => PublicKey.ParseLine(line)).Message);

    [Theory]
    [InlineData("ssh-ed25519 {0}")]
    [InlineData("ssh-ed25519 {0}\n")]
    [InlineData("ssh-ed25519 {0}\r\n")]
    [InlineData("  ssh-ed25519\t{0}   alice's key ssh-rsa\n")]
    public void A_line_may_have_a_comment_and_a_newline(string line) =>
        Assert.Equal(PublicKey.Parse(Vector.Blob("ed25519.pub")), PublicKey.ParseLine(string.Format(null, CompositeFormat.Parse(line), Base64)));

    [Fact]
    public void A_comment_cannot_begin_a_second_line() =>
        Assert.Throws<ArgumentException>(() => PublicKey.Parse(Vector.Blob("ed25519.pub")).ToLine("a\nb"));

    private static WireWriter Key(string type) => new WireWriter().String(type);

    private static byte[] Point(string name, byte form, int changedByte)
    {
        byte[] q = [.. ((EcdsaPublicKey)PublicKey.Parse(Vector.Blob($"{name}.pub"))).Q];
        q[0] = form;
        q[changedByte] ^= (byte)(changedByte == 0 ? 0 : 1);
        return q;
    }

    private static byte[] Rsa(byte[] e, byte[] n) => Key("ssh-rsa").MpInt(e).MpInt(n).ToArray();

    private static byte[] Ed25519(string pk) => Key("ssh-ed25519").String(Convert.FromHexString(pk)).ToArray();

    private static byte[] SecurityKey(string pk) => Key("sk-ssh-ed25519@openssh.com").String(Convert.FromHexString(pk)).String("ssh:").ToArray();

    private static byte[] Ecdsa(string curve, byte[] q) => Key($"ecdsa-sha2-{curve}").String(curve).String(q).ToArray();

    private static byte[] BasePoint(string name, ECCurve curve)
    {
        var g = ECDsa.Create(new ECParameters { Curve = curve, D = [.. new byte[(name == "nistp521" ? 66 : name == "nistp384" ? 48 : 32) - 1], 1] }).ExportParameters(false).Q;
        return Ecdsa(name, [4, .. g.X!, .. g.Y!]);
    }

    private static byte[] Times(byte[] odd, int factor) => (new BigInteger(odd, isUnsigned: true, isBigEndian: true) * factor).ToByteArray(isUnsigned: true, isBigEndian: true);

    // Two factors that agree in their first half.
    private static byte[] CloseFactors()
    {
        var p = ((BigInteger)3 << 1534) + 1;
        while (BigInteger.GreatestCommonDivisor(p * (p + 2), Enumerable.Range(2, 10_000).Aggregate(BigInteger.One, (all, one) => all * one)) != 1)
            p += 2;
        return (p * (p + 2)).ToByteArray(isUnsigned: true, isBigEndian: true);
    }

    private const string SmallOrder = "pk is a point of small order, for which anybody can sign";
    private const string OneForm = "pk is not in the one form that RFC 8032 has for its point";
    private const string Exponent = "the exponent of the rsa key is not 65537";
    private const string SmallFactor = "the modulus of the rsa key has a small factor, so anybody can find its private key";
    private const string KnownKey = "Q is the base point, whose private key everybody knows";

    /// <summary>Keys that can be used without a private key, or that are written in another form than their own.</summary>
    public static readonly TheoryData<string, byte[], string> BadKeys = new()
    {
        { "ed25519, neutral element", Ed25519("01" + new string('0', 62)), SmallOrder },
        { "ed25519, neutral element with a sign", Ed25519("01" + new string('0', 60) + "80"), SmallOrder },
        { "ed25519, order 2", Ed25519("ec" + new string('f', 60) + "7f"), SmallOrder },
        { "ed25519, order 2 with a sign", Ed25519("ec" + new string('f', 62)), SmallOrder },
        { "ed25519, order 4", Ed25519(new string('0', 64)), SmallOrder },
        { "ed25519, order 4 with a sign", Ed25519(new string('0', 62) + "80"), SmallOrder },
        { "ed25519, order 8", Ed25519("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), SmallOrder },
        { "ed25519, order 8 with a sign", Ed25519("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"), SmallOrder },
        { "ed25519, another of order 8", Ed25519("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), SmallOrder },
        { "ed25519, another of order 8 with a sign", Ed25519("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"), SmallOrder },
        { "ed25519, p for 0", Ed25519("ed" + new string('f', 60) + "7f"), OneForm },
        { "ed25519, p + 1 for 1", Ed25519("ee" + new string('f', 60) + "7f"), OneForm },
        { "ed25519, 2^255 - 1", Ed25519(new string('f', 62) + "7f"), OneForm },
        { "ed25519, all bits", Ed25519(new string('f', 64)), OneForm },
        { "ed25519, base point", Ed25519("58" + new string('6', 62)), "pk is the base point, whose private key everybody knows" },
        { "ed25519, base point with a sign", Ed25519("58" + new string('6', 60) + "e6"), "pk is the base point, whose private key everybody knows" },
        { "security key, small order", SecurityKey(new string('0', 64)), SmallOrder },
        { "security key, another form", SecurityKey(new string('f', 64)), OneForm },
        { "ecdsa, 256 base point", BasePoint("nistp256", ECCurve.NamedCurves.nistP256), KnownKey },
        { "ecdsa, 384 base point", BasePoint("nistp384", ECCurve.NamedCurves.nistP384), KnownKey },
        { "ecdsa, 521 base point", BasePoint("nistp521", ECCurve.NamedCurves.nistP521), KnownKey },
        { "rsa, e 3", Rsa([3], Numbers.Modulus(3072)), Exponent },
        { "rsa, e 65539", Rsa([1, 0, 3], Numbers.Modulus(3072)), Exponent },
        { "rsa, e even", Rsa([4], Numbers.Modulus(3072)), Exponent },
        { "rsa, e one", Rsa([1], Numbers.Modulus(3072)), Exponent },
        { "rsa, e zero", Rsa([], Numbers.Modulus(3072)), Exponent },
        { "rsa, e large", Rsa([1, 0, 0, 0, 1], Numbers.Modulus(3072)), Exponent },
        { "rsa, e negative", Key("ssh-rsa").String([0x81]).MpInt(Numbers.Modulus(3072)).ToArray(), "e is negative (at byte 11)" },
        { "rsa, e padded", Key("ssh-rsa").String([0, 1, 0, 1]).MpInt(Numbers.Modulus(3072)).ToArray(), "e has a leading zero it does not need (at byte 11)" },
        { "rsa, n negative", Key("ssh-rsa").MpInt([1, 0, 1]).String(Numbers.Modulus(3072)).ToArray(), "n is negative (at byte 18)" },
        { "rsa, n padded", Key("ssh-rsa").MpInt([1, 0, 1]).String([0, 0, .. Numbers.Modulus(3072)]).ToArray(), "n has a leading zero it does not need (at byte 18)" },
        { "rsa, n even", Rsa([1, 0, 1], Times(Numbers.Modulus(3072), 2)), SmallFactor },
        { "rsa, n with the factor 3", Rsa([1, 0, 1], Times(Numbers.Modulus(3072), 3)), SmallFactor },
        { "rsa, n with the factor 8191", Rsa([1, 0, 1], Times(Numbers.Modulus(3072), 8191)), SmallFactor },
        { "rsa, n of close factors", Rsa([1, 0, 1], CloseFactors()), "the factors of the rsa key are too close to each other, so anybody can find its private key" },
        { "rsa, 3071 bits", Rsa([1, 0, 1], (BigInteger.One << 3070 | 1).ToByteArray(true, true)), "the rsa key has 3071 bits, not 3072 to 8192" },
        { "rsa, 8193 bits", Rsa([1, 0, 1], (BigInteger.One << 8192 | 1).ToByteArray(true, true)), "the rsa key has 8193 bits, not 3072 to 8192" },
        { "rsa, no modulus", Rsa([1, 0, 1], []), "the rsa key has 0 bits, not 3072 to 8192" },
    };

    [Theory]
    [MemberData(nameof(BadKeys))]
    public void Bad_key_is_refused(string fault, byte[] blob, string reason) => Malformed_blob_is_rejected_with_the_reason(fault, blob, reason);

    [Theory]
    [MemberData(nameof(BadKeys))]
    public void Bad_key_of_another_authority_is_refused_too(string fault, byte[] blob, string reason)
    {
        var line = $"{new WireReader(blob).Name("type")} {Convert.ToBase64String(blob)}";
        if (fault == "rsa, 3071 bits")
            reason = SmallFactor;
        Assert.Equal(reason.Replace("3072 to", "1024 to", StringComparison.Ordinal), Assert.Throws<SshFormatException>(() => PublicKey.ParseOtherAuthority(line)).Message);
    }

    [Fact]
    public void Another_authority_may_have_a_shorter_key() => Assert.IsType<RsaPublicKey>(PublicKey.ParseOtherAuthority(Vector.Text("rsa2048.pub")));

    public static readonly TheoryData<string, byte[], string> RefusedBlobs = new()
    {
        { "nothing", [], "the length of key type needs 4 bytes, 0 are left (at byte 0)" },
        { "unknown type", Key("ssh-dss").ToArray(), "key type ssh-dss is not supported" },
        { "type that forges a line", Key("ssh\nroot").ToArray(), "key type is not a name of 1 to 64 printable characters (at byte 0)" },
        { "ed25519, short", Key("ssh-ed25519").String(new byte[31]).ToArray(), "pk is 31 bytes long, not 32 (at byte 15)" },
        { "ed25519, long", Key("ssh-ed25519").String(new byte[33]).ToArray(), "pk is 33 bytes long, not 32 (at byte 15)" },
        { "ed25519, trailing", Key("ssh-ed25519").String(Numbers.Point()).Byte(0).ToArray(), "public key is followed by 1 bytes that do not belong to it (at byte 51)" },
        { "ecdsa, other curve", Key("ecdsa-sha2-nistp256").String("nistp384").ToArray(), "the curve is nistp384 in a key for nistp256" },
        { "ecdsa, compressed", Key("ecdsa-sha2-nistp256").String("nistp256").String([2, .. Point("ecdsa256", 4, 0).AsSpan(1, 32)]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, hybrid form", Key("ecdsa-sha2-nistp256").String("nistp256").String(Point("ecdsa256", 6, 0)).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, x off the curve", Key("ecdsa-sha2-nistp256").String("nistp256").String(Point("ecdsa256", 4, 32)).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, y off the curve", Key("ecdsa-sha2-nistp384").String("nistp384").String(Point("ecdsa384", 4, 96)).ToArray(), "Q is not an uncompressed point of nistp384" },
        { "ecdsa, 521 off the curve", Key("ecdsa-sha2-nistp521").String("nistp521").String(Point("ecdsa521", 4, 132)).ToArray(), "Q is not an uncompressed point of nistp521" },
        { "ecdsa, infinity", Key("ecdsa-sha2-nistp256").String("nistp256").String([0]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "ecdsa, zeros", Key("ecdsa-sha2-nistp256").String("nistp256").String([4, .. new byte[64]]).ToArray(), "Q is not an uncompressed point of nistp256" },
        { "security key, short", Key("sk-ssh-ed25519@openssh.com").String(new byte[31]).String("ssh:").ToArray(), "pk is 31 bytes long, not 32 (at byte 30)" },
        { "security key without an application", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).ToArray(), "the length of application needs 4 bytes, 0 are left (at byte 66)" },
        { "security key of a web page", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("https://example.com").ToArray(), "the security key was not made for ssh: its application does not begin with ssh:" },
        { "security key, application in capitals", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("SSH:").ToArray(), "the security key was not made for ssh: its application does not begin with ssh:" },
        { "security key, application not printable", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("ssh:a\nb").ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, application not ascii", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("ssh:å").ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, application too long", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("ssh:" + new string('a', 253)).ToArray(), "the application of the security key is not up to 256 printable characters" },
        { "security key, trailing", Key("sk-ssh-ed25519@openssh.com").String(Numbers.Point()).String("ssh:").Byte(0).ToArray(), "public key is followed by 1 bytes that do not belong to it (at byte 74)" },
        { "security key, x off the curve", Key("sk-ecdsa-sha2-nistp256@openssh.com").String("nistp256").String(Point("ecdsa256", 4, 32)).String("ssh:").ToArray(), "Q is not an uncompressed point of nistp256" },
        { "security key, other curve", Key("sk-ecdsa-sha2-nistp256@openssh.com").String("nistp384").String(Point("ecdsa384", 4, 0)).String("ssh:").ToArray(), "the curve is nistp384 in a key for nistp256" },
        { "security key on a curve that none has", Key("sk-ecdsa-sha2-nistp384@openssh.com").String("nistp384").String(Point("ecdsa384", 4, 0)).String("ssh:").ToArray(), "key type sk-ecdsa-sha2-nistp384@openssh.com is not supported" },
    };

    [Theory]
    [MemberData(nameof(RefusedBlobs))]
    public void Malformed_blob_is_rejected_with_the_reason(string fault, byte[] blob, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => PublicKey.Parse(blob)).Message);
    }

    // A point with a small x, and the same with p added to x: one point must not have two encodings.
    [Fact]
    public void Coordinate_must_be_less_than_p()
    {
        const string y = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
        Assert.True(EcdsaCurve.NistP256.Contains(Convert.FromHexString("040000000000000000000000000000000000000000000000000000000000000005" + y)));
        Assert.False(EcdsaCurve.NistP256.Contains(Convert.FromHexString("04ffffffff00000001000000000000000000000001000000000000000000000004" + y)));
    }

    [Theory]
    [InlineData(3072)]
    [InlineData(8192)]
    public void Rsa_modulus_bounds_are_inclusive(int bits) =>
        Assert.IsType<RsaPublicKey>(PublicKey.Parse(Key("ssh-rsa").MpInt([1, 0, 1]).MpInt(Numbers.Modulus(bits)).ToArray()));

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Damaged_bytes_are_rejected_as_malformed(string name)
    {
        Spoiled.EveryTruncationIsRefused(Vector.Blob($"{name}.pub"), blob => PublicKey.Parse(blob));
        Spoiled.NoChangedByteDoesHarm(Vector.Blob($"{name}.pub"), blob => PublicKey.Parse(blob));
    }
}
