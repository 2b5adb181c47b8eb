using CertAuthority.OpenSsh;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit;

public class UserCertificateTests
{
    private const UserExtensions All =
        UserExtensions.PermitX11Forwarding | UserExtensions.PermitAgentForwarding | UserExtensions.PermitPortForwarding | UserExtensions.PermitPty;

    private static readonly SignatureKey Ca = Vector.CaOf("ed25519");

    public static readonly TheoryData<string> Vectors = [.. Vector.UserCertificates];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Encoder_matches_ssh_keygen_byte_for_byte(string name)
    {
        var theirs = Certificate.ParseLine(Vector.Text($"{name}-cert.pub"));
        var ours = new UserCertificate
        {
            Nonce = theirs.Nonce,
            Key = PublicKey.ParseLine(Vector.Text($"{name}.pub")),
            Serial = 42,
            KeyId = $"alice:{name}",
            Principals = ["postgres", "alice@db1"],
            Validity = new Validity(1_893_456_000, 1_893_459_600),
            Extensions = All,
            SignatureKey = Vector.CaOf(name),
        };
        Assert.Equal(theirs.SignedBytes.ToArray(), ours.ToBeSigned());
        Assert.Equal(Vector.Blob($"{name}-cert.pub"), UserCertificate.Seal(ours.ToBeSigned(), theirs.SignatureAlgorithm, theirs.SignatureBlob.Span));
    }

    [Theory]
    [InlineData("/usr/bin/psql -d \"my shop\"", "10.0.0.0/8,2001:db8::/32", "login@github.com=alice", "team@example.com")]
    [InlineData(null, "192.0.2.1", "a@b=x y")]
    [InlineData("id", null)]
    [InlineData(null, null, "zz@example.com", "aa@example.com=1")]
    public void Options_match_ssh_keygen_byte_for_byte(string? command, string? addresses, params string[] others)
    {
        using var folder = new TemporaryFolder();
        var key = folder.File("id.pub", Vector.Text("ed25519.pub"));
        Assert.Equal(0, SshKeygen.Run("-q", "-t", "ed25519", "-N", "", "-f", folder.File("ca")).ExitCode);
        string[] options =
        [
            "clear", "permit-pty", .. command is null ? (string[])[] : [$"force-command={command}"], .. addresses is null ? (string[])[] : [$"source-address={addresses}"],
            .. others.Select(other => $"extension:{other}"),
        ];
        var (exitCode, output) = SshKeygen.Run(["-q", "-s", folder.File("ca"), "-I", "alice", "-n", "alice", "-z", "7", "-V", "20300101000000Z:20300101010000Z", .. options.SelectMany(option => new[] { "-O", option }), key]);
        Assert.True(exitCode == 0, output);
        var theirs = Certificate.ParseLine(File.ReadAllText(folder.File("id-cert.pub")));
        var ours = new UserCertificate
        {
            Nonce = theirs.Nonce,
            Key = theirs.Key,
            Serial = 7,
            KeyId = "alice",
            Principals = ["alice"],
            Validity = new Validity(theirs.ValidAfter, theirs.ValidBefore),
            CriticalOptions = Restrictions(command, addresses),
            Extensions = UserExtensions.PermitPty,
            OtherExtensions = others.Select(other => other.Split('=', 2)).ToDictionary(other => other[0], other => other.ElementAtOrDefault(1) ?? ""),
            SignatureKey = theirs.SignatureKey,
        };
        Assert.Equal(Convert.ToHexString(theirs.SignedBytes.Span), Convert.ToHexString(ours.ToBeSigned()));
        Assert.Empty(CertificateLint.Faults(ours.ToBeSigned(), CertificateType.User));
    }

    [Theory]
    [InlineData("")]
    [InlineData("id\nsh")]
    [InlineData("id\0")]
    public void Forced_command_must_be_one_line(string command) => Assert.Throws<ArgumentException>(() => Restricted(command: command));

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.1,")]
    [InlineData("!10.0.0.1")]
    public void Source_addresses_are_separated_by_commas(string address) => Assert.Throws<ArgumentException>(() => Restricted(address: address));

    [Theory]
    [InlineData("permit-pty", "")]
    [InlineData("x@openssh.com", "")]
    [InlineData("a@b@c", "")]
    [InlineData("@b", "")]
    [InlineData("a@", "")]
    [InlineData("a,c@b", "")]
    [InlineData("a@b", "line\nbreak")]
    [InlineData("a@b", "ü")]
    public void Custom_extension_must_be_named_after_its_domain(string name, string value) => Assert.Throws<ArgumentException>(() => Restricted(extension: (name, value)));

