using CertAuthority.Protocol;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Tctl;

/// <summary>What is made of the output of <c>sshd -T -C</c>, as several releases print it (tests/Unit/vectors/sshd/make-vectors).</summary>
public class SshdSettingsTests
{
    private const string Certificate = "ssh-ed25519-cert-v01@openssh.com";

    private static readonly Dictionary<string, SshdSettings> NoneOfOurs = [];

    [Theory]
    [InlineData("8.4", false)]
    [InlineData("9.2", false)]
    [InlineData("10.0", true)]
    [InlineData("10.6", true)]
    public void Every_release_shows_that_the_drop_in_is_in_force(string version, bool knowsExemptions)
    {
        var (root, daemon) = (Vector($"{version}-root"), Vector($"{version}-certauthority-sync"));
        Assert.Equal(knowsExemptions, root.KnowsExemptions);
        Assert.All(
            DropInCheck.Warnings(root, new Dictionary<string, SshdSettings> { ["certauthority-sync"] = daemon }, DropIn(knowsExemptions)),
            warning => Assert.True(warning.Contains("PasswordAuthentication", StringComparison.Ordinal) || warning.Contains("KbdInteractive", StringComparison.Ordinal), warning));
        Assert.Null(root.WhyRefused("root", ["root"], "192.0.2.1", Certificate, "ssh-ed25519"));
        Assert.Equal("DenyUsers has mallory", root.WhyRefused("mallory", [], "192.0.2.1", Certificate, "ssh-ed25519"));
        Assert.Equal(knowsExemptions ? TimeSpan.FromSeconds(5) : null, root.PenaltyForRefusal);
        Assert.Equal((knowsExemptions, knowsExemptions, false), (root.IsExempt("192.0.2.7"), root.IsExempt("198.51.100.9"), root.IsExempt("192.0.2.8")));
    }

    [Theory]
    [InlineData("8.4")]
    [InlineData("9.2")]
    [InlineData("10.0")]
    [InlineData("10.6")]
    public void Overriding_setting_is_named(string version)
    {
        var other = SshdSettings.Read([.. Lines($"{version}-root").Where(line => !line.StartsWith("AuthorizedKeysFile", StringComparison.OrdinalIgnoreCase)), "AuthorizedKeysFile .ssh/authorized_keys"]);
        var refused = Assert.Throws<FailureException>(() => DropInCheck.Warnings(other, NoneOfOurs, DropIn(exempts: false)));
        Assert.StartsWith("another setting wins over the drop-in: AuthorizedKeysFile is \".ssh/authorized_keys\"; ", refused.Message, StringComparison.Ordinal);
        // A host that reads no drop-ins: what ours sets is not printed, or none.
        var without = SshdSettings.Read(Lines($"{version}-root").Where(line => !line.Contains("certauthority", StringComparison.Ordinal) && !line.Contains("printf", StringComparison.Ordinal)));
        Assert.StartsWith(
            "another setting wins over the drop-in: TrustedUserCAKeys is \"none\"; ",
            Assert.Throws<FailureException>(() => DropInCheck.Warnings(without, NoneOfOurs, DropIn(exempts: false))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_other_way_to_log_in_gives_a_warning()
    {
        string[] open =
        [
            .. Lines("10.6-root").Where(line => !line.StartsWith("Password", StringComparison.Ordinal) && !line.StartsWith("Kbd", StringComparison.Ordinal) && !line.StartsWith("AuthorizedKeysCommand ", StringComparison.Ordinal)),
            "PasswordAuthentication yes", "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys",
        ];
        Assert.Equal(
            ["passwords can still open a login (PasswordAuthentication yes)", "plain keys can still open a login (AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys)"],
            DropInCheck.Warnings(SshdSettings.Read(open), NoneOfOurs, DropIn(exempts: true)));
    }

    [Theory]
    [InlineData("PubkeyAuthentication no", "PubkeyAuthentication is no")]
    [InlineData("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods asks for more than a key (publickey,keyboard-interactive)")]
    [InlineData("authenticationmethods publickey,keyboard-interactive publickey", null)]
    [InlineData("PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512", "PubkeyAcceptedAlgorithms has no ssh-ed25519-cert-v01@openssh.com")]
    [InlineData("pubkeyacceptedkeytypes ssh-ed25519", "PubkeyAcceptedKeyTypes has no ssh-ed25519-cert-v01@openssh.com")]
    [InlineData("PubkeyAcceptedAlgorithms ssh-ed25519*", null)]
    [InlineData("CASignatureAlgorithms rsa-sha2-512", "CASignatureAlgorithms has no ssh-ed25519, by which this authority signs")]
    [InlineData("DenyUsers adm*", "DenyUsers has adm*")]
    [InlineData("DenyUsers admin@192.0.2.*", "DenyUsers has admin@192.0.2.*")]
    [InlineData("DenyUsers admin@192.0.2.0/24", "DenyUsers has admin@192.0.2.0/24")]
    [InlineData("DenyUsers admin@198.51.100.1", null)]
    [InlineData("AllowUsers root", "AllowUsers has no admin (root)")]
    [InlineData("AllowUsers root\nAllowUsers ad?in", null)]
    [InlineData("AllowGroups ssh", "AllowGroups has no group of admin (ssh)")]
    [InlineData("AllowGroups wheel", null)]
    [InlineData("DenyGroups wheel", "DenyGroups has wheel")]
    [InlineData("PermitRootLogin no", null)]
    public void A_setting_that_refuses_the_proof_is_named(string settings, string? cause) =>
        Assert.Equal(cause, SshdSettings.Read(settings.Split('\n')).WhyRefused("admin", ["admin", "wheel"], "192.0.2.1", Certificate, "ssh-ed25519"));

    [Fact]
    public void Root_can_be_refused_by_PermitRootLogin() =>
        Assert.Equal("PermitRootLogin is no", SshdSettings.Read(["PermitRootLogin no"]).WhyRefused("root", [], "192.0.2.1", Certificate, "ssh-rsa"));

    /// <summary>One text of rules, and two that go by it: the script of an enrollment, and that of a host that joins by itself.</summary>
    [Fact]
    public void Both_scripts_judge_lines_of_Match_blocks_alike()
    {
        var (one, other) = (Rules("src/Tctl/Enrollment/host.sh"), Rules("packaging/host/certauthority-join"));
        Assert.Contains("in_matches()", one, StringComparison.Ordinal);
        Assert.Equal(one, other);

        static string Rules(string file)
        {
            var text = File.ReadAllText(Path.Combine(Document.Root, file));
            var from = text.IndexOf("# --- Whom sshd on a host goes by.", StringComparison.Ordinal);
            return text[from..text.IndexOf("# --- The end of these lines.", from, StringComparison.Ordinal)];
        }
    }

    private static NodeFile DropIn(bool exempts) => new(
        "/etc/ssh/sshd_config.d/00-certauthority.conf",
        System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Lines("drop-in.conf").Where(line => exempts || !line.StartsWith("PerSource", StringComparison.Ordinal)))));

    private static SshdSettings Vector(string name) => SshdSettings.Read(Lines(name));

    private static string[] Lines(string name) => File.ReadAllLines(Path.Combine(Document.Root, "tests/Unit/vectors/sshd", name));
}
