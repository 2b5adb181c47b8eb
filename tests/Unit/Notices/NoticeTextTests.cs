using CertAuthority.Notices;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Notices;

public class NoticeTextTests
{
    private const string Request = "(request b48cc9ff-d730-4f59-a5fd-e60383ff6ce2)";

    [Theory]
    [InlineData("request.created", null)]
    [InlineData("request.reviewed", "bob voted to approve: `fine`")]
    [InlineData("request.approved", "approved by root: `go`")]
    [InlineData("request.denied", "denied by root: `go`")]
    [InlineData("request.cancelled", "cancelled by root: `go`")]
    [InlineData("access.ending", "the access ends at 2026-03-01T12:50:00Z")]
    public void Chat_notice_says_what_was_asked_and_then_what_became_of_it(string what, string? second) =>
        Assert.Equal(
            string.Join('\n', ((string?[])["alice asks for dba, web: `tonight` " + Request, second]).OfType<string>()),
            NoticeText.Chat(Told.Of(what, "tonight", "go", "root", ("carol", "DENIED", "no"), ("bob", "APPROVED", "fine"))));

    [Fact]
    public void Chat_notice_of_a_narrower_approval_names_the_granted_roles()
    {
        var told = Told.Of("request.approved");
        Assert.Contains(
            "\napproved for web by root", NoticeText.Chat(told with { Request = told.Request! with { Spec = told.Request.Spec with { GrantedRoles = ["web"] } } }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice asks for dba, web on node/db1 ", "node/db1")]
    [InlineData("alice asks for dba, web on node/db1, node/db2 and node/db3 ", "node/db1", "node/db2", "node/db3")]
    [InlineData("alice asks for dba, web on node/db1, node/db2 and 2 more ", "node/db1", "node/db2", "node/db3", "node/db4")]
    public void Notice_of_a_node_request_names_some_nodes(string start, params string[] nodes)
    {
        var told = Told.Of("request.created");
        told = told with { Request = told.Request! with { Spec = told.Request.Spec with { Resources = nodes } } };
        Assert.StartsWith(start + "(", NoticeText.Chat(told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hosts.contested", "1 host has the revocation list of another daemon: db1", "db1")]
    [InlineData("hosts.stale", "1 host has no fresh revocation list: db1", "db1")]
    [InlineData("hosts.stale", "2 hosts have no fresh revocation list: db1 and db2", "db1", "db2")]
    [InlineData("hosts.stale", "3 hosts have no fresh revocation list: db1, db2 and web1", "db1", "db2", "web1")]
    [InlineData("hosts.stale", "4 hosts have no fresh revocation list: db1, db2 and 2 more", "db1", "db2", "web1", "web2")]
    [InlineData("hosts.fresh", "1 host has the revocation list again: db1", "db1")]
    [InlineData("hosts.fresh", "2 hosts have the revocation list again: db1 and db2", "db1", "db2")]
    public void Notice_of_hosts_counts_them_and_names_some(string what, string line, params string[] hosts) => Assert.Equal(line, NoticeText.Chat(Told.OfHosts(what, hosts)));

    [Theory]
    [InlineData(true, "the disk with /var/lib/certauthority is 93% full, 700 MiB are left")]
    [InlineData(false, "the disk with /var/lib/certauthority is full: only revoking, locking and denying go on until there is room")]
    public void Notice_of_the_disk_says_how_full_it_is(bool hasRoom, string line) =>
        Assert.Equal(line, NoticeText.Chat(new Notification("1", 1, "disk.low", Told.Now, Disk: new DiskStatus("/var/lib/certauthority", 93, 700 << 20, hasRoom))));

    [Theory]
    [InlineData("nothing", "", "")]
    [InlineData("a call to everybody", "<!channel> @here & <https://evil.example|click>", ": `&lt;!channel&gt; @here &amp; &lt;https://evil.example|click&gt;`")]
    [InlineData("out of the backquotes", "a` @channel `b", ": `a' @channel 'b`")]
    [InlineData("written as Slack writes it", "&lt;!channel&gt;", ": `&amp;lt;!channel&amp;gt;`")]
    [InlineData("another line", "a\r\nb\u202ec\u001b[31m", ": `a\\u{d}\\nb\\u{202e}c\\u{1b}[31m`")]
    public void Reason_in_a_chat_is_plain_text(string what, string reason, string shown) =>
        Assert.True($"alice asks for dba, web{shown} {Request}" == NoticeText.Chat(Told.Of("request.created", reason)), what);

    [Fact]
    public void Account_name_is_escaped_too() =>
        Assert.EndsWith("\ndenied by EX\\n&lt;!here&gt;", NoticeText.Chat(Told.Of("request.denied", by: "EX\n<!here>")), StringComparison.Ordinal);

    [Theory]
    [InlineData("request.created", "alice asks for dba, web.|reason: tonight|waits for an answer until: 2026-03-01T12:30:00Z|to approve it: tsh request review b48cc9ff-d730-4f59-a5fd-e60383ff6ce2 --approve|to deny it: tsh request review b48cc9ff-d730-4f59-a5fd-e60383ff6ce2 --deny --reason=TEXT")]
    [InlineData("request.approved", "alice's request for dba, web was approved by root.|reason: go|access ends: 2026-03-01T12:50:00Z|to use it: tsh login --request-id=b48cc9ff-d730-4f59-a5fd-e60383ff6ce2")]
    [InlineData("request.denied", "alice's request for dba, web was denied by root.|reason: go|to see it: tsh request show b48cc9ff-d730-4f59-a5fd-e60383ff6ce2")]
    [InlineData("access.ending", "alice's access to dba, web ends at 2026-03-01T12:50:00Z.|access ends: 2026-03-01T12:50:00Z")]
    public void Mail_says_what_to_do(string what, string lines)
    {
        var letter = NoticeText.Letter(Told.Of(what, "tonight", "go")).Split('\n');
        foreach (var line in lines.Split('|'))
            Assert.Contains(line, letter);
    }

    [Fact]
    public void Notice_of_a_new_request_has_its_facts()
    {
        var told = WithFacts(Told.Of("request.created", "tonight"));
        Assert.Equal(
            $"""
            alice asks for dba, web: `tonight` {Request}
            opens `root@db1 (env=it's &lt;!here&gt;)`
            for `1h, until 2026-03-01T13:00:00Z`; risk: `it opens root`
            needs `0 of 1 approval; bob can`
            """,
            NoticeText.Chat(told));
        var letter = NoticeText.Letter(told).Split('\n');
        foreach (var line in (string[])["opens: root@db1 (env=it`s <!here>)", "risk: it opens root", "needs: 0 of 1 approval; bob can", @"role dba: all\nof them", "reason: tonight"])
            Assert.Contains(line, letter);
    }

    private static Notification WithFacts(Notification told) => told with
    {
        Request = told.Request! with
        {
            Spec = told.Request.Spec with { Needs = ["0 of 1 approval"] },
            Facts = new RequestFacts
            {
                Period = new RequestPeriod(Told.Now, Told.Now.AddHours(1), "role dba"),
                Opens = [new RequestOpening("root", false, 1, new() { ["env=it`s <!here>"] = 1 }, ["db1"])],
                Risks = [new RequestRisk(RiskKinds.Root, "it opens root")],
                CanApprove = ["bob"],
                MoreCanApprove = 0,
                History = new RequestHistory(0, 0, []),
                Descriptions = new() { ["dba"] = "all\nof them" },
            },
        },
    };
}
