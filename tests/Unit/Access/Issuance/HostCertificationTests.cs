using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class HostCertificationTests
{
    [Theory]
    [InlineData("db1.example.com:22", "db1, db1.example.com")]
    [InlineData("DB1.Example.COM", "db1, db1.example.com")]
    [InlineData("db1", "db1")]
    [InlineData("db1:2222", "db1")]
    [InlineData("192.0.2.7", "db1, 192.0.2.7")]
    [InlineData("192.0.2.7:22", "db1, 192.0.2.7")]
    [InlineData("[2001:db8::7]:22", "db1, 2001:db8::7")]
    [InlineData("[2001:DB8::7]", "db1, 2001:db8::7")]
    [InlineData("[2001:db8:0:0:0:0:0:7]:22", "db1, 2001:db8::7")]
    [InlineData("db1.example.com.:22", "db1, db1.example.com")]
    [InlineData("db1:ssh", "db1")]
    public void Host_certificate_names_the_node_and_its_address(string address, string principals) =>
        Assert.Equal(principals, string.Join(", ", HostCertification.Decide(Sample.Node("db1") with { Address = address }, LocksInForce.None, Sample.Now, null).Granted().Principals));

    [Fact]
    public void Validity_starts_a_minute_ago_and_lasts_a_month_or_the_ttl()
    {
        var month = HostCertification.Decide(Sample.Node("db1"), LocksInForce.None, Sample.Now, null).Granted().Validity;
        Assert.Equal((Sample.Now.AddMinutes(-1), Sample.Now.AddDays(30)), (month.After, month.Before));
        Assert.Equal(Sample.Now.AddHours(2), HostCertification.Decide(Sample.Node("db1"), LocksInForce.None, Sample.Now, TimeSpan.FromHours(2)).Granted().Validity.Before);
        Assert.Equal(Sample.Now.AddDays(366), HostCertification.Decide(Sample.Node("db1"), LocksInForce.None, Sample.Now, TimeSpan.FromDays(366)).Granted().Validity.Before);
    }

    [Theory]
    [InlineData(0, "ttl must be greater than zero")]
    [InlineData(-1, "ttl must be greater than zero")]
    [InlineData(366 * 86400 + 1, "ttl 366d1s is more than the site's maximum of 366d")]
    public void Ttl_outside_the_limits_is_rejected(int seconds, string told) =>
        Assert.Equal(told, HostCertification.Decide(Sample.Node("db1"), LocksInForce.None, Sample.Now, TimeSpan.FromSeconds(seconds)).Refused().Message);

    [Fact]
    public void Locked_node_gets_no_certificate()
    {
        Assert.Equal("node db1 is locked", HostCertification.Decide(Sample.Node("db1"), Sample.Locked("node db1"), Sample.Now, null).Refused().Message);
        HostCertification.Decide(Sample.Node("db2"), Sample.Locked("node db1"), Sample.Now, null).Granted();
    }

    [Theory]
    [InlineData("node db1", "node db1 is locked")]
    [InlineData("login root", "login root is locked")]
    public void Enrollment_proof_opens_nothing_that_is_locked(string locked, string told)
    {
        Assert.Equal(told, IssuancePolicy.ForProof("root", "db1", Sample.Locked(locked), Sample.Now).Refused().Message);
        IssuancePolicy.ForProof("deploy", "db2", Sample.Locked(locked), Sample.Now).Granted();
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(20 * 24 - 1, false)]
    [InlineData(20 * 24 + 1, true)]
    [InlineData(40 * 24, true)]
    public void Renewal_is_due_in_the_last_third_and_after_expiry(int hours, bool due) =>
        Assert.Equal(due, HostCertification.IsDue(Sample.Node("db1"), Vouched(Sample.Node("db1")), Sample.Now, Sample.Now.AddDays(30), Sample.Now.AddHours(hours)));

    [Fact]
    public void Renewal_is_due_for_a_new_address_but_not_for_a_new_port()
    {
        var old = Sample.Node("db1") with { Address = "db1.example.com:22" };
        Assert.True(HostCertification.IsDue(old with { Address = "db1.example.net:22" }, Vouched(old), Sample.Now, Sample.Now.AddDays(30), Sample.Now));
        Assert.False(HostCertification.IsDue(old with { Address = "db1.example.com:2222" }, Vouched(old), Sample.Now, Sample.Now.AddDays(30), Sample.Now));
    }

    private static ImmutableArray<string> Vouched(Node node) => HostCertification.Decide(node, LocksInForce.None, Sample.Now, null).Granted().Principals;
}
