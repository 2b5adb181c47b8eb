using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;
using static CertAuthority.Tests.Unit.Tctl.Reports.ReportScene;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class PolicyChangesTests
{
    private static readonly AuditChange Login = new("spec.allow.logins", null, "root");

    [Fact]
    public void Every_change_in_the_period_has_its_differences()
    {
        var changes = Take(
            Entry("08-31T23:59:59", "role.updated") with { Resource = "role/old" },
            Entry("09-01T00:00:00", "role.updated") with { Resource = "role/dba", Changes = [Login], ChangesLeftOut = 2 },
            Entry("09-02T00:00:00", "node.taken_over") with { Resource = "node/db1" },
            Entry("09-02T00:00:00", "lock.created") with { Resource = "lock/x", Reason = "laptop lost" },
            Entry("09-02T00:00:00", "daemon.reloaded") with { Changes = [new AuditChange("admins.users", null, "carol")] },
            Entry("09-02T00:00:00", "daemon.started"),
            Entry("10-01T00:00:00", "user.removed") with { Resource = "user/late" });
        Assert.Equal(["role/dba 1 2", "lock/x 0 ", "the configuration 1 "], changes.Rows().Select(row => $"{row.Subject} {row.Changes.Length} {row.ChangesLeftOut}"));
        Assert.Equal("laptop lost", changes.Rows()[1].Reason);
    }

    [Fact]
    public void People_who_left_all_groups_or_some_are_listed()
    {
        var left = Take(
            ByGroups("user.removed", "user/bob", "groups: dba-team, web-team") with { Granted = ["dba", "web"] },
            ByGroups("user.updated", "user/erin", "groups: web-team") with
            {
                Changes = [new AuditChange("spec.roles", "dba"), new AuditChange("metadata.from_groups", "dba-team"), new AuditChange("spec.roles", null, "other")],
            }).LeftRows();
        Assert.Equal(
            ["bob removed dba-team web-team: dba web", "erin left some dba-team: dba"],
            left.Select(row => $"{row.User} {row.What} {string.Join(' ', row.Groups)}: {string.Join(' ', row.Roles)}"));
    }

    [Fact]
    public void Joining_a_group_or_an_administrator_is_no_leaving() =>
        Assert.Empty(Take(
            ByGroups("user.created", "user/bob", "groups: dba-team"),
            ByGroups("user.updated", "user/bob", "groups: dba-team, web-team") with { Changes = [new AuditChange("metadata.from_groups", null, "web-team")] },
            ByGroups("user.removed", "user/bob", "groups: dba-team") with { Uid = 0, Account = "root" },
            Entry("09-02T00:00:00", "user.removed") with { Resource = "user/carol" }).LeftRows());

    private static AuditEntry ByGroups(string what, string resource, string reason) =>
        Entry("09-02T00:00:00", what, uid: null) with { Resource = resource, Reason = reason };

    private static PolicyChanges Take(params AuditEntry[] entries)
    {
        var changes = new PolicyChanges(September);
        foreach (var entry in entries)
            changes.Take(entry);
        return changes;
    }
}
