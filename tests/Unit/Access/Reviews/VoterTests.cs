using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Who may review what.</summary>
public class VoterTests
{
    private static readonly Role Dba = Sample.Role("dba", logins: ["postgres"]);
    private static readonly Role Web = Sample.Role("web", logins: ["www"]);

    [Theory]
    [InlineData("no role says so", "", "", "dba", false)]
    [InlineData("an allow names it", "dba", "", "dba", true)]
    [InlineData("an allow names another", "web", "", "dba", false)]
    [InlineData("by glob", "db*", "", "dba", true)]
    [InlineData("by expression", "^db.$", "", "dba", true)]
    [InlineData("all of several", "db* web", "", "dba web", true)]
    [InlineData("one of several", "db*", "", "dba web", false)]
    [InlineData("a deny names it", "*", "dba", "dba", false)]
    [InlineData("a deny names one of several", "*", "web", "dba web", false)]
    [InlineData("a deny names another", "*", "web", "dba", true)]
    public void Each_requested_role_needs_an_allow_and_no_deny(string situation, string allow, string deny, string asked, bool may)
    {
        var roles = Sample.Roles(Dba, Web);
        Assert.True(may == May(asked, roles, Reviewer("one", allow, deny)), situation);
        Assert.True(may == May(asked, roles, Reviewer("one", allow, ""), Reviewer("two", "", deny)), situation + ", across roles");
        // Where each allow is another role's.
        Assert.True(may == May(asked, roles, [Reviewer("none", "", deny), .. allow.Split(' ').Select((one, i) => Reviewer($"r{i}", one, ""))]), situation + ", a role for each");
    }

    [Theory]
    [InlineData("its own condition holds", "contains(reviewer.roles, \"one\")", true)]
    [InlineData("its own condition does not hold", "contains(reviewer.roles, \"lead\")", false)]
    [InlineData("the reason has a ticket", "regexp.match(request.reason, \"^TICKET-[0-9]+$\")", true)]
    [InlineData("what the requester's roles say", "contains(request.system_annotations[\"services\"], \"billing\")", true)]
    [InlineData("what is asked for", "!contains(request.roles, \"dba\")", false)]
    public void Allow_counts_only_if_its_own_condition_holds(string situation, string where, bool may)
    {
        var roles = Sample.Roles(Dba);
        Assert.True(may == May("dba", roles, With(Reviewer("one", "", ""), "dba", where)), situation);
        // A deny likewise, and the condition of one is none of another's.
        Assert.True(may != May("dba", roles, Reviewer("one", "dba", "", denyWhere: where, denies: "dba")), situation + ", in deny");
        Assert.True(May("dba", roles, With(Reviewer("one", "", ""), "dba", where), Reviewer("two", "dba", "")), situation + ", beside another");
    }

    [Theory]
    [InlineData("his name", "bob", true)]
    [InlineData("another's name", "carol", false)]
    [InlineData("a role that he holds", "role:one", true)]
    [InlineData("a role that he does not hold", "role:two", false)]
    [InlineData("a role of his name", "role:bob", false)]
    [InlineData("a user named like his role", "one", false)]
    [InlineData("one of several", "carol role:two bob", true)]
    public void Requested_role_can_name_the_reviewer(string situation, string reviewers, bool may)
    {
        var named = Dba with { Reviewers = [.. reviewers.Split(' ').Select(text => ReviewerEntry.TryParse(text)!.Value)] };
        Assert.True(may == May("dba", Sample.Roles(named), Sample.Role("one")), situation);
        Assert.False(May("dba", Sample.Roles(named), Reviewer("one", "", "dba")), situation + ", and a deny wins");
        Assert.False(May("dba web", Sample.Roles(named, Web), Sample.Role("one")), situation + ", for one of two");
        Assert.Equal(may, May("dba web", Sample.Roles(named, Web), Reviewer("one", "web", "")));
    }

    [Fact]
    public void Recreated_role_cannot_name_reviewers_for_the_old_one()
    {
        var anew = Dba with { Id = Guid.NewGuid(), Reviewers = [new ReviewerEntry("bob", IsRole: false)] };
        Assert.False(May("dba", Sample.Roles(Dba), Sample.Roles(anew), Sample.Role("one")));
    }

    [Fact]
    public void Expired_role_allows_no_review_but_still_denies()
    {
        var over = Sample.Now.AddSeconds(-1);
        Assert.False(May("dba", Sample.Roles(Dba), Reviewer("one", "dba", "") with { Expires = over }));
        Assert.False(May("dba", Sample.Roles(Dba), Reviewer("one", "dba", ""), Reviewer("two", "", "dba") with { Expires = over }));
        // Nor does holding it count for anything.
        Assert.False(May("dba", Sample.Roles(Dba with { Reviewers = [new ReviewerEntry("one", IsRole: true)] }), Sample.Role("one") with { Expires = over }));
        Assert.False(May("dba", Sample.Roles(Dba), With(Reviewer("two", "", ""), "dba", "contains(reviewer.roles, \"one\")"), Sample.Role("one") with { Expires = over }));
    }

    private static bool May(string asked, Dictionary<string, Role> roles, params Role[] assigned) => May(asked, roles, roles, assigned);

    private static bool May(string asked, Dictionary<string, Role> then, Dictionary<string, Role> now, params Role[] assigned)
    {
        var request = Sample.Request(Sample.User("alice"), RequestState.Pending, [.. asked.Split(' ').Select(name => then[name])]) with
        {
            Reason = "TICKET-7",
            Annotations = RequestRules.None.Annotations.Add("services", ["billing"]),
        };
        var bob = Sample.User("bob", [.. assigned.Select(role => role.Name)]);
        var all = now.Values.Concat(assigned).ToDictionary(role => role.Name);
        var may = Voter.From(bob, all, Sample.Now).MayReview(request, all);
        // Whoever may review is found among the candidates.
        var (holders, named) = CertAuthority.Access.Reviews.Reviewing.Candidates(request, all);
        Assert.True(!may || named.Contains(bob.Name) || bob.Roles.Any(holders.Contains));
        return may;
    }

    private static Role Reviewer(string name, string allow, string deny, string? denyWhere = null, string denies = "") => Sample.Role(name) is var role ? role with
    {
        Allow = role.Allow with { Reviewing = allow.Length == 0 ? ReviewConditions.None : Case.Conditions(allow) },
        Deny = role.Deny with { Reviewing = deny + denies is { Length: > 0 } patterns ? Case.Conditions(patterns, denyWhere) : ReviewConditions.None },
    } : throw new InvalidOperationException();

    private static Role With(Role role, string allow, string where) => role with { Allow = role.Allow with { Reviewing = Case.Conditions(allow, where) } };
}
