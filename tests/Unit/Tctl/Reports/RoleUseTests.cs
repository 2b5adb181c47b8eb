using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;
using static CertAuthority.Tests.Unit.Tctl.Reports.ReportScene;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class RoleUseTests
{
    private static readonly Dictionary<(string, string), SortedSet<string>> Standing = new()
    {
        [("alice", "shell")] = ["deploy"],
        [("alice", "dba")] = ["postgres", "adam@corp.example.com"],
    };

    [Theory]
    [InlineData("a bare login", "deploy", "alice dba no login of it in any certificate")]
    [InlineData("a login on a host", "deploy@db1", "alice dba no login of it in any certificate")]
    [InlineData("both logins", "deploy,postgres@db1", "")]
    [InlineData("a login with a domain", "deploy,adam@corp.example.com@db1", "")]
    [InlineData("its name on another host", "deploy,adam@corp.example.com", "alice dba no login of it in any certificate")]
    [InlineData("other logins", "root", "alice dba no login of it in any certificate;alice shell no login of it in any certificate")]
    public void Role_is_used_if_a_certificate_has_a_login_of_it(string what, string principals, string unused) =>
        Assert.True(unused == Unused(Certificate("09-02T10:00:00", "alice", ["dba", "shell"], principals.Split(','))), what);

    [Fact]
    public void Role_that_no_certificate_names_is_unused() =>
        Assert.Equal("alice dba no certificate", Unused(Certificate("09-02T10:00:00", "alice", ["shell"], ["deploy", "postgres"])));

    [Fact]
    public void Certificate_of_somebody_else_is_no_use() =>
        Assert.Equal("alice dba no certificate;alice shell no certificate", Unused(Certificate("09-02T10:00:00", "bob", ["dba", "shell"], ["deploy", "postgres"])));

    [Theory]
    [InlineData("07-03T11:59:59", false)]
    [InlineData("07-03T12:00:00", true)]
    public void Use_counts_from_the_first_instant(string time, bool counts) =>
        Assert.Equal(counts ? "" : "alice dba no certificate;alice shell no certificate", Unused(Certificate(time, "alice", ["dba", "shell"], ["deploy", "postgres"])));

    [Theory]
    [InlineData("user.removed")]
    [InlineData("user.created")]
    public void User_created_again_used_nothing(string what) =>
        Assert.Equal(
            "alice dba no certificate;alice shell no certificate",
            Unused(Certificate("09-02T10:00:00", "alice", ["dba", "shell"], ["deploy", "postgres"]), Entry("09-03T10:00:00", what) with { Resource = "user/alice" }));

    private static string Unused(params AuditEntry[] entries)
    {
        var use = new RoleUse(September.UnusedSince);
        foreach (var entry in entries)
            use.Take(entry);
        return string.Join(';', use.Unused(Standing).Select(row => $"{row.User} {row.Role} {row.Why}"));
    }
}
