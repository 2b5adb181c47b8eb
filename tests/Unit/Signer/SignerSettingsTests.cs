using CertAuthority.Access.Issuance;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Signer;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit;

public sealed class SignerSettingsTests
{
    private const string Least = "key /k\nclient certauthority\ncertificates user\nlifetime 30h\nlog /l\n";

    public static readonly TheoryData<string, string> Faults = new()
    {
        { "", "s.conf: key is missing|s.conf: log is missing|s.conf: client is missing|s.conf: certificates is missing|s.conf: lifetime is missing" },
        { Least + "principal 3", "s.conf:6: there is no setting principal" },
        { Least + "lifetime 1h", "s.conf:6: lifetime is given twice; line 4 gives it too" },
        { Least + "never_principals", "s.conf:6: never_principals has no value" },
        { Least + "principals 0", "s.conf:6: principals takes a number from 1 to 256" },
        { Least + "principals 257", "s.conf:6: principals takes a number from 1 to 256" },
        { Least + "per_minute all", "s.conf:6: per_minute takes a number from 1 to 1000000" },
        { Least + "skew 0s", "s.conf:6: skew takes a duration from 1s to 1h, such as 12h" },
        { Least.Replace("/l", "l", StringComparison.Ordinal), "s.conf:5: log takes an absolute path" },
        { Least.Replace("/l", "/a /b", StringComparison.Ordinal), "s.conf:5: log takes one value" },
        { Least + "key_types ssh-dss", "s.conf:6: key_types has ssh-dss, which is not a type of key" },
        { Least + "critical_options force", "s.conf:6: critical_options has force, which is not a critical option that the daemon grants" },
        { Least + "extensions none permit-pty", "s.conf:6: extensions has none, which is not an extension that the daemon grants" },
        { Least + "never_principals ^(root$", "s.conf:6: never_principals has ^(root$: " },
        { Least + "never_principals ro\u00f6t", "s.conf:6: takes printable ASCII characters only" },
        { "key k\nclient a\nlog /l\ncertificates both\nlifetime ever", "s.conf:1: key takes an absolute path|s.conf:4: certificates takes user or host|s.conf:5: lifetime takes a duration from 1s to 3660d, such as 12h" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Fault_is_one_line_with_file_and_line(string text, string faults)
    {
        var found = Assert.Throws<SettingsException>(() => SignerSettings.Parse(text, "s.conf")).Faults;

        Assert.All(found, fault => Assert.DoesNotContain('\n', fault));
        Assert.StartsWith(faults, string.Join('|', found), StringComparison.Ordinal);
        Assert.Equal(faults.Split('|').Length, found.Length);
    }

    [Fact]
    public void Settings_that_are_absent_have_defaults()
    {
        var settings = SignerSettings.Parse(Least, "s.conf");

        Assert.Equal(("/k", null, "certauthority", "/l"), (settings.Key, settings.Credential, settings.Client, settings.Log));
        var limits = settings.Limits;
        Assert.Equal((CertificateType.User, TimeSpan.FromHours(30), TimeSpan.FromMinutes(5), 256, 600), (limits.Type, limits.Lifetime, limits.Skew, limits.Principals, limits.PerMinute));
        Assert.Equal("*", Assert.Single(limits.OnlyPrincipals).Text);
        Assert.Empty(limits.NeverPrincipals);
        Assert.Equal(PublicKey.Types, limits.KeyTypes);
    }

    [Fact]
    public void Every_setting_is_read()
    {
        var settings = SignerSettings.Parse(
            """
            # A comment.
            key /k
            credential user_ca-passphrase
            client 994
              log /l
            certificates host

            lifetime 90d
            skew 1m
            principals 12
            only_principals *.example.com
            never_principals	root ^adm.*$
            key_types ssh-ed25519 ssh-rsa
            critical_options none
            extensions permit-pty login@example.com
            per_minute 60
            """, "s.conf");

        Assert.Equal(("/k", "user_ca-passphrase", "994", "/l"), (settings.Key, settings.Credential, settings.Client, settings.Log));
        var limits = settings.Limits;
        Assert.Equal((CertificateType.Host, TimeSpan.FromDays(90), TimeSpan.FromMinutes(1), 12, 60), (limits.Type, limits.Lifetime, limits.Skew, limits.Principals, limits.PerMinute));
        Assert.Equal(["*.example.com"], limits.OnlyPrincipals.Select(pattern => pattern.Text));
        Assert.Equal(["root", "^adm.*$"], limits.NeverPrincipals.Select(pattern => pattern.Text));
        Assert.Equal("ssh-ed25519 ssh-rsa", string.Join(' ', limits.KeyTypes));
        Assert.Empty(limits.CriticalOptions);
        Assert.Equal("permit-pty login@example.com", string.Join(' ', limits.Extensions));
    }

    [Fact]
    public void Packaged_settings_show_every_default()
    {
        var path = Path.Combine(Document.Root, "packaging", "signer", "user.conf");
        var lines = File.ReadAllLines(path);
        var shown = SignerSettings.Parse(string.Join('\n', lines.Select(line => line.StartsWith('#') && !line.StartsWith("# ", StringComparison.Ordinal) ? line[1..] : line)), path);
        var packaged = SignerSettings.Parse(string.Join('\n', lines), path);

        Assert.Equal(packaged with { Limits = null!, Credential = null }, shown with { Limits = null!, Credential = null });
        Assert.Equal(Text(SignerSettings.Parse(Least + "never_principals root\n", "s.conf").Limits), Text(packaged.Limits));
        Assert.Equal(Text(packaged.Limits), Text(shown.Limits));
        Assert.Equal("user_ca-passphrase", shown.Credential);
    }

    [Fact]
    public void Packaged_settings_sign_what_the_daemon_asks_for()
    {
        var (ca, now) = (SignerSample.Ca.PublicKey, SignerSample.Now);
        var sync = SignerSample.User(
            -SyncCertification.Around, SyncCertification.Around, [Names.DaemonsLogin], options: [("force-command", "internal-sftp")], extensions: UserExtensions.None);
        Assert.Null(Packaged("sync").Limits.Refusal(sync, ca, now, out _));
        Assert.NotNull(Packaged("sync").Limits.Refusal(SignerSample.User(), ca, now, out _));
        Assert.Null(Packaged("host").Limits.Refusal(SignerSample.Host(HostCertification.Longest), ca, now, out _));
        Assert.NotNull(Packaged("host").Limits.Refusal(SignerSample.User(), ca, now, out _));
        Assert.Null(Packaged("user").Limits.Refusal(SignerSample.User(ends: TimeSpan.FromHours(30)), ca, now, out _));
    }

    private static SignerSettings Packaged(string name)
    {
        var path = Path.Combine(Document.Root, "packaging", "signer", $"{name}.conf");
        return SignerSettings.Parse(File.ReadAllText(path), path);
    }

    private static string Text(SigningLimits limits) => string.Join(
        '|', limits.Type, limits.Lifetime, limits.Skew, limits.Principals, limits.PerMinute, string.Join(' ', limits.OnlyPrincipals), string.Join(' ', limits.NeverPrincipals),
        string.Join(' ', limits.KeyTypes), string.Join(' ', limits.CriticalOptions), string.Join(' ', limits.Extensions));
}