    [Fact]
    public void Option_that_servers_do_not_know_cannot_be_written() =>
        Assert.Throws<ArgumentException>(() => new UserCertificate
        {
            Nonce = new byte[32],
            Key = Ca,
            Serial = 1,
            KeyId = "alice",
            Principals = ["alice"],
            Validity = new Validity(1, 2),
            Extensions = UserExtensions.None,
            SignatureKey = Ca,
            CriticalOptions = new Dictionary<string, string> { ["foo@example.com"] = "" },
        });

    private static Dictionary<string, string> Restrictions(string? command, string? addresses) =>
        new[] { ("force-command", command), ("source-address", addresses) }.Where(one => one.Item2 is not null).ToDictionary(one => one.Item1, one => one.Item2!);

    private static UserCertificate Restricted(string? command = null, string? address = null, (string Name, string Value)? extension = null) => new()
    {
        Nonce = new byte[32],
        Key = Ca,
        Serial = 1,
        KeyId = "alice",
        Principals = ["alice"],
        Validity = new Validity(1, 2),
        Extensions = UserExtensions.None,
        SignatureKey = Ca,
        CriticalOptions = Restrictions(command, address),
        OtherExtensions = extension is { } other ? new() { [other.Name] = other.Value } : new Dictionary<string, string>(),
    };

    private static UserCertificate Build(
        int nonceLength = 32, ulong serial = 1, string keyId = "alice", string[]? principals = null, ulong after = 1, ulong before = 2, UserExtensions extensions = All) =>
        new()
        {
            Nonce = new byte[nonceLength],
            Key = Ca,
            Serial = serial,
            KeyId = keyId,
            Principals = principals ?? ["alice"],
            Validity = new Validity(after, before),
            Extensions = extensions,
            SignatureKey = Ca,
        };

    public static readonly TheoryData<string, string> UnsafePrincipals = new()
    {
        { "empty", "" },
        { "comma", "alice,root" },
        { "comment", "alice#" },
        { "blank", "alice root" },
        { "newline", "alice\nroot" },
        { "NUL", "alice\0" },
        { "not ascii", "ålice" },
        { "looks like a digit", "١" },
        { "star", "*" },
        { "begins with a dash", "-alice" },
        { "begins with a dot", ".alice" },
        { "begins with an at sign", "@db1" },
        { "bang", "!alice" },
        { "equals sign in a login", "a=b" },
        { "group without a token", "root@=prod-db" },
        { "group with a short token", "root@=prod-db.0123456789abcde" },
        { "group in capitals", "root@=prod-db.0123456789ABCDEF" },
        { "group without a login", "@=prod-db.0123456789abcdef" },
        { "two groups", "root@=a.0123456789abcdef@=b.0123456789abcdef" },
        { "node after a group", "root@=a.0123456789abcdef@db1" },
        { "quote", "alice\"" },
    };

    [Theory]
    [MemberData(nameof(UnsafePrincipals))]
    public void An_unsafe_principal_is_refused(string fault, string principal)
    {
        Assert.NotEmpty(fault);
        Assert.Throws<ArgumentException>(() => Build(principals: ["alice", principal]));
    }

    [Theory]
    [InlineData("_apt")]
    [InlineData("0")]
    [InlineData("postgres@db1.example.com")]
    [InlineData("a.b_c@d:e/f+g~h-i")]
    [InlineData("root@=prod-db.0123456789abcdef")]
    public void A_safe_principal_is_written(string principal) =>
        Assert.Equal([principal], Read(Build(principals: [principal])).Principals);

    [Fact]
    public void Principals_must_be_1_to_256_and_distinct()
    {
        string[] many = [.. Enumerable.Range(0, 257).Select(i => $"u{i}")];
        Assert.Equal(256, Read(Build(principals: many[..256])).Principals.Count);
        Assert.Throws<ArgumentException>(() => Build(principals: many));
        Assert.Throws<ArgumentException>(() => Build(principals: []));
        Assert.Throws<ArgumentException>(() => Build(principals: ["alice", "alice"]));
    }

    [Fact]
    public void Principals_cannot_be_changed_from_outside()
    {
        string[] principals = ["alice"];
        var certificate = Build(principals: principals);
        principals[0] = "root";
        Assert.Equal(["alice"], Read(certificate).Principals);
    }

    [Fact]
    public void Key_ID_must_have_1_to_256_printable_characters()
    {
        Assert.Equal(256, Read(Build(keyId: new string('~', 256))).KeyId.Length);
        Assert.Throws<ArgumentException>(() => Build(keyId: new string('a', 257)));
        foreach (var keyId in new[] { "", "a\nb", "a\x7f", "ålice", "a\tb" })
            Assert.Throws<ArgumentException>(() => Build(keyId: keyId));
    }

