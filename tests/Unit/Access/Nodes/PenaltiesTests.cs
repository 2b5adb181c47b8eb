using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class PenaltiesTests
{
    [Theory]
    [InlineData("OpenSSH_9.2p1 Debian-2+deb12u7", false)]
    [InlineData("OpenSSH_9.7", false)]
    [InlineData("OpenSSH_9.8p1", true)]
    [InlineData("OpenSSH_9.10", true)]
    [InlineData("OpenSSH_10.0p2 Debian-7+deb13u4", true)]
    [InlineData("OpenSSH_for_Windows_9.8", false)]
    [InlineData("dropbear_2024.86", false)]
    [InlineData("", false)]
    public void OpenSSH_has_penalties_since_9_8(string software, bool possible) => Assert.Equal(possible, Penalties.ArePossible(software));

    [Theory]
    [InlineData("PerSourcePenaltyExemptList 192.0.2.1", true)]
    [InlineData("  persourcepenaltyexemptlist\t192.0.2.1,2001:db8::1", true)]
    [InlineData("PerSourcePenaltyExemptList=192.0.2.1", true)]
    [InlineData("PerSourcePenaltyExemptList none", false)]
    [InlineData("# PerSourcePenaltyExemptList 192.0.2.1", false)]
    [InlineData("Port 22\r\nPerSourcePenalties no\r\n", true)]
    [InlineData("PerSourcePenalties authfail:30s", false)]
    [InlineData("PerSourcePenalties", false)]
    [InlineData("", false)]
    public void Exemption_is_read_from_the_sshd_settings(string configuration, bool waived) => Assert.Equal(waived, Penalties.AreWaived(configuration));
}
