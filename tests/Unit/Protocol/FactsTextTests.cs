using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>The words for the facts about a request.</summary>
public class FactsTextTests
{
    private static readonly DateTimeOffset Now = Access.Sample.Now;

    [Fact]
    public void Each_fact_has_a_line_and_free_text_comes_last() => Assert.Equal(
        [
            "opens: root@db1, root@db2 (env=prod)",
            "for: 1h, until 2026-03-01T13:00:00Z, if approved now; limited by role dba",
            "risk: it opens root; sessions may forward ports",
            "needs: 1 of 2 approvals: bob; dave and erika can",
            "you cannot approve it: nobody reviews their own request",
            "history: last granted for a request of 2026-02-28T12:00:00Z; 3 requests in 90 days, 2 granted; 1 open",
            "role dba: all databases",
        ],
        FactsText.Lines(Spec("bob"), Facts with { WhyNotYou = "nobody reviews their own request" }).Select(fact => $"{fact.Name}: {fact.Value}"));

    [Theory]
    [InlineData("everywhere", true, 0, null, "", null, "root (all hosts)")]
    [InlineData("one host", false, 1, "db1", "env=prod:1 type=db:1", null, "root@db1 (env=prod, type=db)")]
    [InlineData("only shared labels", false, 2, "db1 db2", "type=db:2 env=prod:1 env=test:1", null, "root@db1, root@db2 (type=db)")]
    [InlineData("no shared label", false, 2, "db1 db2", "env=prod:1", null, "root@db1, root@db2")]
    [InlineData("many hosts", false, 12, null, "type=db:12 env=prod:7 env=test:5", null, "root on 12 hosts (12 type=db, 7 env=prod, 5 env=test)")]
    [InlineData("many hosts without labels", false, 12, null, "", null, "root on 12 hosts")]
    [InlineData("many labels", false, 12, null, "a=1:12 b=1:11 c=1:10 d=1:9 e=1:8 f=1:7 g=1:6", null, "root on 12 hosts (12 a=1, 11 b=1, 10 c=1, 9 d=1, 8 e=1, 7 f=1)")]
    [InlineData("under a condition", false, 1, "db1", "", "runs only true", "root@db1, runs only true")]
    public void Opened_login_names_or_counts_its_hosts(string what, bool everywhere, int count, string? hosts, string labels, string? conditions, string text)
    {
        var counted = labels.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(label => label.Split(':')[0], label => int.Parse(label.Split(':')[1]));
        Assert.True(text == FactsText.Opens(Facts with { Opens = [new RequestOpening("root", everywhere, count, counted, hosts?.Split(' '), conditions)] }), what);
    }

    [Fact]
    public void Nothing_opened_says_why() =>
        Assert.Equal("nothing: role dba is locked", FactsText.Opens(Facts with { Opens = [], OpensNothing = "role dba is locked" }));

    [Theory]
    [InlineData("", 0, "nobody can review it, only an administrator can answer")]
    [InlineData("bob", 0, "bob can")]
    [InlineData("bob carol", 0, "bob and carol can")]
    [InlineData("bob carol dave", 0, "bob, carol and dave can")]
    [InlineData("bob carol", 7, "bob, carol and 7 more can")]
    public void Reviewers_are_named(string can, int more, string text) =>
        Assert.Equal($"1 of 2 approvals; {text}", FactsText.Needs(Spec(), Facts with { CanApprove = can.Split(' ', StringSplitOptions.RemoveEmptyEntries), MoreCanApprove = more }));

    [Fact]
    public void Wait_names_only_votes_that_count()
    {
        Assert.Equal("1 of 2 approvals (bob)", FactsText.Needs(Spec("bob")));
        Assert.Equal("1 of 2 approvals", FactsText.Needs(Spec()));
        var spec = Spec("bob", "carol");
        spec = spec with { Reviews = [spec.Reviews![0] with { Counts = false }, spec.Reviews[1] with { ProposedState = RequestStates.Denied }] };
        Assert.Equal("1 of 2 approvals", FactsText.Needs(spec));
    }

    [Theory]
    [InlineData(59, "59s")]
    [InlineData(3599, "1h")]
    [InlineData(90 * 60, "1h30m")]
    [InlineData(30 * 3600, "30h")]
    [InlineData(54 * 3600 + 60, "2d6h1m")]
    public void Duration_is_shown_to_the_nearest_minute(int seconds, string text) => Assert.Contains(
        ("for", $"{text}, until 2026-03-01T13:00:00Z, if approved now; limited by role dba"),
        FactsText.Lines(Spec(), Facts with { Period = new RequestPeriod(Now.AddHours(1).AddSeconds(-seconds), Now.AddHours(1), "role dba") }));

    [Fact]
    public void History_names_three_open_requests() => Assert.Contains(
        ("history", "not granted within a year; 5 requests in 90 days, 0 granted; 5 open"),
        FactsText.Lines(Spec(), Facts with { History = new RequestHistory(5, 0, ["a", "b", "c", "d", "e"]) }));

    [Theory]
    [InlineData(0, "not granted within a year")]
    [InlineData(1, "not granted within a year; 1 request in 90 days, 0 granted")]
    public void History_without_a_grant_says_so(int filed, string text) =>
        Assert.Contains(("history", text), FactsText.Lines(Spec(), Facts with { History = new RequestHistory(filed, 0, []) }));

    private static RequestFacts Facts => new()
    {
        Opens = [new RequestOpening("root", false, 2, new() { ["env=prod"] = 2 }, ["db1", "db2"])],
        Period = new RequestPeriod(Now, Now.AddHours(1), "role dba"),
        Risks = [new RequestRisk(RiskKinds.Root, "it opens root"), new RequestRisk(RiskKinds.Forwarding, "sessions may forward ports")],
        CanApprove = ["dave", "erika"],
        MoreCanApprove = 0,
        History = new RequestHistory(3, 2, ["04ababd6"], Now.AddDays(-1)),
        Descriptions = new() { ["dba"] = "all databases" },
    };

    private static RequestSpec Spec(params string[] approvals) => new()
    {
        User = "alice",
        Roles = ["dba"],
        GrantedRoles = [],
        State = RequestStates.Pending,
        Created = Now,
        Expires = Now,
        AccessExpires = Now,
        AccessLasts = "1h",
        AccessLimitedBy = "role dba",
        Clock = RequestClocks.Creation,
        Shortened = [],
        RequestReason = "",
        ResolveReason = "",
        SuggestedReviewers = [],
        Needs = ["1 of 2 approvals"],
        Reviews = [.. approvals.Select(author => new RequestReview(author, RequestStates.Approved, ["dba"], "", Now, Counts: true))],
    };
}