    [Fact]
    public void Serial_must_be_from_1_to_below_2_63()
    {
        Assert.Equal((ulong)long.MaxValue, Read(Build(serial: long.MaxValue)).Serial);
        Assert.Throws<ArgumentException>(() => Build(serial: 0));
        Assert.Throws<ArgumentException>(() => Build(serial: 1UL << 63));
    }

    [Fact]
    public void Validity_must_be_finite_and_not_empty()
    {
        Assert.Equal((ulong)long.MaxValue, Read(Build(before: long.MaxValue)).ValidBefore);
        Assert.Throws<ArgumentException>(() => new Validity(5, 5));
        Assert.Throws<ArgumentException>(() => new Validity(6, 5));
        Assert.Throws<ArgumentException>(() => new Validity(0, 1UL << 63));
        Assert.Throws<ArgumentException>(() => new Validity(0, ulong.MaxValue));
    }

    [Fact]
    public void Nonce_must_be_32_bytes_long()
    {
        Assert.Throws<ArgumentException>(() => Build(nonceLength: 31));
        Assert.Throws<ArgumentException>(() => Build(nonceLength: 33));
    }

    [Fact]
    public void Only_named_extensions_are_accepted()
    {
        Assert.Empty(Read(Build(extensions: UserExtensions.None)).Extensions);
        Assert.Equal("permit-pty", Assert.Single(Read(Build(extensions: UserExtensions.PermitPty)).Extensions).Name);
        Assert.Throws<ArgumentException>(() => Build(extensions: All | (UserExtensions)16));
    }

    [Fact]
    public void Every_built_certificate_passes_the_lint_and_reads_back()
    {
        PublicKey[] keys = [.. Vector.UserCertificates.Select(name => PublicKey.ParseLine(Vector.Text($"{name}.pub")))];
        var certificates =
            from nonce in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(32)
            from key in Gen.Elements(keys)
            from serial in Gen.Choose(1, int.MaxValue)
            from shift in Gen.Choose(0, 32)
            from keyId in Gen.Choose(' ', '~').Select(c => (char)c).ArrayOf().Where(id => id.Length is >= 1 and <= 256)
            from principals in Gen.Elements("AZaz09._@:/+~-".ToCharArray()).ArrayOf(7).NonEmptyListOf()
            from after in Gen.Choose(0, int.MaxValue)
            from length in Gen.Choose(1, int.MaxValue)
            from extensions in Gen.Choose(0, (int)All)
            from signatureKey in Gen.Elements(keys.OfType<SignatureKey>().ToArray())
            select new UserCertificate
            {
                Nonce = nonce,
                Key = key,
                Serial = (ulong)serial << shift,
                KeyId = new string(keyId),
                Principals = [.. principals.Select(p => "_" + new string(p)).Distinct().Take(256)],
                Validity = new Validity((ulong)after, (ulong)after + (ulong)length),
                Extensions = (UserExtensions)extensions,
                SignatureKey = signatureKey,
            };

        Prop.ForAll(Arb.From(certificates), certificate =>
        {
            var toBeSigned = certificate.ToBeSigned();
            Assert.Empty(CertificateLint.Faults(toBeSigned, CertificateType.User));
            var algorithm = certificate.SignatureKey.SignatureAlgorithms[0];
            var read = Certificate.Parse(UserCertificate.Seal(toBeSigned, algorithm, [1, 2, 3]));
            Assert.Equal(certificate.Nonce.ToArray(), read.Nonce.ToArray());
            Assert.Equal(certificate.Key, read.Key);
            Assert.Equal(certificate.Serial, read.Serial);
            Assert.Equal(CertificateType.User, read.Type);
            Assert.Equal(certificate.KeyId, read.KeyId);
            Assert.Equal(certificate.Principals, read.Principals);
            Assert.Equal(certificate.Validity, new Validity(read.ValidAfter, read.ValidBefore));
            Assert.Equal(certificate.SignatureKey, read.SignatureKey);
            Assert.Equal(System.Numerics.BitOperations.PopCount((uint)certificate.Extensions), read.Extensions.Count);
            Assert.Equal(toBeSigned, read.SignedBytes.ToArray());
            Assert.Equal([1, 2, 3], read.SignatureBlob.ToArray());
            Assert.Equal(algorithm, read.SignatureAlgorithm);
        }).QuickCheckThrowOnFailure();
    }

    private static Certificate Read(UserCertificate certificate) =>
        Certificate.Parse(UserCertificate.Seal(certificate.ToBeSigned(), "ssh-ed25519", new byte[64]));
}
