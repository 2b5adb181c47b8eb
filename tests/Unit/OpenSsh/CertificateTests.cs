using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class CertificateTests
{
    private const ulong Year2030 = 1_893_456_000;

    public static readonly TheoryData<string> Vectors = [.. Vector.UserCertificates];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Certificate_from_ssh_keygen_is_read_field_by_field(string name)
    {
        var line = Vector.Text($"{name}-cert.pub");
        var certificate = Certificate.ParseLine(line);

        Assert.Equal(32, certificate.Nonce.Length);
        Assert.Equal(PublicKey.ParseLine(Vector.Text($"{name}.pub")), certificate.Key);
        Assert.Equal(42ul, certificate.Serial);
        Assert.Equal(CertificateType.User, certificate.Type);
        Assert.Equal($"alice:{name}", certificate.KeyId);
        Assert.Equal(["postgres", "alice@db1"], certificate.Principals);
        Assert.Equal(Year2030, certificate.ValidAfter);
        Assert.Equal(Year2030 + 3600, certificate.ValidBefore);
        Assert.Empty(certificate.CriticalOptions);
        Assert.Equal(
            ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty"], certificate.Extensions.Select(o => o.Name));
        Assert.All(certificate.Extensions, extension => Assert.True(extension.Data.IsEmpty));
        Assert.True(certificate.Reserved.IsEmpty);
        Assert.Equal(Vector.CaOf(name), certificate.SignatureKey);
        Assert.Equal("ssh-ed25519", certificate.SignatureAlgorithm);
        Assert.Equal(64, certificate.SignatureBlob.Length);
        Assert.Equal(Vector.Blob($"{name}-cert.pub")[..^(4 + 4 + 11 + 4 + 64)], certificate.SignedBytes.ToArray());
        Assert.Equal(line, Certificate.ToLine(Vector.Blob($"{name}-cert.pub"), $"alice's {name}") + "\n");
    }

    [Fact]
    public void Options_are_read_with_their_data()
    {
        var certificate = Certificate.ParseLine(Vector.Text("options-cert.pub"));
        Assert.Equal(
            [("force-command", Value("/usr/bin/id -u")), ("source-address", Value("192.0.2.0/24,2001:db8::/32"))], Options(certificate.CriticalOptions));
        Assert.Equal([("login@example.com", Value("alice")), ("permit-port-forwarding", "")], Options(certificate.Extensions));
        Assert.Equal(ulong.MaxValue, certificate.Serial);
        Assert.Equal("ecdsa-sha2-nistp384", certificate.SignatureAlgorithm);
        Assert.Equal(PublicKey.ParseLine(Vector.Text("ecdsa_ca.pub")), certificate.SignatureKey);

        static string Value(string text) => Convert.ToHexString(new WireWriter().String(text).ToArray());
        static IEnumerable<(string, string)> Options(IEnumerable<CertificateOption> options) =>
            options.Select(option => (option.Name, Convert.ToHexString(option.Data.Span)));
    }

    [Fact]
    public void Host_certificate_can_be_unlimited_and_for_all_names()
    {
        var certificate = Certificate.ParseLine(Vector.Text("host-cert.pub"));
        Assert.Equal(CertificateType.Host, certificate.Type);
        Assert.Equal("db1", certificate.KeyId);
        Assert.Equal((0ul, ulong.MaxValue, 0ul), (certificate.ValidAfter, certificate.ValidBefore, certificate.Serial));
        Assert.Empty(certificate.Principals);
        Assert.Empty(certificate.Extensions);
        Assert.Equal("rsa-sha2-512", certificate.SignatureAlgorithm);
        Assert.Equal(384, certificate.SignatureBlob.Length);
    }

    private static readonly CertificateBytes Good = new();

    private static byte[] Packed(params string[] strings) => CertificateBytes.Packed(strings);

    private static byte[] Signature(string algorithm) => new WireWriter().String(algorithm).String(new byte[64]).ToArray();

    public static readonly TheoryData<string, byte[], string> Refused = new()
    {
        { "a plain key", Vector.Blob("ed25519.pub"), "ssh-ed25519 is not the type of a certificate for keys that are supported" },
        { "unknown key type", (Good with { Type = "ssh-dss-cert-v01@openssh.com" }).ToBlob(), "ssh-dss-cert-v01@openssh.com is not the type of a certificate for keys that are supported" },
        { "type with the vendor inside", (Good with { Type = "sk-ssh-ed25519@openssh.com-cert-v01@openssh.com" }).ToBlob(), "sk-ssh-ed25519@openssh.com-cert-v01@openssh.com is not the type of a certificate for keys that are supported" },
        { "nested type", (Good with { Type = "ssh-ed25519-cert-v01@openssh.com-cert-v01@openssh.com" }).ToBlob(), "ssh-ed25519-cert-v01@openssh.com-cert-v01@openssh.com is not the type of a certificate for keys that are supported" },
        { "short key", (Good with { KeyFields = new WireWriter().String(new byte[31]).ToArray() }).ToBlob(), "pk is 31 bytes long, not 32 (at byte 72)" },
        { "neither user nor host", (Good with { CertificateType = 3 }).ToBlob(), "certificate type 3 is neither user (1) nor host (2)" },
        { "NUL in key id", (Good with { KeyId = [0x61, 0] }).ToBlob(), "key id has a NUL in it (at byte 120)" },
        { "key id not text", (Good with { KeyId = [0xff] }).ToBlob(), "key id is not utf-8 (at byte 120)" },
        { "principal cut short", (Good with { Principals = [0, 0, 0, 9, 0x61] }).ToBlob(), "principal needs 9 bytes, 1 are left (at byte 133)" },
        { "257 principals", (Good with { Principals = Packed([.. Enumerable.Range(0, 257).Select(i => $"u{i}")]) }).ToBlob(), "there are more than 256 principals" },
        { "option without data", (Good with { CriticalOptions = Packed("force-command") }).ToBlob(), "the length of data of force-command needs 4 bytes, 0 are left (at byte 195)" },
        { "value not nested", (Good with { CriticalOptions = Packed("force-command", "id") }).ToBlob(), "the length of value of force-command needs 4 bytes, 2 are left (at byte 199)" },
        { "value nested twice over", (Good with { CriticalOptions = new WireWriter().String("source-address").String(Packed("::1", "::2")).ToArray() }).ToBlob(), "value of source-address is followed by 7 bytes that do not belong to it (at byte 207)" },
        { "data on a flag", (Good with { Extensions = Packed("permit-pty", "yes") }).ToBlob(), "flag permit-pty is followed by 3 bytes that do not belong to it (at byte 200)" },
        { "disorder", (Good with { Extensions = Packed("permit-pty", "", "permit-agent-forwarding", "") }).ToBlob(), "extension permit-agent-forwarding does not stand in ascending order" },
        { "name twice", (Good with { Extensions = Packed("permit-pty", "", "permit-pty", "") }).ToBlob(), "extension permit-pty does not stand in ascending order" },
        { "nameless extension", (Good with { Extensions = Packed("", "") }).ToBlob(), "extension name is not a name of 1 to 64 printable characters (at byte 182)" },
        { "certificate as signature key", (Good with { SignatureKey = Vector.Blob("ed25519-cert.pub") }).ToBlob(), "ssh-ed25519-cert-v01@openssh.com is a certificate where a plain key belongs" },
        { "security key as signature key", (Good with { SignatureKey = Vector.Blob("sk_ed25519.pub") }).ToBlob(), "sk-ssh-ed25519@openssh.com is a security key, and those sign no certificates" },
        { "weak signature key", (Good with { SignatureKey = Vector.Blob("rsa2048.pub") }).ToBlob(), "the rsa key has 2048 bits, not 3072 to 8192" },
        { "signature of another kind", (Good with { Signature = Signature("ecdsa-sha2-nistp256") }).ToBlob(), "signature ecdsa-sha2-nistp256 is not one that a key of type ssh-ed25519 makes" },
        { "SHA-1 signature", (Good with { SignatureKey = Vector.Blob("rsa3072.pub"), Signature = Signature("ssh-rsa") }).ToBlob(), "signature ssh-rsa is not one that a key of type ssh-rsa makes" },
        { "trailing in signature", (Good with { Signature = [.. Signature("ssh-ed25519"), 0] }).ToBlob(), "signature is followed by 1 bytes that do not belong to it (at byte 376)" },
        { "trailing", [.. Good.ToBlob(), 0], "certificate is followed by 1 bytes that do not belong to it (at byte 376)" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Malformed_certificate_is_rejected_with_the_reason(string fault, byte[] blob, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => Certificate.Parse(blob)).Message);
    }

    [Fact]
    public void Certificate_that_the_table_damages_is_valid() => Assert.Equal("alice", Certificate.Parse(Good.ToBlob()).KeyId);

    [Fact]
    public void Line_must_name_the_type_of_its_certificate()
    {
        var line = Vector.Text("ed25519-cert.pub").Replace("ssh-ed25519-cert", "ssh-rsa-cert", StringComparison.Ordinal);
        Assert.Equal(
            "the line begins with another type than that of the key in it, ssh-ed25519-cert-v01@openssh.com",
            Assert.Throws<SshFormatException>(() => Certificate.ParseLine(line)).Message);
    }

    [Theory]
    [InlineData("ed25519")]
    [InlineData("ecdsa521")]
    [InlineData("rsa3072")]
    [InlineData("sk_ed25519")]
    [InlineData("sk_ecdsa256")]
    [InlineData("options")]
    [InlineData("host")]
    public void Damaged_bytes_are_rejected_as_malformed(string name)
    {
        var blob = Vector.Blob($"{name}-cert.pub");
        Spoiled.EveryTruncationIsRefused(blob, bytes => Certificate.Parse(bytes));
        Spoiled.NoChangedByteDoesHarm(blob, bytes => Certificate.Parse(bytes));
    }
}
