using CertAuthority.Access.Facts;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What people see of a request before they decide it.</summary>
public class DecisionFactsTests
{
    private static readonly Node Db1 = Sample.Node("db1", "env=prod");
    private static readonly Node Db2 = Sample.Node("db2", "env=prod");
    private static readonly Node Web1 = Sample.Node("web1", "env=test");
    private static readonly Role Everyday = Sample.Role("everyday", ["deploy"], Sample.Where("env=prod"), mayRequest: ["*"]);
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], Sample.Where("env=prod"), ttl: TimeSpan.FromHours(2));
    private static readonly Role Reviewer = Case.Reviewing("reviewer", "*");
    private static readonly User Alice = Sample.User("alice", "everyday");
    private static readonly User Bob = Sample.User("bob", "reviewer");
    private static readonly User Carol = Sample.User("carol", "reviewer");
    private static readonly User Dave = Sample.User("dave", "everyday");

    [Fact]
    public void Logins_are_grouped_and_sorted()
    {
        var both = Sample.Role("both", ["postgres", "backup"], Sample.Where("env=prod"));
        Assert.Equal(["backup@db1,db2", "postgres@db1,db2"], Opens(Question(both)));
    }

    [Fact]
    public void Logins_that_the_requester_has_already_are_left_out()
    {
        Assert.Equal(["postgres@db1,db2"], Opens(Question(Dba)));
        var same = DecisionFacts.Of(Question(Sample.Role("same", ["deploy"], Sample.Where("env=prod"))));
        Assert.Empty(same.Opens);
        Assert.Equal("nothing that the roles of alice do not open already", same.OpensNothing);
        Assert.Equal(["deploy@web1"], Opens(Question(Sample.Role("wider", ["deploy"], Sample.Where("env=*")))));
        Assert.Equal(["deploy@*"], Opens(Question(Sample.Role("widest", ["deploy"], LabelSelector.All))));
    }

    [Fact]
    public void Login_is_opened_again_if_its_conditions_fall_away()
    {
        var forced = Everyday with { Options = Everyday.Options with { ForceCommand = "true" } };
        var free = Sample.Role("free", ["deploy"], Sample.Where("env=prod"));
        Assert.Equal(["deploy@db1,db2"], Opens(Question(forced, free)));
        var forcing = free with { Options = free.Options with { ForceCommand = "true" } };
        Assert.Equal(["deploy@db1,db2 runs only true"], Opens(Question(Everyday with { Allow = Everyday.Allow with { Logins = [] } }, forcing)));
        Assert.Empty(Opens(Question(Everyday, forcing)));
    }

    [Fact]
    public void Node_request_opens_its_nodes_only()
    {
        var question = Question(Dba);
        var seeking = Everyday with { Allow = Everyday.Allow with { SearchAsRoles = Sample.Patterns("*") } };
        Assert.Equal(
            ["postgres@db2"],
            Opens(question with
            {
                Request = question.Request with { Resources = [new PinnedNode(Db2.Id, "db2")] },
                Roles = Sample.Roles(seeking, Dba, Reviewer),
            }));
    }

    [Theory]
    [InlineData("role dba", "role dba is locked")]
    [InlineData("user alice", "user alice is locked")]
    public void Lock_opens_nothing_and_says_so(string target, string why)
    {
        var facts = DecisionFacts.Of(Question(Dba) with { Locks = Sample.Locked(target) });
        Assert.Empty(facts.Opens);
        Assert.Empty(facts.Risks);
        Assert.Null(facts.Period);
        Assert.StartsWith(why, facts.OpensNothing, StringComparison.Ordinal);
    }

    [Fact]
    public void Changed_role_opens_nothing_unless_an_administrator_looks()
    {
        var changed = Question(Dba) with { Roles = Sample.Roles(Everyday, Dba with { Revision = 2 }, Reviewer) };
        Assert.Equal("the role dba changed after this request was made", DecisionFacts.Of(changed).OpensNothing);
        // An administrator can force it, so they see what that would open.
        var seen = DecisionFacts.Of(changed with { Administrator = new Answerer(new UnixIdentity(7, "root2"), IsRoot: false) });
        Assert.Equal(2, Assert.Single(seen.Opens).Nodes.Length);
        Assert.Equal("the role dba changed after this request was made", seen.WhyNotYou);
    }

    [Fact]
    public void Period_is_the_one_that_an_approval_now_would_set()
    {
        var question = Question(Dba);
        Assert.Equal(
            new AccessPeriod(Sample.Now, Sample.Now.AddMinutes(50), "role dba"), DecisionFacts.Of(question).Period);
        var later = question.Request with { Terms = question.Request.Terms with { AssumeFrom = Sample.Now.AddMinutes(20) } };
        Assert.Equal(
            new AccessPeriod(Sample.Now.AddMinutes(20), Sample.Now.AddMinutes(50), "role dba"), DecisionFacts.Of(question with { Request = later }).Period);
        Assert.Equal(["postgres@db1,db2"], Opens(question with { Request = later }));
        Assert.Equal(
            new AccessPeriod(Sample.Now, Sample.Now.AddMinutes(30), "the approval"), DecisionFacts.Of(question with { AtMost = TimeSpan.FromMinutes(30) }).Period);
        var longer = question with { AtMost = TimeSpan.FromMinutes(61), Administrator = new Answerer(new UnixIdentity(7, "root2"), IsRoot: false) };
        Assert.Equal("max_duration 1h1m is more than the 1h that the request has; an approval can only shorten it", DecisionFacts.Of(longer).WhyNotYou);
    }

    [Fact]
    public void Fewer_roles_open_less()
    {
        var root = Sample.Role("root", ["root"], LabelSelector.All);
        var question = Question(Everyday, Dba, root);
        Assert.Equal(["postgres@db1,db2", "root@*"], Opens(question));
        var less = DecisionFacts.Of(question with { Granted = ["dba"] });
        Assert.Equal(["postgres"], less.Opens.Select(opening => opening.Login));
        Assert.DoesNotContain(less.Risks, risk => risk.Kind is RiskKind.Root or RiskKind.AllHosts);
    }

    [Theory]
    [InlineData("a login on some hosts", "postgres", "env=prod", "FirstTime alice was not granted asked within a year")]
    [InlineData("root on some hosts", "root", "env=prod", "Root it opens the login root|DaemonHost role asked grants root; on the daemon's own host that is full control of CertAuthority|FirstTime alice was not granted asked within a year")]
    [InlineData("a login on all hosts", "postgres", "*=*", "AllHosts postgres on every host that trusts the CA|FirstTime alice was not granted asked within a year")]
    [InlineData("an administrator's login", "admin", "env=prod", "DaemonHost role asked grants admin; on the daemon's own host that is full control of CertAuthority|FirstTime alice was not granted asked within a year")]
    [InlineData("nothing", "postgres", "env=moon", "FirstTime alice was not granted asked within a year")]
    public void Risks_follow_from_what_is_opened(string situation, string login, string on, string risks) =>
        Assert.True(risks == Risks(Question(Everyday, Sample.Role("asked", [login], on == "*=*" ? LabelSelector.All : Sample.Where(on)))), situation);

    [Fact]
    public void Risks_name_forwarding_and_forced_commands()
    {
        var options = new RoleOptions { PortForwarding = true, ForwardAgent = true, X11Forwarding = true, ForceCommand = "/usr/bin/restore" };
        Assert.Equal(
            "Forwarding sessions may forward ports, the agent, X11|ForcedCommand sessions run only /usr/bin/restore|FirstTime alice was not granted dba within a year",
            Risks(Question(Everyday, Dba with { Options = options })));
    }

    [Fact]
    public void First_time_depends_on_what_was_granted_before()
    {
        var root = Sample.Role("web", ["www"], LabelSelector.None);
        EarlierRequest Earlier(string role, bool granted) => new(Guid.NewGuid(), role, Sample.Now.AddDays(-10), RequestState.Expired, granted);
        Assert.Equal("", Risks(Question(Dba) with { Earlier = [Earlier("dba", true)] }));
        Assert.Equal("FirstTime alice was not granted dba within a year", Risks(Question(Dba) with { Earlier = [Earlier("dba", false)] }));
        Assert.Equal("FirstTime alice was not granted web within a year", Risks(Question(Everyday, Dba, root) with { Earlier = [Earlier("dba", true)] }));
    }

    [Fact]
    public void Users_who_can_still_approve_are_named()
    {
        var question = Question(Dba);
        Assert.Equal(["bob", "carol"], DecisionFacts.Of(question).CanApprove.AsEnumerable());
        var voted = question with { Votes = [new Vote(Approval(Bob), Voter.From(Bob, question.Roles, Sample.Now))] };
        Assert.Equal(["carol"], DecisionFacts.Of(voted).CanApprove.AsEnumerable());
        // Carol shares an account with the requester.
        Assert.Equal(["bob"], DecisionFacts.Of(question with { People = People.Strangers.And([[Alias.User(Alice.Id), Alias.User(Carol.Id)]]) }).CanApprove.AsEnumerable());
    }

    [Fact]
    public void Votes_limit_what_an_approval_now_opens_and_for_how_long()
    {
        var root = Sample.Role("root", ["root"], LabelSelector.All);
        var question = Question(Everyday, Dba, root);
        var bobs = Approval(Bob) with { Roles = ["dba"], AtMost = TimeSpan.FromMinutes(20), AssumeFrom = Sample.Now.AddMinutes(5) };
        var voted = question with { Votes = [new Vote(bobs, Voter.From(Bob, question.Roles, Sample.Now))] };
        Assert.Equal(["postgres@db1,db2"], Opens(voted));
        Assert.Equal(new AccessPeriod(Sample.Now.AddMinutes(5), Sample.Now.AddMinutes(25), "the review of bob"), DecisionFacts.Of(voted).Period);
        Assert.Equal(new AccessPeriod(Sample.Now.AddMinutes(5), Sample.Now.AddMinutes(15), "the approval"), DecisionFacts.Of(voted with { AtMost = TimeSpan.FromMinutes(10) }).Period);
        var apart = DecisionFacts.Of(voted with { Granted = ["root"] });
        Assert.Equal(("the approvals have no role in common", null), (apart.OpensNothing, apart.Period));
        // An administrator is not bound by votes.
        Assert.Equal(["postgres@db1,db2", "root@*"], Opens(voted with { Administrator = new Answerer(new UnixIdentity(7, "root2"), IsRoot: false) }));
    }

    [Fact]
    public void Nobody_can_approve_a_request_for_a_changed_role()
    {
        var question = Question(Dba);
        var changed = question with { Request = question.Request with { Roles = [.. question.Request.Roles.Select(role => role with { Revision = role.Revision + 1 })] } };
        Assert.Empty(DecisionFacts.Of(changed).CanApprove);
    }

    [Fact]
    public void Viewer_who_cannot_approve_learns_why()
    {
        var question = Question(Dba);
        Assert.Null(DecisionFacts.Of(question).WhyNotYou);
        Assert.Null(Seen(question, Bob));
        Assert.Equal("nobody reviews their own request", Seen(question, Alice));
        Assert.Equal("user \"dave\" cannot review this request", Seen(question, Dave));
        var voted = question with { Votes = [new Vote(Approval(Bob), Voter.From(Bob, question.Roles, Sample.Now))] };
        Assert.Equal("user \"bob\" has already reviewed this request", Seen(voted, Bob));
        Assert.Null(DecisionFacts.Of(question with { Administrator = new Answerer(new UnixIdentity(7, "root2"), IsRoot: false) }).WhyNotYou);
        var own = question with { Administrator = new Answerer(new UnixIdentity(5001, "alice"), IsRoot: false), People = People.Strangers.And(question.Request) };
        Assert.Equal("nobody approves their own request", DecisionFacts.Of(own).WhyNotYou);

        static string? Seen(FactsQuestion question, User by) => DecisionFacts.Of(question with { Reviewer = Voter.From(by, question.Roles, Sample.Now) }).WhyNotYou;
    }

    [Fact]
    public void Descriptions_are_those_of_the_requested_roles() =>
        Assert.Equal(
            [KeyValuePair.Create("dba", "all databases")],
            DecisionFacts.Of(Question(Everyday with { Description = "no" }, Dba with { Description = "all databases" })).Descriptions);

    [Fact]
    public void History_counts_each_request_once()
    {
        var (old, both, open) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var history = History.Of(
            [
                new EarlierRequest(open, "dba", Sample.Now.AddDays(-1), RequestState.Approved, true),
                new EarlierRequest(both, "dba", Sample.Now.AddDays(-3), RequestState.Denied, false),
                new EarlierRequest(both, "web", Sample.Now.AddDays(-3), RequestState.Denied, false),
                new EarlierRequest(old, "web", Sample.Now.AddDays(-90), RequestState.Expired, true),
            ], Sample.Now);
        Assert.Equal((Sample.Now.AddDays(-1), 2, 1), (history.LastGranted, history.Filed, history.Granted));
        Assert.Equal(open, Assert.Single(history.Open));
        Assert.Equal((null, 0, 0), (History.Of([], Sample.Now).LastGranted, History.Of([], Sample.Now).Filed, History.Of([], Sample.Now).Granted));
    }

    private static Review Approval(User by) => new(by.Id, by.Name, [], ReviewDecision.Approve, ["dba"], "", Sample.Now);

    private static FactsQuestion Question(Role asked) => Question(Everyday, asked);

    private static FactsQuestion Question(Role held, params Role[] asked)
    {
        var roles = Sample.Roles([held, .. asked, Reviewer]);
        var one = new ThresholdSet(held.Pin(), false, [new ReviewThreshold("", null, 2, 1)]);
        return new FactsQuestion(Sample.Request(Alice, RequestState.Pending, asked) with { Thresholds = [one] }, Alice, roles, [Db1, Db2, Web1], SiteLimits.Default, Sample.Now)
        {
            Locks = LocksInForce.None,
            People = People.Strangers,
            Reviewers = [.. ((User[])[Carol, Dave, Bob, Alice]).Select(user => Voter.From(user, roles, Sample.Now))],
            PrivilegedLogins = ["root", "admin"],
        };
    }

    private static string[] Opens(FactsQuestion question) =>
        [.. DecisionFacts.Of(question).Opens.Select(opening => $"{opening.Login}@{(opening.IsEverywhere ? "*" : string.Join(',', opening.Nodes.Select(node => node.Name)))} {opening.Conditions}".TrimEnd())];

    private static string Risks(FactsQuestion question) => string.Join('|', DecisionFacts.Of(question).Risks.Select(risk => $"{risk.Kind} {risk.What}"));
}
