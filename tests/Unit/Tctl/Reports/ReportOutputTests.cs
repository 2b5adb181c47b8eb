using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class ReportOutputTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a, b", "\"a, b\"")]
    [InlineData("a \"b\"", "\"a \"\"b\"\"\"")]
    [InlineData("=cmd()", "'=cmd()")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData(" =cmd()", "' =cmd()")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("＝cmd()", "'＝cmd()")]
    [InlineData("=a,b", "\"'=a,b\"")]
    [InlineData("a=b", "a=b")]
    [InlineData("a\nb", "\"a\nb\"")]
    public void Cell_is_quoted_and_never_a_formula(string text, string cell) => Assert.Equal(cell, ReportCsv.Cell(text));

    [Fact]
    public void Same_report_has_the_same_bytes_and_is_read_again()
    {
        var report = ReportScene.Empty with
        {
            Unused = [new UnusedRow("alice", "dba", ["postgres"], RoleUse.NoCertificate)],
            Changes = [new ChangeRow(1, "t", "role.updated", "role/dba", "root", "", [new AuditChange("a", "b")])],
        };
        var json = report.ToJson();
        Assert.Equal(json, AccessReport.Parse(Encoding.UTF8.GetBytes(json)).ToJson());
        Assert.EndsWith("}\n", json);
        Assert.DoesNotContain("\r", json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"kind\": \"access_report\", \"version\": 1}")]
    [InlineData("{\"kind\": \"something\"}")]
    public void Something_else_is_no_report(string json) =>
        Assert.ThrowsAny<JsonException>(() => AccessReport.Parse(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Text_of_people_is_never_markup()
    {
        var page = ReportHtml.Write(
            ReportScene.Empty with { Unused = [new UnusedRow("<b>", "\"><script>alert(1)</script>", ["&amp;"], "a\u202eb")] }, null);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("<b>", page);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page);
        Assert.Contains("&amp;amp;", page);
        Assert.Contains("a\\u{202e}b", page);
    }

    [Fact]
    public void Every_section_has_a_name_and_rows_as_wide_as_its_header()
    {
        var report = ReportScene.Empty with
        {
            Access = [new AccessRow("standing", ["a"], ["b"], 1, ["c"], null, [], [])],
            Grants =
            [
                new GrantRow
                {
                    Request = "r", User = "u", Asked = [], Granted = [], Resources = [], Votes = [], Approved = "t", ApprovedBy = "root", ApprovedReason = "", ByVotes = false, Certificates = 0,
                },
            ],
            Unused = [new UnusedRow("a", "b", [], "c")],
            Left = [new LeftRow(1, "t", "u", "removed", [], [])],
            Changes = [new ChangeRow(1, "t", "e", "s", "b", "", [])],
        };
        Assert.Equal(ReportSection.Names, ReportSection.ForPeople(report).Select(section => section.Name));
        Assert.All(
            ReportSection.ForPeople(report).Concat(ReportSection.Names.Select(name => ReportSection.ForPrograms(report, name))),
            section => Assert.Equal(section.Columns.Length, Assert.Single(section.Rows).Length));
    }
}
