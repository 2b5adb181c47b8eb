using CertAuthority.OpenSsh;
using CertAuthority.Signer;

namespace CertAuthority.Tests.Unit;

/// <summary>What the signer signs, and what it does not.</summary>
public sealed class SigningLimitsTests
{
    private static readonly SigningLimits Limits = SignerSample.Limits;

    public static readonly TheoryData<string, byte[], string> Refused = new()
    {
        { "begins too long ago", SignerSample.User(begins: TimeSpan.FromSeconds(-301)), "it begins at 2026-11-30T11:54:59Z, and its begin may be at most 5m from now" },
        { "begins in the future", SignerSample.User(begins: TimeSpan.FromSeconds(301)), "it begins at 2026-11-30T12:05:01Z, and its begin may be at most 5m from now" },
        { "begins at no time at all", SignerSample.User(begins: TimeSpan.FromDays(365 * 1900), ends: TimeSpan.FromDays(365 * 1901)), "it begins at 3925-" },
        { "ends too late", SignerSample.User(ends: TimeSpan.FromHours(12) + TimeSpan.FromSeconds(1)), "it ends at 2026-12-01T00:00:01Z, and may be valid for at most 12h from now" },
        { "has ended", SignerSample.User(begins: TimeSpan.FromMinutes(-2), ends: TimeSpan.Zero), "it ended at 2026-11-30T12:00:00Z" },
        { "has too many principals", SignerSample.User(principals: ["a", "b", "c", "d"]), "it has 4 principals, and may have 3" },
        { "has a principal that is never signed", SignerSample.User(principals: ["postgres", "root"]), "it has the principal root, and may never have root" },
        { "has one that a pattern forbids", SignerSample.User(principals: ["root@db1"]), "it has the principal root@db1, and may never have root@*" },
        { "names another CA key", SignerSample.User(ca: Vector.CaOf("ed25519")), "it names another CA key" },
        { "is for a host", SignerSample.Host(), "it is no user certificate that this CA grants: the type is not user" },
        { "has an extension of others", SignerSample.User(others: [("login@example.com", "")]), "it has the extension login@example.com, and may have permit-X11-forwarding, permit-agent-forwarding, permit-port-forwarding, permit-pty" },
    };

    [Fact]
    public void Certificate_within_the_limits_is_signed()
    {
        Assert.Null(Refusal(SignerSample.User(), Limits));
        Assert.Null(Refusal(SignerSample.User(begins: TimeSpan.FromMinutes(5), ends: TimeSpan.FromHours(12), principals: ["a", "b", "c"]), Limits));
        Assert.Null(Refusal(SignerSample.User(begins: TimeSpan.FromMinutes(-5), principals: ["rooted"], options: [("source-address", "10.0.0.0/8")]), Limits));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Certificate_beyond_the_limits_is_refused(string what, byte[] toBeSigned, string why) =>
        Assert.True(Refusal(toBeSigned, Limits)?.StartsWith(why, StringComparison.Ordinal), $"{what}: {Refusal(toBeSigned, Limits)}");

    [Fact]
    public void Lists_name_what_a_certificate_may_have()
    {
        var narrow = Limits with { OnlyPrincipals = SignerSample.Patterns("deploy@*"), KeyTypes = ["ssh-ed25519"], CriticalOptions = ["force-command"], Extensions = [] };

        Assert.Null(Refusal(SignerSample.User(principals: ["deploy@web1"], options: [("force-command", "/bin/true")], extensions: UserExtensions.None), narrow));
        Assert.Equal("it has the principal postgres, and may have only deploy@*", Refusal(SignerSample.User(), narrow));
        Assert.Equal(
            "it is for a key of the type ssh-rsa, and may be for ssh-ed25519",
            Refusal(SignerSample.User(principals: ["deploy@web1"], key: PublicKey.ParseLine(Vector.Text("rsa3072.pub"))), narrow));
        Assert.Equal(
            "it has the critical option source-address, and may have force-command",
            Refusal(SignerSample.User(principals: ["deploy@web1"], options: [("source-address", "10.0.0.1")]), narrow));
        Assert.Equal("it has the extension permit-pty, and may have none", Refusal(SignerSample.User(principals: ["deploy@web1"]), narrow));
    }

    [Fact]
    public void Host_key_signs_host_certificates_only()
    {
        var hosts = Limits with { Type = CertificateType.Host, Lifetime = TimeSpan.FromDays(30) };

        Assert.Null(Refusal(SignerSample.Host(ends: TimeSpan.FromDays(30)), hosts));
        Assert.StartsWith("it is no host certificate", Refusal(SignerSample.User(), hosts), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_whole_certificate_are_refused()
    {
        var whole = SignerSample.User();
        for (var length = 0; length < whole.Length; length++)
            ExpectNone(whole[..length]);
        ExpectNone([.. whole, 0]);
        ExpectNone([0, .. whole]);
        // A whole certificate with its signature is none to be signed.
        var (algorithm, blob) = SignerSample.Ca.Sign(whole);
        ExpectNone(CertificateContent.Seal(whole, algorithm, blob));
        // What a client signs to log in, and what ssh-keygen -Y sign signs.
        ExpectNone(new WireWriter().String(new byte[32]).Byte(50).String("root").String("ssh-connection").String("publickey").ToArray());
        ExpectNone([.. "SSHSIG"u8, .. new WireWriter().String("file").String("").String("sha512").String(new byte[64]).ToArray()]);
    }

    [Fact]
    public void Changed_byte_never_widens_what_is_signed()
    {
        var whole = SignerSample.User();
        for (var at = 0; at < whole.Length; at++)
            for (var bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. whole];
                changed[at] ^= (byte)(1 << bit);
                if (Limits.Refusal(changed, SignerSample.Ca.PublicKey, SignerSample.Now, out var certificate) is not null)
                    continue;
                Assert.Equal(SignerSample.Ca.PublicKey, certificate!.SignatureKey);
                Assert.InRange((long)certificate.ValidBefore, SignerSample.Now.ToUnixTimeSeconds(), SignerSample.Now.ToUnixTimeSeconds() + (12 * 3600));
                Assert.DoesNotContain("root", certificate.Principals);
            }
    }

    private static void ExpectNone(byte[] bytes)
    {
        Assert.NotNull(Limits.Refusal(bytes, SignerSample.Ca.PublicKey, SignerSample.Now, out var certificate));
        Assert.Null(certificate);
    }

    private static string? Refusal(byte[] toBeSigned, SigningLimits limits) => limits.Refusal(toBeSigned, SignerSample.Ca.PublicKey, SignerSample.Now, out _);
}
