using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tests.Unit.Terminal;

public class TableTests
{
    [Fact]
    public void List_of_requests_looks_as_in_the_guide()
    {
        Assert.Equal(
            [
                "Token                                Requestor Metadata  Created At (UTC)    Status",
                "------------------------------------ --------- --------- ------------------- -------",
                "bc8ca931-fec9-4b15-9a6f-20c13c5641a9 alice     roles=dba 07 Nov 19 19:38 UTC PENDING",
            ],
            RequestText.Table([Request()], withReason: true).Lines());
    }

    [Fact]
    public void Reason_is_shortened_in_the_last_column()
    {
        var given = Request() with { Spec = Request().Spec with { RequestReason = new string('x', 100) } };
        Assert.EndsWith($"PENDING {new string('x', 59)}…", RequestText.Table([given], withReason: true).Lines().Last(), StringComparison.Ordinal);
        Assert.EndsWith("UTC PENDING", RequestText.Table([given], withReason: false).Lines().Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_grow_with_their_content() =>
        Assert.Equal(["A   B", "--- ----", "x   long", "yyy z"], Rows(("x", "long"), ("yyy", "z")).Lines());

    [Fact]
    public void Every_cell_is_escaped() =>
        Assert.Contains(@"a\u{1b}[2J\nb z", Rows(("a\e[2J\nb", "z")).Lines());

    [Fact]
    public void Details_omit_empty_fields()
    {
        var lines = RequestText.Details(Request(), "").ToList();
        Assert.Contains("roles: dba", lines);
        Assert.Contains("created: 2019-11-07T19:38:00Z", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("resolve", StringComparison.Ordinal) || line.StartsWith("reason", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("PENDING", true)]
    [InlineData("APPROVED", true)]
    [InlineData("EXPIRED", true)]
    [InlineData("DENIED", false)]
    [InlineData("CANCELLED", false)]
    public void Access_that_never_comes_has_no_end(string state, bool hasEnd)
    {
        var lines = RequestText.Details(Request() with { Spec = Request().Spec with { State = state } }, "");
        Assert.Equal(hasEnd, lines.Any(line => line.StartsWith("access ends: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(120, "Token Requestor Metadata Created Status Reason")]
    [InlineData(60, "Token Requestor Metadata Created Status")]
    [InlineData(52, "Token Requestor Metadata Status")]
    [InlineData(40, "Token Requestor Metadata Status")]
    public void Roles_asked_for_are_cut_last(int width, string columns)
    {
        var asked = Request() with { Spec = Request().Spec with { Roles = ["dba", "ops", "root"], RequestReason = new string('x', 50) } };
        var lines = RequestText.Table([asked], withReason: true).Fitted(width, asked.Spec.Created.AddMinutes(5)).ToList();
        Assert.Equal(columns, string.Join(' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(width > 40, lines[2].Contains("roles=dba,ops,root ", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
    }

    [Theory]
    [InlineData(0, "request bc8ca931-fec9-4b15-9a6f-20c13c5641a9 has been denied")]
    [InlineData(1, "request bc8ca931-fec9-4b15-9a6f-20c13c5641a9 has been denied, 1 certificate revoked")]
    [InlineData(2, "request bc8ca931-fec9-4b15-9a6f-20c13c5641a9 has been denied, 2 certificates revoked")]
    public void Result_line_counts_revoked_certificates(int revoked, string line) =>
        Assert.Equal(line, RequestText.Done(new RequestResolved(Request(), [.. Enumerable.Repeat("1", revoked)], []), "denied"));

    [Theory]
    [InlineData(3600, "1h")]
    [InlineData(3599, "1h")]
    [InlineData(58 * 60, "58m")]
    [InlineData(90 * 60, "1h30m")]
    [InlineData(30 * 3600, "30h")]
    [InlineData(59, "59s")]
    public void Time_left_is_shown_to_the_nearest_minute(int seconds, string text) => Assert.Equal(text, Wording.Left(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("数据库", 6)]
    [InlineData("🚀", 2)]
    [InlineData("e\u0301", 1)]
    public void Width_is_that_of_the_terminal(string text, int columns)
    {
        var table = Rows((text, "x"));
        Assert.Equal($"{new string('-', Math.Max(1, columns))} -", table.Lines().ElementAt(1));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(80)]
    [InlineData(60)]
    [InlineData(30)]
    [InlineData(10)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        var table = new Table("Token", "Requestor", "Metadata", "Created At (UTC)", "Status", "Reason") { Nothing = "nothing", Ids = 0, Expendable = ["Reason", "Created At (UTC)", "Metadata"] };
        table.Add("bc8ca931-fec9-4b15-9a6f-20c13c5641a9", "alice", "roles=dba,ops,数据库管理员,root", Now.AddMinutes(-5), "PENDING", new string('x', 70));
        var lines = table.Fitted(width, Now).ToList();

        Assert.All(lines, line => Assert.True(CertAuthority.Terminal.DisplayWidth.Of(line) <= Math.Max(width, 12), line));
        Assert.StartsWith("bc8ca931", lines[2], StringComparison.Ordinal);
        Assert.Equal(width >= 60, lines[2].Contains("PENDING", StringComparison.Ordinal) && lines[2].Contains("5m ago", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(30, "in 30s")]
    [InlineData(-300, "5m ago")]
    [InlineData(7200, "in 2h")]
    [InlineData(-3 * 86400, "3d ago")]
    [InlineData(40 * 86400, "2027-01-01")]
    public void Time_is_relative_to_now(int seconds, string shown) => Assert.Equal(shown, Wording.Relative(Now.AddSeconds(seconds), Now));

    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private static Table Rows(params (string A, string B)[] rows)
    {
        var table = new Table("A", "B") { Nothing = "nothing" };
        foreach (var (a, b) in rows)
            table.Add(a, b);
        return table;
    }

    private static RequestResource Request()
    {
        var created = new DateTimeOffset(2019, 11, 7, 19, 38, 0, TimeSpan.Zero);
        return new RequestResource(
            "access_request",
            "v3",
            new RequestMetadata("bc8ca931-fec9-4b15-9a6f-20c13c5641a9", 1),
            new RequestSpec
            {
                User = "alice",
                Roles = ["dba"],
                GrantedRoles = [],
                State = "PENDING",
                Created = created,
                Expires = created.AddDays(7),
                AccessExpires = created.AddHours(1),
                AccessLasts = "1h",
                AccessLimitedBy = "role dba",
                Clock = "creation",
                Shortened = [],
                RequestReason = "",
                ResolveReason = "",
                SuggestedReviewers = [],
            });
    }
}
