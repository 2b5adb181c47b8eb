using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class HostReportTests
{
    private const string Ca = "user-ca SHA256:vkqrR43rPba7smg3iC3+GLg0p3W6/xVNp7GhXm7vPkI\n";
    private const string Whole = $"certauthority-report v1\nnode web1\ntime 2026-11-30T12:00:00Z\nversion 1796000005\n{Ca}checkpoint Y2hlY2s=\n";

    private static readonly DateTimeOffset Noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Report_is_read_line_by_line()
    {
        var report = HostReport.Parse(Whole)!;
        Assert.Equal(("web1", Noon, 1796000005ul, "Y2hlY2s="), (report.Node, report.Time, report.KrlVersion, report.Checkpoint));
        Assert.Equal("SHA256:vkqrR43rPba7smg3iC3+GLg0p3W6/xVNp7GhXm7vPkI", Assert.Single(report.UserCas));
        Assert.Null(HostReport.Parse(Whole.Replace("checkpoint Y2hlY2s=\n", "", StringComparison.Ordinal))!.Checkpoint);
        Assert.Equal(2, HostReport.Parse(Whole.Replace(Ca, Ca + Ca, StringComparison.Ordinal))!.UserCas.Length);
    }

    [Fact]
    public void Report_confirms_groups_while_it_is_fresh()
    {
        const string group = "group prod-db.4c1f09ab5d2e7703\n";
        var report = HostReport.Parse(Whole.Replace("checkpoint", $"{group}{group.Replace("db", "web", StringComparison.Ordinal)}groups-fault refused\ncheckpoint", StringComparison.Ordinal))!;
        Assert.Equal<string>(["prod-db.4c1f09ab5d2e7703", "prod-web.4c1f09ab5d2e7703"], [.. report.Groups]);
        Assert.Equal(HostReport.RefusedGroups, report.GroupsFault);
        Assert.Equal<string>([.. report.Groups], [.. report.Confirms(Noon.AddMinutes(10))]);
        Assert.Empty(report.Confirms(Noon.AddMinutes(10).AddSeconds(1)));
        Assert.Null(HostReport.Parse(Whole)!.GroupsFault);
        foreach (var bad in (string[])["group prod-db\n", "group *\n", "groups-fault none\n", $"groups-fault unread\n{group}", string.Concat(Enumerable.Repeat(group, 17))])
            Assert.Null(HostReport.Parse(Whole.Replace("checkpoint", $"{bad}checkpoint", StringComparison.Ordinal)));
        Assert.InRange(HostReport.Parse(Whole.Replace(Ca, string.Concat(Enumerable.Repeat(Ca, 16)) + string.Concat(Enumerable.Repeat($"group {new string('x', 63)}.4c1f09ab5d2e7703\n", 16)), StringComparison.Ordinal))!.Groups.Length, 16, 16);
    }

    [Theory]
    [InlineData("v1", "v2")]
    [InlineData("node web1", "node ../web1")]
    [InlineData("node web1", "node Web1")]
    [InlineData("2026-11-30T12:00:00Z", "2026-13-30T12:00:00Z")]
    [InlineData("1796000005", "-1")]
    [InlineData("1796000005", "1796000005000000000")]
    [InlineData(Ca, "")]
    [InlineData("checkpoint Y2hlY2s=", "checkpoint Y2hl Y2s=")]
    [InlineData("checkpoint Y2hlY2s=\n", "checkpoint Y2hlY2s=\nmore\n")]
    [InlineData("version", "\nversion")]
    public void Malformed_report_is_not_read(string part, string instead) =>
        Assert.Null(HostReport.Parse(Whole.Replace(part, instead, StringComparison.Ordinal)));

    [Fact]
    public void Old_report_and_one_from_the_future_do_not_count()
    {
        var report = HostReport.Parse(Whole)!;
        Assert.True(report.IsNext(null, Noon));
        Assert.True(report.IsNext(Noon.AddSeconds(-1), Noon));
        Assert.False(report.IsNext(Noon, Noon));
        Assert.False(report.IsNext(Noon.AddSeconds(1), Noon.AddHours(1)));
        Assert.True(report.IsNext(null, Noon.AddMinutes(-5)));
        Assert.False(report.IsNext(null, Noon.AddMinutes(-5).AddSeconds(-1)));
    }
}
