using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;
using static CertAuthority.Tests.Unit.Tctl.Reports.ReportScene;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class GrantsTests
{
    [Fact]
    public void Grant_has_why_who_said_yes_and_its_use()
    {
        var grant = Assert.Single(Take(
            Request("09-02T10:00:00", "created"),
            Request("09-02T10:01:00", "reviewed") with { Reviewer = "bob", Account = "bob", Vote = "approve", Reason = "ok" },
            Request("09-02T10:02:00", "reviewed") with { Reviewer = "dora", Account = "dora", Vote = "approve", Reason = "" },
            Request("09-02T10:02:00", "approved") with { Reviewer = "dora", Account = "dora", ValidBefore = Taken },
            Certificate("09-02T10:03:00", "alice", ["dba"], ["postgres@db1"], "r1"),
            Certificate("09-02T11:03:00", "alice", ["dba"], ["postgres@db1"], "r0", "r1"),
            Certificate("09-02T12:03:00", "alice", ["dba"], ["postgres@db1"], "r2")));
        Assert.Equal(("created it", "2026-09-02T10:00:00Z", "root", true, null), (grant.Reason, grant.Filed, grant.FiledBy, grant.ByVotes, grant.Overridden));
        Assert.Equal(["bob approve ok", "dora approve "], grant.Votes.Select(vote => $"{vote.Reviewer} {vote.Vote} {vote.Reason}"));
        Assert.Equal((2, "2026-09-02T10:03:00Z", "2026-10-01T12:00:00Z"), (grant.Certificates, grant.FirstUsed, grant.AccessUntil));
    }

    [Fact]
    public void Override_of_an_administrator_is_no_vote()
    {
        var grant = Assert.Single(Take(
            Request("09-02T10:00:00", "created"),
            Request("09-02T10:02:00", "approved") with { Overridden = ["0 of 2 approvals"], Self = true }));
        Assert.Equal((false, true, 0, "root"), (grant.ByVotes, grant.Self, grant.Certificates, grant.ApprovedBy));
        Assert.Equal(["0 of 2 approvals"], grant.Overridden!);
    }

    [Theory]
    [InlineData("08-31T23:59:59", false)]
    [InlineData("09-01T00:00:00", true)]
    [InlineData("09-30T23:59:59", true)]
    [InlineData("10-01T00:00:00", false)]
    public void Period_has_its_first_instant_and_not_its_end(string approved, bool isIn) =>
        Assert.Equal(isIn ? 1 : 0, Take(Request("08-30T10:00:00", "created"), Request(approved, "approved")).Length);

    [Fact]
    public void Period_without_an_end_has_the_entry_made_just_now()
    {
        var grants = new Grants(September with { Until = null });
        grants.Take(Request("10-01T12:00:05", "approved"));
        Assert.Single(grants.Rows());
    }

    [Fact]
    public void Use_after_the_period_is_use() =>
        Assert.Equal(1, Assert.Single(Take(
            Request("09-30T10:00:00", "created"), Request("09-30T11:00:00", "approved"), Certificate("10-01T09:00:00", "alice", ["dba"], [], "r1"))).Certificates);

    [Fact]
    public void Unapproved_request_is_no_grant() =>
        Assert.Empty(Take(Request("09-02T10:00:00", "created"), Request("09-02T10:02:00", "denied"), Request("09-02T10:00:00", "created", "r2")));

    [Fact]
    public void Withdrawn_grant_says_who_ended_it()
    {
        var grant = Assert.Single(Take(
            Request("09-02T10:00:00", "created"), Request("09-02T10:02:00", "approved"), Request("09-02T10:05:00", "denied") with { Reason = "enough" },
            Request("09-02T10:06:00", "removed")));
        Assert.Equal("denied 2026-09-02T10:05:00Z by root: enough", grant.Ended);
    }

    [Fact]
    public void Grant_filed_before_the_first_entry_is_completed()
    {
        var grants = new Grants(September);
        AuditEntry[] all = [Request("08-28T10:00:00", "created"), Request("09-01T10:02:00", "approved"), Certificate("09-01T10:03:00", "alice", ["dba"], [], "r1")];
        foreach (var entry in all[1..])
            grants.Take(entry);
        Assert.Equal(["r1"], grants.WithoutFiling);
        Assert.Null(Assert.Single(grants.Rows()).Reason);
        var whole = new Grants(September);
        foreach (var entry in all)
            whole.Take(entry);
        grants.Complete("r1", whole);
        Assert.Empty(grants.WithoutFiling);
        Assert.Equal(("created it", 1), (grants.Rows()[0].Reason, grants.Rows()[0].Certificates));
    }

    private static GrantRow[] Take(params AuditEntry[] entries)
    {
        var grants = new Grants(September);
        foreach (var entry in entries)
            grants.Take(entry);
        return grants.Rows();
    }
}
