using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit;

public sealed class CaKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FileCaKey ca;

    public CaKeyTests() => ca = FileCaKey.LoadOrCreate(folder.File("user_ca"), CaPurpose.User);

    public void Dispose()
    {
        ca.Dispose();
        folder.Dispose();
    }

    // Nothing else can be signed than what the policy grants: here, these logins on all hosts for an hour of 2030.
    private static ToBeSigned Granted(string[] logins, string key, SignatureKey caKey) => Granted(logins, PublicKey.ParseLine(Vector.Text($"{key}.pub")), caKey);

    private static ToBeSigned Granted(string[] logins, PublicKey key, SignatureKey caKey)
    {
        var role = new Role(
            Guid.NewGuid(), "dba", "v8", 1, "", ImmutableSortedDictionary<string, string>.Empty, Expires: null,
            new RoleConditions([.. logins.Select(login => Template.TryParse(login, out _)!)], LabelSelector.All, []), RoleConditions.Empty, RoleOptions.None);
        var user = new User(Guid.NewGuid(), "alice", 1, ["dba"], [], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);
        var decision = Access.Sample.Decide(new IssuanceQuestion(
            new DateTimeOffset(2030, 1, 1, 0, 1, 0, TimeSpan.Zero), user, [], new Dictionary<string, Role> { ["dba"] = role }, [],
            TimeSpan.FromHours(1), 0, SiteLimits.Default)
        { Locks = LocksInForce.None });
        Assert.True(decision.Holds(out var grant, out _));
        return ToBeSigned.From(grant, serial: 42, RandomNumberGenerator.GetBytes(UserCertificate.NonceLength), key, caKey);
    }

    private ToBeSigned Granted(string key = "ed25519") => Granted(["alice", "postgres"], key, ca.PublicKey);

    public static readonly TheoryData<string, string, string> KeyTypes = new()
    {
        { "ed25519", "ssh-ed25519", "ED25519" },
        { "ecdsa256", "ecdsa-sha2-nistp256", "ECDSA" },
        { "ecdsa384", "ecdsa-sha2-nistp384", "ECDSA" },
        { "ecdsa521", "ecdsa-sha2-nistp521", "ECDSA" },
        { "rsa3072", "ssh-rsa", "RSA" },
        { "sk_ed25519", "sk-ssh-ed25519", "ED25519-SK" },
        { "sk_ecdsa256", "sk-ecdsa-sha2-nistp256", "ECDSA-SK" },
    };

    [Theory]
    [MemberData(nameof(KeyTypes))]
    public async Task Ssh_keygen_reads_every_line_of_what_we_signed(string name, string type, string kind)
    {
        var key = PublicKey.ParseLine(Vector.Text($"{name}.pub"));
        var path = folder.File("id-cert.pub", Certificate.ToLine(await ca.Sign(Granted(name)), "alice") + "\n");

        var (exitCode, output) = SshKeygen.Run("-L", "-f", path);
        Assert.Equal(0, exitCode);
        Assert.Equal(
            [
                $"{path}:",
                $"Type: {type}-cert-v01@openssh.com user certificate",
                $"Public key: {kind}-CERT {Fingerprint.Compute(key)}",
                $"Signing CA: ED25519 {Fingerprint.Compute(ca.PublicKey)} (using ssh-ed25519)",
                "Key ID: \"alice\"",
                "Serial: 42",
                "Valid: from 2030-01-01T00:00:00 to 2030-01-01T01:01:00",
                "Principals:",
                "alice",
                "postgres",
                "Critical Options: (none)",
                "Extensions:",
                "permit-pty",
            ],
            output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData(nameof(CaKeyType.Ed25519), "ED25519", "ssh-ed25519")]
    [InlineData(nameof(CaKeyType.Ecdsa), "ECDSA", "ecdsa-sha2-nistp256")]
    [InlineData(nameof(CaKeyType.Rsa), "RSA", "rsa-sha2-512")]
    public async Task Ssh_keygen_verifies_what_a_CA_of_any_kind_signed(string type, string kind, string algorithm)
    {
        using var key = FileCaKey.LoadOrCreate(folder.File("ca"), CaPurpose.User, Enum.Parse<CaKeyType>(type));
        var path = folder.File("id-cert.pub", Certificate.ToLine(await key.Sign(Granted(["alice"], "ed25519", key.PublicKey)), "") + "\n");
        // It reads no certificate whose signature it could not verify.
        var (exitCode, output) = SshKeygen.Run("-L", "-f", path);
        Assert.Equal(0, exitCode);
        Assert.Contains($"Signing CA: {kind} {Fingerprint.Compute(key.PublicKey)} (using {algorithm})\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ssh_keygen_finds_exactly_the_revoked_certificates()
    {
        using var otherCa = FileCaKey.LoadOrCreate(folder.File("other_ca"), CaPurpose.User);
        folder.File("ours-cert.pub", Certificate.ToLine(await ca.Sign(Granted()), "") + "\n");
        folder.File("others-cert.pub", Certificate.ToLine(await otherCa.Sign(Granted(["alice"], "ed25519", otherCa.PublicKey)), "") + "\n");

        AssertRevoked([], ours: false, others: false);
        AssertRevoked([(ca.PublicKey, [])], ours: false, others: false);
        AssertRevoked([(ca.PublicKey, [7, 42, 99])], ours: true, others: false);
        AssertRevoked([(ca.PublicKey, [7, 41, 43, 99])], ours: false, others: false);
        AssertRevoked([(ca.PublicKey, [41, 42, 43])], ours: true, others: false);
        AssertRevoked([(ca.PublicKey, [39, 40, 41, 43, 44])], ours: false, others: false);
        AssertRevoked([(ca.PublicKey, [41, 42, 7]), (otherCa.PublicKey, [7, 8])], ours: true, others: false);
        AssertRevoked([(ca.PublicKey, [1, 2, 9]), (otherCa.PublicKey, [42])], ours: false, others: true);
        AssertRevoked([(ca.PublicKey, [42]), (otherCa.PublicKey, [42])], ours: true, others: true);

        void AssertRevoked((PublicKey CaKey, IEnumerable<ulong> Serials)[] revoked, bool ours, bool others)
        {
            var krl = folder.File("revoked.krl", Krl.Write(revoked.SelectMany(one => one.Serials.Select(serial => new RevokedRange(one.CaKey, serial, serial))), version: 1, generatedDate: 1, comment: "the evening's list"));
            AssertVerdict(krl, ours ? 1 : 0, "ours-cert.pub");
            AssertVerdict(krl, others ? 1 : 0, "others-cert.pub");
        }

        void AssertVerdict(string krl, int exitCode, string certificate)
        {
            var verdict = SshKeygen.Run("-Q", "-f", krl, folder.File(certificate));
            Assert.True(exitCode == verdict.ExitCode, $"exit {verdict.ExitCode}, not {exitCode}: {verdict.Output}");
            Assert.EndsWith(exitCode == 0 ? ": ok\n" : ": REVOKED\n", verdict.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Signed_bytes_are_the_recorded_ones_and_verify()
    {
        var toBeSigned = Granted();
        var certificate = Certificate.Parse(await ca.Sign(toBeSigned));
        Assert.Equal(toBeSigned.Bytes, certificate.SignedBytes.ToArray());
        Assert.True(Signature.Verifies(ca.PublicKey, toBeSigned.Bytes, certificate.SignatureAlgorithm, certificate.SignatureBlob.Span));
    }

    [Fact]
    public async Task A_certificate_that_names_another_CA_is_not_signed()
    {
        var other = Granted(["alice"], "ed25519", Vector.CaOf("ed25519"));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ca.Sign(other));
    }

    [Fact]
    public async Task Maximum_of_principals_fits_with_the_longest_key()
    {
        // 142 logins of 32 characters are 5,112 bytes; one more is refused by the policy.
        string[] logins = [.. Enumerable.Range(0, 142).Select(i => $"u{i}".PadRight(32, 'x'))];
        var modulus = Numbers.Modulus(8192);
        var certificate = await ca.Sign(Granted(logins, PublicKey.Parse(new WireWriter().String("ssh-rsa").MpInt([1, 0, 1]).MpInt(modulus).ToArray()), ca.PublicKey));
        Assert.InRange(certificate.Length, 6000, UserCertificate.MaxLength - 1);

        // Under the longest key of a CA too, and with the longest key id.
        var longestCa = SignatureKey.Parse(new WireWriter().String("ssh-rsa").MpInt([1, 0, 1]).MpInt(Numbers.Modulus(4096)).ToArray());
        var toBeSigned = Granted(logins, PublicKey.Parse(new WireWriter().String("ssh-rsa").MpInt([1, 0, 1]).MpInt(modulus).ToArray()), longestCa);
        Assert.InRange(toBeSigned.Bytes.Length - "alice".Length + 256 + (4 + 4 + 12 + 4 + 512), 7000, UserCertificate.MaxLength - 1);
    }

    [Theory]
    [InlineData(nameof(CaKeyType.Ed25519))]
    [InlineData(nameof(CaKeyType.Ecdsa))]
    [InlineData(nameof(CaKeyType.Rsa))]
    public async Task Faulty_signature_is_never_returned(string type)
    {
        using var key = PrivateKeys.New(Enum.Parse<CaKeyType>(type));
        using var faulty = new FaultyCaKey(key) { Signs = CaPurpose.User };
        await Assert.ThrowsAsync<CryptographicException>(async () => await faulty.Sign(Granted(["alice"], "ed25519", key.PublicKey)));
    }

    // Its signature is good, but over other bytes.
    private sealed class FaultyCaKey(PrivateKey key) : CaKey
    {
        internal override SignatureKey PublicKey => key.PublicKey;

        internal override (string Form, string Path) Custody => ("file", "");

        internal override Task Check() => Task.CompletedTask;

        private protected override ValueTask<(string Algorithm, byte[] Blob)?> SignBytes(byte[] toBeSigned) =>
            ValueTask.FromResult<(string, byte[])?>(key.Sign(toBeSigned.AsSpan(1)));

        public override void Dispose()
        {
        }
    }
}
