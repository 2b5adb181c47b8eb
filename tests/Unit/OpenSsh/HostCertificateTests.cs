using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class HostCertificateTests
{
    private static readonly HostCertificate Good = Host("db1");

    private static HostCertificate Host(params string[] principals) => new()
    {
        Nonce = new byte[CertificateContent.NonceLength],
        Key = PublicKey.ParseLine(Vector.Text("ed25519.pub")),
        Serial = 7,
        KeyId = "db1",
        Principals = principals,
        Validity = new Validity(1_893_456_000, 1_893_459_600),
        SignatureKey = Vector.CaOf("ed25519"),
    };

    [Theory]
    [InlineData("ed25519")]
    [InlineData("ecdsa256")]
    [InlineData("rsa3072")]
    public void Encoder_matches_ssh_keygen_byte_for_byte(string name)
    {
        using var folder = new TemporaryFolder();
        var key = folder.File("host.pub", Vector.Text($"{name}.pub"));
        Assert.Equal(0, SshKeygen.Run("-q", "-t", "ed25519", "-N", "", "-f", folder.File("ca")).ExitCode);
        var (exitCode, output) = SshKeygen.Run("-q", "-h", "-s", folder.File("ca"), "-I", "db1", "-n", "db1,db1.example.com,2001:db8::1", "-z", "7", "-V", "20300101000000Z:20300101010000Z", key);
        Assert.True(exitCode == 0, output);
        var theirs = Certificate.ParseLine(File.ReadAllText(folder.File("host-cert.pub")));
        var ours = new HostCertificate
        {
            Nonce = theirs.Nonce,
            Key = theirs.Key,
            Serial = 7,
            KeyId = "db1",
            Principals = ["db1", "db1.example.com", "2001:db8::1"],
            Validity = new Validity(theirs.ValidAfter, theirs.ValidBefore),
            SignatureKey = theirs.SignatureKey,
        };
        Assert.Equal(theirs.SignedBytes.ToArray(), ours.ToBeSigned());
        Assert.Empty(CertificateLint.Faults(theirs.SignedBytes.Span, CertificateType.Host));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("*.example.com")]
    [InlineData("DB1")]
    [InlineData("-db1")]
    [InlineData("db1,db2")]
    [InlineData("root@db1")]
    [InlineData("db 1")]
    [InlineData("")]
    public void Principal_that_does_not_name_one_host_is_rejected(string principal) => Assert.Throws<ArgumentException>(() => Host(principal));

    /// <summary>Whatever can be the address of a node: the certificate of its host has it as a name.</summary>
    [Fact]
    public void Every_address_of_a_node_can_be_a_principal()
    {
        string[] parts = ["a", "B", "db1", "[", "]", ":", "::1", "22", "0x7f", "1.2", ".", "_", "-", "[::1]", "[::ffff:1.2.3.4]", "*", " ", "é", "2001:db8::1"];
        var seen = new HashSet<char>();
        foreach (var text in parts.SelectMany(one => parts, (one, two) => one + two).SelectMany(two => parts.Append(""), (two, three) => two + three))
            if (CertificateHost(text) is { } host)
            {
                Host(host);
                seen.UnionWith(host);
            }
        Assert.Superset("ab1:.-_".ToHashSet(), seen);

        static string? CertificateHost(string text) => CertAuthority.Access.Nodes.NodeAddress.Parse(text).Holds(out var address, out _) ? address.Host : null;
    }

    [Fact]
    public void A_certificate_of_the_other_type_does_not_pass()
    {
        Assert.Empty(CertificateLint.Faults(Good.ToBeSigned(), CertificateType.Host));
        Assert.Contains("the type is not user", CertificateLint.Faults(Good.ToBeSigned(), CertificateType.User));
        Assert.Contains("the type is not host", CertificateLint.Faults(new CertificateBytes().ToBeSigned(), CertificateType.Host));
        Assert.Contains("a host certificate has options, which no client knows", CertificateLint.Faults(new CertificateBytes().ToBeSigned(), CertificateType.Host));
    }
}
