using System.Text;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class CertificateLintTests
{
    private static readonly CertificateBytes Good = new();

    private static byte[] Packed(params string[] strings) => CertificateBytes.Packed(strings);

    private static byte[] Option(string name, string value) => [.. Packed(name), .. new WireWriter().String(new WireWriter().String(value)).ToArray()];

    private static byte[] Ascii(string text) => Encoding.Latin1.GetBytes(text);

    private static byte[] Principals(int count, int length) => Packed([.. Enumerable.Range(0, count).Select(i => $"u{i}".PadRight(length, '-'))]);

    [Fact]
    public void A_certificate_without_a_fault_passes() => Assert.Empty(CertificateLint.Faults(Good.ToBeSigned(), CertificateType.User));

    [Theory]
    [InlineData("ed25519")]
    [InlineData("ecdsa256")]
    [InlineData("ecdsa384")]
    [InlineData("ecdsa521")]
    [InlineData("rsa3072")]
    [InlineData("sk_ed25519")]
    [InlineData("sk_ecdsa256")]
    public void Certificate_from_ssh_keygen_passes(string name) =>
        Assert.Empty(CertificateLint.Faults(Certificate.ParseLine(Vector.Text($"{name}-cert.pub")).SignedBytes.Span, CertificateType.User));

    public static readonly TheoryData<string, byte[], string> OneFaultEach = new()
    {
        { "not a certificate", Vector.Blob("ed25519.pub"), "ssh-ed25519 is not the type of a certificate for keys that are supported" },
        { "unknown key type", (Good with { Type = "ssh-dss-cert-v01@openssh.com" }).ToBeSigned(), "ssh-dss-cert-v01@openssh.com is not the type of a certificate for keys that are supported" },
        { "type with the vendor inside", (Good with { Type = "sk-ssh-ed25519@openssh.com-cert-v01@openssh.com" }).ToBeSigned(), "sk-ssh-ed25519@openssh.com-cert-v01@openssh.com is not the type of a certificate for keys that are supported" },
        { "short nonce", (Good with { Nonce = new byte[31] }).ToBeSigned(), "the nonce is not 32 bytes long" },
        { "short key", (Good with { KeyFields = new WireWriter().String(new byte[31]).ToArray() }).ToBeSigned(), "pk is 31 bytes long, not 32 (at byte 72)" },
        { "serial 0", (Good with { Serial = 0 }).ToBeSigned(), "the serial is not from 1 to 2^63-1" },
        { "serial 2^63", (Good with { Serial = 1UL << 63 }).ToBeSigned(), "the serial is not from 1 to 2^63-1" },
        { "host", (Good with { CertificateType = 2 }).ToBeSigned(), "the type is not user" },
        { "no key id", (Good with { KeyId = [] }).ToBeSigned(), "the key id is not 1 to 256 bytes long" },
        { "long key id", (Good with { KeyId = Ascii(new string('a', 257)) }).ToBeSigned(), "the key id is not 1 to 256 bytes long" },
        { "newline in key id", (Good with { KeyId = Ascii("a\nb") }).ToBeSigned(), "the key id is not printable ascii" },
        { "DEL in key id", (Good with { KeyId = Ascii("a\x7f") }).ToBeSigned(), "the key id is not printable ascii" },
        { "key id not ascii", (Good with { KeyId = [0xc3, 0xa5] }).ToBeSigned(), "the key id is not printable ascii" },
        { "no principals", (Good with { Principals = [] }).ToBeSigned(), "there are 0 principals, not 1 to 256" },
        { "257 principals", (Good with { Principals = Principals(257, 4) }).ToBeSigned(), "there are 257 principals, not 1 to 256" },
        { "empty principal", (Good with { Principals = Packed("alice", "") }).ToBeSigned(), "principal 2 is empty or has a byte that is not safe everywhere" },
        { "comma", (Good with { Principals = Packed("alice,root") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "comment", (Good with { Principals = Packed("alice#") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "NUL", (Good with { Principals = Packed("alice\0") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "star", (Good with { Principals = Packed("*") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "dash first", (Good with { Principals = Packed("-alice") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "principal not ascii", (Good with { Principals = Packed("ålice") }).ToBeSigned(), "principal 1 is empty or has a byte that is not safe everywhere" },
        { "equals sign", (Good with { Principals = Packed("a=b") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "group without a token", (Good with { Principals = Packed("root@=prod-db") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "short token", (Good with { Principals = Packed("root@=prod-db.0123456789abcde") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "token in capitals", (Good with { Principals = Packed("root@=prod-db.0123456789ABCDEF") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "group before a node", (Good with { Principals = Packed("root@=a.0123456789abcdef@db1") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "group without an at sign", (Good with { Principals = Packed("root=a.0123456789abcdef") }).ToBeSigned(), "principal 1 has a = that does not begin the token of a group" },
        { "principal twice", (Good with { Principals = Packed("alice", "alice") }).ToBeSigned(), "principal 1 stands twice" },
        { "principals malformed", (Good with { Principals = [0, 0, 0, 9] }).ToBeSigned(), "principal needs 9 bytes, 0 are left (at byte 133)" },
        { "empty validity", (Good with { ValidAfter = 2_000 }).ToBeSigned(), "the validity is empty" },
        { "for ever", (Good with { ValidBefore = ulong.MaxValue }).ToBeSigned(), "the validity has no end before 2^63" },
        { "until 2^63", (Good with { ValidBefore = 1UL << 63 }).ToBeSigned(), "the validity has no end before 2^63" },
        { "critical option", (Good with { CriticalOptions = Packed("no-such@example.com", "") }).ToBeSigned(), "critical option no-such@example.com is not one that this CA grants" },
        { "flag among the critical", (Good with { CriticalOptions = Packed("permit-pty", "") }).ToBeSigned(), "critical option permit-pty is not one that this CA grants" },
        { "force-command as extension", (Good with { Extensions = Packed("force-command", "id") }).ToBeSigned(), "force-command is a restriction, and among the extensions servers ignore it" },
        { "source-address as extension", (Good with { Extensions = Packed("source-address", "::1") }).ToBeSigned(), "source-address is a restriction, and among the extensions servers ignore it" },
        { "verify-required as extension", (Good with { Extensions = Packed("verify-required", "") }).ToBeSigned(), "verify-required is a restriction, and among the extensions servers ignore it" },
        { "unknown extension", (Good with { Extensions = Packed("permit-everything", "") }).ToBeSigned(), "an extension is not one that this CA grants" },
        { "extension by another case", (Good with { Extensions = Packed("permit-PTY", "") }).ToBeSigned(), "an extension is not one that this CA grants" },
        { "data on a flag", (Good with { Extensions = Packed("permit-pty", "yes") }).ToBeSigned(), "permit-pty is a flag, and has data" },
        { "extensions in disorder", (Good with { Extensions = Packed("permit-pty", "", "permit-X11-forwarding", "") }).ToBeSigned(), "the extensions are not in ascending order" },
        { "extension twice", (Good with { Extensions = Packed("permit-pty", "", "permit-pty", "") }).ToBeSigned(), "the extensions are not in ascending order" },
        { "force-command without a string", (Good with { CriticalOptions = Packed("force-command", "") }).ToBeSigned(), "the length of value of force-command needs 4 bytes, 0 are left (at byte 199)" },
        { "force-command not nested", (Good with { CriticalOptions = Packed("force-command", "id") }).ToBeSigned(), "the length of value of force-command needs 4 bytes, 2 are left (at byte 199)" },
        { "empty force-command", (Good with { CriticalOptions = Option("force-command", "") }).ToBeSigned(), "force-command is empty or has a control character" },
        { "newline in force-command", (Good with { CriticalOptions = Option("force-command", "id\nsh") }).ToBeSigned(), "force-command is empty or has a control character" },
        { "force-command goes on", (Good with { CriticalOptions = [.. Packed("force-command"), .. new WireWriter().String(new WireWriter().String("id").Byte(0)).ToArray()] }).ToBeSigned(), "bytes follow the value of force-command" },
        { "empty source-address", (Good with { CriticalOptions = Option("source-address", "") }).ToBeSigned(), "source-address has an entry that servers refuse" },
        { "blank in source-address", (Good with { CriticalOptions = Option("source-address", "10.0.0.1, 10.0.0.2") }).ToBeSigned(), "source-address has an entry that servers refuse" },
        { "host bits in source-address", (Good with { CriticalOptions = Option("source-address", "10.0.0.1/8") }).ToBeSigned(), "source-address has an entry that servers refuse" },
        { "negated source-address", (Good with { CriticalOptions = Option("source-address", "!10.0.0.1") }).ToBeSigned(), "source-address has an entry that servers refuse" },
        { "half an IPv4 address", (Good with { CriticalOptions = Option("source-address", "10.1") }).ToBeSigned(), "source-address has an entry that servers refuse" },
        { "verify-required for a plain key", (Good with { CriticalOptions = Packed("verify-required", "") }).ToBeSigned(), "verify-required is not enforced for a key outside of an authenticator" },
        { "critical options in disorder", (Good with { CriticalOptions = [.. Option("source-address", "::1"), .. Option("force-command", "id")] }).ToBeSigned(), "the critical options are not in ascending order" },
        { "critical option twice", (Good with { CriticalOptions = [.. Option("force-command", "id"), .. Option("force-command", "id")] }).ToBeSigned(), "the critical options are not in ascending order" },
        { "extension of openssh.com", (Good with { Extensions = Packed("x@openssh.com", "") }).ToBeSigned(), "an extension is not one that this CA grants" },
        { "extension with two @", (Good with { Extensions = Packed("x@a@b", "") }).ToBeSigned(), "an extension is not one that this CA grants" },
        { "newline in an extension", (Good with { Extensions = Option("x@a", "a\nb") }).ToBeSigned(), "the value of an extension is not one printable text" },
        { "reserved", (Good with { Reserved = [0] }).ToBeSigned(), "the reserved field is not empty" },
        { "certificate as signature key", (Good with { SignatureKey = Vector.Blob("ed25519-cert.pub") }).ToBeSigned(), "ssh-ed25519-cert-v01@openssh.com is a certificate where a plain key belongs" },
        { "security key as signature key", (Good with { SignatureKey = Vector.Blob("sk_ed25519.pub") }).ToBeSigned(), "sk-ssh-ed25519@openssh.com is a security key, and those sign no certificates" },
        { "weak signature key", (Good with { SignatureKey = Vector.Blob("rsa2048.pub") }).ToBeSigned(), "the rsa key has 2048 bits, not 3072 to 8192" },
        { "trailing", [.. Good.ToBeSigned(), 0], "to-be-signed part of a certificate is followed by 1 bytes that do not belong to it (at byte 289)" },
        { "signed already", Good.ToBlob(), "to-be-signed part of a certificate is followed by 87 bytes that do not belong to it (at byte 289)" },
        { "too long", (Good with { Principals = Principals(256, 28) }).ToBeSigned(), "the certificate would not stay below 8192 bytes" },
    };

    [Theory]
    [MemberData(nameof(OneFaultEach))]
    public void Single_fault_is_the_only_one_named(string fault, byte[] toBeSigned, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal([reason], CertificateLint.Faults(toBeSigned, CertificateType.User));
    }

    [Theory]
    [InlineData("force-command", "/usr/bin/psql -d \"shop\"")]
    [InlineData("source-address", "10.0.0.0/8,192.0.2.1,2001:db8::/32,::1")]
    public void A_restriction_that_servers_enforce_passes(string name, string value) =>
        Assert.Empty(CertificateLint.Faults((Good with { CriticalOptions = Option(name, value) }).ToBeSigned(), CertificateType.User));

    [Fact]
    public void Custom_extension_passes_with_and_without_a_value() =>
        Assert.Empty(CertificateLint.Faults((Good with { Extensions = [.. Option("login@github.com", "alice"), .. Packed("permit-pty", "", "team@example.com", "")] }).ToBeSigned(), CertificateType.User));

    [Fact]
    public void Every_fault_is_named() =>
        Assert.Equal(
            ["the serial is not from 1 to 2^63-1", "there are 0 principals, not 1 to 256", "the validity is empty"],
            CertificateLint.Faults((Good with { Serial = 0, Principals = [], ValidAfter = 3_000 }).ToBeSigned(), CertificateType.User));

    [Fact]
    public void A_certificate_of_8191_bytes_passes_and_one_of_8192_does_not()
    {
        var signature = 4 + 4 + 11 + 4 + 64;
        var room = 8191 - signature - (Good with { Principals = [] }).ToBeSigned().Length;
        byte[] Filling(int length) => [.. Packed("alice"), .. new WireWriter().String(new string('a', length - 9 - 4)).ToArray()];
        Assert.Empty(CertificateLint.Faults((Good with { Principals = Filling(room) }).ToBeSigned(), CertificateType.User));
        Assert.Equal(
            ["the certificate would not stay below 8192 bytes"], CertificateLint.Faults((Good with { Principals = Filling(room + 1) }).ToBeSigned(), CertificateType.User));
    }

    [Fact]
    public void Lint_of_a_damaged_certificate_never_throws()
    {
        var whole = Good.ToBeSigned();
        for (var length = 0; length < whole.Length; length++)
            Assert.NotEmpty(CertificateLint.Faults(whole.AsSpan(0, length), CertificateType.User));
        Spoiled.NoChangedByteDoesHarm(whole, bytes => CertificateLint.Faults(bytes, CertificateType.User));
    }
}
