using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class SyncCertificationTests
{
    [Fact]
    public void It_spans_a_quarter_of_an_hour_to_both_sides()
    {
        var validity = SyncCertification.Decide(Sample.Now).Validity;
        Assert.Equal((Sample.Now.AddMinutes(-15), Sample.Now.AddMinutes(15)), (validity.After, validity.Before));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(299, false)]
    [InlineData(300, true)]
    [InlineData(-1, true)]
    public void It_is_used_for_five_minutes_so_that_a_clock_may_be_ten_ahead(int seconds, bool worn) =>
        Assert.Equal(worn, SyncCertification.IsWorn(Sample.Now, Sample.Now.AddSeconds(seconds)));

    [Fact]
    public void No_role_grants_its_login()
    {
        Assert.True(Names.IsLogin("certauthority-sync"));
        Assert.False(Names.IsGrantable("certauthority-sync"));
        Assert.True(Names.IsGrantable("certauthority-sync2"));
        Assert.Equal("\"certauthority-sync\" is the daemon's own, which no role grants", IssuancePolicy.ForProof("certauthority-sync", "db1", LocksInForce.None, Sample.Now).Refused().Message);
        Assert.StartsWith("no role grants certauthority-sync, so there is nothing to lock", new LockTarget(LockKind.Login, "certauthority-sync").Fault, StringComparison.Ordinal);
    }
}
