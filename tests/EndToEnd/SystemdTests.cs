namespace CertAuthority.Tests.EndToEnd;

/// <summary>The unit, as systemd reads it.</summary>
public sealed class SystemdTests
{
    private static readonly string Unit = Path.Combine(World.Repository, "packaging/systemd/certauthority.service");

    [AnalyzeFact]
    public async Task Unit_has_an_exposure_of_at_most_1_5()
    {
        var judged = await TestDebian.Run("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", Unit);

        Assert.True(judged.ExitCode == 0, judged.Output + judged.Error);
        Assert.Contains("Overall exposure level for certauthority.service: ", judged.Output);
    }

    [AnalyzeFact]
    public async Task Systemd_knows_every_line_of_the_unit()
    {
        var judged = await TestDebian.Run("systemd-analyze", "verify", "--man=no", Unit);

        Assert.DoesNotContain("ignoring", judged.Error);
        Assert.DoesNotContain("Unknown", judged.Error);
    }

    [AnalyzeFact]
    public async Task Systemd_knows_every_line_of_the_host_units()
    {
        var host = Path.Combine(World.Repository, "packaging/host/certauthority");
        var judged = await TestDebian.Run("systemd-analyze", "verify", "--man=no", $"{host}-pull.service", $"{host}-pull.timer", $"{host}-reload.path", $"{host}-reload.service");

        // The program is not installed here; that is all.
        Assert.Matches("^(certauthority-pull.service: Command /usr/local/sbin/certauthority-pull is not executable: No such file or directory\n)?$", judged.Error);
    }

    [AnalyzeFact]
    public async Task Systemd_knows_every_line_of_the_signer_units()
    {
        using var scratch = new Scratch();
        var signer = Path.Combine(World.Repository, "packaging/signer/certauthority-signer@");
        // An instance of the template.
        var (service, socket) = (scratch["certauthority-signer@user.service"], scratch["certauthority-signer@user.socket"]);
        File.Copy($"{signer}.service", service);
        File.Copy($"{signer}.socket", socket);

        // The program is not installed here; that is all.
        Assert.Matches(
            "^(certauthority-signer@user.service: Command /usr/sbin/certauthority-signer is not executable: No such file or directory\n)?$",
            (await TestDebian.Run("systemd-analyze", "verify", "--man=no", service, socket)).Error);
        var judged = await TestDebian.Run("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", service);
        Assert.True(judged.ExitCode == 0, judged.Output + judged.Error);
    }

    [AnalyzeTheory]
    [InlineData("certauthority-metrics")]
    [InlineData("certauthority-backup")]
    public async Task Systemd_knows_every_line_of_the_timers(string unit)
    {
        var path = Path.Combine(World.Repository, "packaging/systemd", unit);

        // The program is not installed here; that is all.
        Assert.Matches(
            "^(certauthority-backup.service: Command /usr/bin/tctl is not executable: No such file or directory\n)?$",
            (await TestDebian.Run("systemd-analyze", "verify", "--man=no", $"{path}.service", $"{path}.timer")).Error);
        var judged = await TestDebian.Run("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", $"{path}.service");
        Assert.True(judged.ExitCode == 0, judged.Output + judged.Error);
    }

    [Fact]
    public void Network_drop_in_reverses_each_network_restriction()
    {
        var dropIn = File.ReadAllLines(Path.Combine(World.Repository, "packaging/systemd/network.conf"));
        var unit = File.ReadAllLines(Unit);

        Assert.All(["RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "IPAddressDeny=any"], line => Assert.Contains(line, unit));
        Assert.All(["RestrictAddressFamilies=AF_INET AF_INET6", "PrivateNetwork=no", "IPAddressDeny="], line => Assert.Contains(line, dropIn));
    }

    [Fact]
    public void Socket_unit_and_configuration_name_the_same_paths()
    {
        var socket = File.ReadAllLines(Path.ChangeExtension(Unit, ".socket"));
        var unit = File.ReadAllLines(Unit);
        var configuration = File.ReadAllLines(Path.Combine(World.Repository, "config/certauthority.yaml"));

        Assert.Contains("ListenStream=/run/certauthority/ca.sock", socket);
        Assert.Contains("socket: /run/certauthority/ca.sock", configuration);
        Assert.Contains("data_dir: /var/lib/certauthority", configuration);
        Assert.Contains("StateDirectory=certauthority", unit);
        Assert.Contains("RuntimeDirectory=certauthority", unit);
    }

    // Any change of a conffile makes dpkg ask everybody who edited it, and stops an upgrade that nobody can answer.
    [Fact]
    public void Installed_settings_file_never_changes() => Assert.Equal(
        "2FC701F6AD2FB400FC5170AFB823EBA0DD41984EE8C5A56457735164EC5FF41E",
        Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(World.Repository, "packaging/local.yaml")))));

    // Each of these would break it: callers without a name, an audit without login uids.
    [Theory]
    [InlineData("PrivateUsers=")]
    [InlineData("ProtectProc=")]
    public void Unit_omits_settings_that_would_break_the_daemon(string setting) =>
        Assert.DoesNotContain(File.ReadLines(Unit), line => line.StartsWith(setting, StringComparison.Ordinal));
}

/// <summary>Tests with systemd's own judge.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AnalyzeTheoryAttribute : TheoryAttribute
{
    public AnalyzeTheoryAttribute() => Skip = World.Unless(File.Exists("/usr/bin/systemd-analyze"), "needs systemd-analyze");
}

/// <summary>A test with systemd's own judge.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AnalyzeFactAttribute : FactAttribute
{
    public AnalyzeFactAttribute() => Skip = World.Unless(File.Exists("/usr/bin/systemd-analyze"), "needs systemd-analyze");
}
