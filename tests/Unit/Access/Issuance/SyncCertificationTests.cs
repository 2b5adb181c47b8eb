using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class SyncCertificationTests
{
    [Fact]
    public void Validity_spans_15_minutes_before_and_after()
    {
        var validity = SyncCertification.Decide(Sample.Now).Validity;
        Assert.Equal((Sample.Now.AddMinutes(-15), Sample.Now.AddMinutes(15)), (validity.After, validity.Before));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(299, false)]
    [InlineData(300, true)]
    [InlineData(-1, true)]
    public void Certificate_is_used_for_five_of_its_fifteen_minutes(int seconds, bool worn) =>
        Assert.Equal(worn, SyncCertification.IsWorn(Sample.Now, Sample.Now.AddSeconds(seconds)));

    [Fact]
    public void No_role_grants_the_sync_login()
    {
        Assert.True(Names.IsLogin("certauthority-sync"));
        Assert.False(Names.IsGrantable("certauthority-sync"));
        Assert.True(Names.IsGrantable("certauthority-sync2"));
        Assert.Equal("\"certauthority-sync\" is the daemon's own, which no role grants", IssuancePolicy.ForProof("certauthority-sync", "db1", LocksInForce.None, Sample.Now).Refused().Message);
        Assert.StartsWith("no role grants certauthority-sync, so there is nothing to lock", new LockTarget(LockKind.Login, "certauthority-sync").Fault, StringComparison.Ordinal);
    }
}
