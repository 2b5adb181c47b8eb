using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Requests for nodes by their names: who may ask, by which roles, and what a certificate has of them.</summary>
public class ResourceRequestTests
{
    private static readonly Node Db1 = Sample.Node("db1", "type=db", "env=prod");
    private static readonly Node Db2 = Sample.Node("db2", "type=db", "env=stage");
    private static readonly Node Web1 = Sample.Node("web1", "type=web");
    private static readonly Role Access = Sample.Role("access", ["deploy"], LabelSelector.All);
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"), ttl: TimeSpan.FromHours(2));
    private static readonly Role Root = Sample.Role("root", ["root"], LabelSelector.All, ttl: TimeSpan.FromHours(1));
    private static readonly Role Ops = Sample.Role("ops", ["ops"], Sample.Where("type=web"));
    private static readonly Role Seeker = Seeking("seeker", ["dba"]);

    [Theory]
    [InlineData("what the role reaches", new[] { "dba" }, new[] { "node/db1" }, new[] { "dba" })]
    [InlineData("two that it reaches, in order and once", new[] { "dba" }, new[] { "node/db2", "node/db1", "node/db2" }, new[] { "dba" })]
    [InlineData("by a glob, all that reach it", new[] { "*" }, new[] { "node/db1" }, new[] { "dba", "root" })]
    [InlineData("by an expression", new[] { "^d.*$" }, new[] { "node/db1" }, new[] { "dba" })]
    [InlineData("each by another role", new[] { "dba", "ops" }, new[] { "node/db1", "node/web1" }, new[] { "dba", "ops" })]
    [InlineData("only those that reach it", new[] { "dba", "ops" }, new[] { "node/web1" }, new[] { "ops" })]
    public void Node_request_names_the_roles_that_reach_the_nodes(string situation, string[] searchAs, string[] resources, string[] roles)
    {
        var request = Requesting.File(Question(resources, Seeking("seeker", searchAs))).Granted();
        Assert.True(roles.SequenceEqual(request.Roles.Select(role => role.Name)), situation);
        Assert.Equal(resources.Distinct().Order(), request.Resources.Select(node => node.ToString()));
        Assert.Equal(RequestKind.Resources, request.Kind);
        Assert.Empty(request.GrantedRoles);
    }

    [Theory]
    [InlineData("out of reach", new[] { "dba" }, "node/web1", "user \"alice\" cannot request node \"web1\"")]
    [InlineData("unknown", new[] { "dba" }, "node/db9", "user \"alice\" cannot request node \"db9\"")]
    [InlineData("no search_as_roles", new string[0], "node/db1", "user \"alice\" cannot request node \"db1\"")]
    [InlineData("a role that does not exist", new[] { "dbb" }, "node/db1", "user \"alice\" cannot request node \"db1\"")]
    [InlineData("only by a role that is held", new[] { "access" }, "node/db1", "user \"alice\" cannot request node \"db1\"")]
    [InlineData("no kind", new[] { "dba" }, "db1", "\"db1\" is not a resource")]
    [InlineData("another kind", new[] { "dba" }, "db/db1", "\"db/db1\" is not a resource")]
    [InlineData("no name", new[] { "dba" }, "node/", "\"node/\" is not a resource")]
    [InlineData("a name that cannot be", new[] { "dba" }, "node/db1@x", "\"node/db1@x\" is not a resource")]
    public void Unrequestable_node_is_rejected(string situation, string[] searchAs, string resource, string told)
    {
        var seeker = Seeking("seeker", searchAs);
        Assert.True(told == Requesting.File(Question([resource], seeker)).Refused().Message, situation);
    }

    [Fact]
    public void One_unrequestable_node_rejects_the_whole_request() =>
        Assert.Equal("user \"alice\" cannot request node \"web1\"", Requesting.File(Question(["node/db1", "node/web1"], Seeker)).Refused().Message);

    [Theory]
    [InlineData("deny.request.search_as_roles", new string[0], new[] { "dba" })]
    [InlineData("deny.request.roles", new[] { "dba" }, new string[0])]
    [InlineData("a pattern", new[] { "d*" }, new string[0])]
    public void Deny_wins_in_any_role_and_field(string situation, string[] denyRoles, string[] denySearch)
    {
        var denying = Sample.Role("denying", mayNotRequest: denyRoles);
        denying = denying with { Deny = denying.Deny with { SearchAsRoles = Sample.Patterns(denySearch) } };
        Assert.True("user \"alice\" cannot request node \"db1\"" == Requesting.File(Question(["node/db1"], Seeker, denying)).Refused().Message, situation);
        Assert.Equal(["dba"], Requesting.File(Question(["node/db1"], Seeker)).Granted().Roles.Select(role => role.Name));
    }

    [Fact]
    public void Requesting_nodes_and_requesting_roles_are_separate_rights()
    {
        Assert.Equal("user \"alice\" cannot request role \"dba\"", Requesting.File(Question([], Seeker) with { RoleNames = ["dba"] }).Refused().Message);
        Assert.Equal("user \"alice\" cannot request node \"db1\"", Requesting.File(Question(["node/db1"], Sample.Role("contractor", mayRequest: ["dba"]))).Refused().Message);
        Assert.Equal("a request names at least one role or resource", Requesting.File(Question([], Seeker)).Refused().Message);
    }

    [Theory]
    [InlineData(new[] { "dba" }, new[] { "dba" }, null)]
    [InlineData(new[] { "root", "dba" }, new[] { "dba", "root" }, null)]
    [InlineData(new[] { "*" }, new[] { "dba", "root" }, null)]
    [InlineData(new[] { "ops" }, null, "user \"alice\" cannot request role \"ops\" for this node")]
    [InlineData(new[] { "access" }, null, "user \"alice\" cannot request role \"access\" for this node")]
    [InlineData(new[] { "nobody" }, null, "user \"alice\" cannot request role \"nobody\" for this node")]
    [InlineData(new[] { "*", "dba" }, null, "\"*\" asks for every role and stands alone")]
    public void Named_roles_narrow_the_roles_of_a_node_request(string[] named, string[]? asked, string? told)
    {
        var outcome = Requesting.File(Question(["node/db1"], Seeking("seeker", ["*"])) with { RoleNames = [.. named] });
        if (asked is null)
            Assert.Equal(told, outcome.Refused().Message);
        else
            Assert.Equal(asked, outcome.Granted().Roles.Select(role => role.Name));
    }

    [Fact]
    public void A_request_names_at_most_300_nodes()
    {
        var nodes = Enumerable.Range(0, 301).Select(n => Sample.Node($"db-{n}", "type=db")).ToArray();
        string[] names = [.. nodes.Select(node => $"node/{node.Name}")];
        Assert.Equal(300, Requesting.File(Question(names[..300], Seeker) with { Nodes = nodes }).Granted().Resources.Length);
        Assert.Equal("a request names at most 300 resources, not 301", Requesting.File(Question(names, Seeker) with { Nodes = nodes }).Refused().Message);
    }

    [Fact]
    public void Roles_that_deny_each_others_nodes_cannot_be_combined()
    {
        var stage = Sample.Role("stage", ["postgres"], Sample.Where("env=stage"), denyOn: Sample.Where("env=prod"));
        var question = Question(["node/db1", "node/db2"], Seeking("seeker", ["dba", "stage"])) with { Roles = Sample.Roles(Access, Seeking("seeker", ["dba", "stage"]), Dba, stage) };
        Assert.Equal("the roles that reach these nodes do not reach node \"db1\" together: one of dba, stage denies it", Requesting.File(question).Refused().Message);
        Assert.Equal(["dba"], Requesting.File(question with { Resources = ["node/db1"] }).Granted().Roles.Select(role => role.Name));
    }

    [Theory]
    [InlineData("a node", "node db1", "node db1 is locked")]
    [InlineData("the role that reaches it", "role dba", "user \"alice\" cannot request node \"db1\"")]
    [InlineData("a role that is held", "role access", "role access is locked")]
    [InlineData("the user", "user alice", "user alice is locked")]
    [InlineData("the only login there", "login postgres", "user \"alice\" cannot request node \"db1\"")]
    public void Locked_node_or_role_cannot_be_requested(string situation, string target, string told) =>
        Assert.True(told == Requesting.File(Question(["node/db1"], Seeker) with { Locks = Sample.Locked(target) }).Refused().Message, situation);

    [Fact]
    public void Lock_on_a_node_out_of_reach_is_not_revealed() =>
        Assert.Equal("user \"alice\" cannot request node \"web1\"", Requesting.File(Question(["node/web1"], Seeker) with { Locks = Sample.Locked("node web1") }).Refused().Message);

    [Fact]
    public void Role_used_for_the_search_sets_the_request_rules()
    {
        var seeker = Seeker with
        {
            Allow = Seeker.Allow with
            {
                MaxRequestDuration = TimeSpan.FromHours(5),
                RequestClock = RequestClock.Approval,
                Asking = RequestRules.None with { Thresholds = [new ReviewThreshold("two", null, 2, 1)], SuggestedReviewers = ["bob"], ReasonRequired = true, ReasonPrompt = "which ticket?" },
            },
        };
        // Another role that lets nobody search says nothing to this.
        var silent = Sample.Role("silent", mayRequest: ["dba"]);
        var question = Question(["node/db1"], seeker, silent) with { Reason = "OPS-1" };
        var request = Requesting.File(question).Granted();
        Assert.Equal((TimeSpan.FromHours(5), RequestClock.Approval), (request.Terms.Lasts, request.Terms.Clock));
        Assert.Equal(["seeker"], request.Thresholds.Select(set => set.By.Name));
        Assert.Equal(["bob"], request.SuggestedReviewers.ToArray());
        Assert.Equal("whoever asks for role \"dba\" gives a reason", Requesting.File(question with { Reason = "" }).Refused().Message);
    }

    [Fact]
    public void Certificate_opens_only_the_requested_nodes()
    {
        Assert.Equal(["deploy@db1", "postgres@db1"], Principals(Approved(["node/db1"], Dba)));
        Assert.Equal(["deploy@db1", "deploy@db2", "postgres@db1", "postgres@db2"], Principals(Approved(["node/db1", "node/db2"], Dba)));
        // A role for every host, a bare login elsewhere, is for this one here.
        Assert.Equal(["deploy@db1", "root@db1"], Principals(Approved(["node/db1"], Root)));
        // What does not reach adds nothing.
        Assert.Equal(["deploy@web1"], Principals(Approved(["node/web1"], Dba)));
        // The same roles in a request for roles.
        Assert.Equal(["deploy", "postgres@db1", "postgres@db2"], Principals(Sample.Request(Alice, RequestState.Approved, Dba)));
    }

    [Fact]
    public void Each_of_several_requests_opens_its_own_nodes()
    {
        Assert.Equal(["deploy@db1", "deploy@web1", "ops@web1", "postgres@db1"], Principals(Approved(["node/db1"], Dba), Approved(["node/web1"], Ops)));
        // The same role twice counts wherever it was asked for; another role does not follow it.
        Assert.Equal(["deploy@db1", "deploy@db2", "postgres@db1", "postgres@db2", "root@db2"], Principals(Approved(["node/db1"], Dba), Approved(["node/db2"], Dba, Root)));
    }

    [Fact]
    public void One_certificate_cannot_serve_node_and_role_requests() =>
        Assert.Equal(
            "one certificate is for requests for roles, or for requests for nodes, and not for both",
            Sample.Decide(Login(Approved(["node/db1"], Dba), Sample.Request(Alice, RequestState.Approved, Ops))).Refused().Message);

    [Fact]
    public void Recreated_node_is_a_different_node()
    {
        var request = Approved(["node/db1"], Dba);
        var again = Login(request) with { Nodes = [Sample.Node("db1", "type=db", "env=prod"), Db2, Web1] };
        Assert.Equal("no login is granted to user \"alice\" on node/db1 by the roles in use: access, seeker, dba", Sample.Decide(again).Refused().Message);
    }

    [Fact]
    public void A_node_that_lost_its_labels_is_out_of_reach()
    {
        var moved = Login(Approved(["node/db1"], Dba)) with { Nodes = [Db1 with { Labels = Sample.Labels("type=web") }, Db2, Web1] };
        Assert.Equal(["deploy@db1"], Sample.Decide(moved).Granted().Principals.Select(principal => principal.ToString()));
    }

    [Fact]
    public void Losing_the_right_to_search_disables_the_request()
    {
        var question = Login(Approved(["node/db1"], Dba));
        // To ask for the role itself is another right.
        var asking = Sample.Role("seeker", mayRequest: ["dba"]);
        Assert.Equal("user \"alice\" can no longer request role \"dba\"", Sample.Decide(question with { Roles = Sample.Roles(Access, asking, Dba, Root, Ops) }).Refused().Message);
    }

    [Fact]
    public void Denies_and_locks_reduce_what_was_requested()
    {
        var strict = Sample.Role("access", denyLogins: ["postgres"]);
        Assert.Equal("no login is granted to user \"alice\" on node/db1 by the roles in use: access, seeker, dba", Sample.Decide(Login(Approved(["node/db1"], Dba)) with { Roles = Sample.Roles(strict, Seeking("seeker", ["*"]), Dba) }).Refused().Message);
        Assert.Equal("node db1 is locked", Sample.Decide(Login(Approved(["node/db1"], Dba)) with { Locks = Sample.Locked("node db1") }).Refused().Message);
    }

    [Fact]
    public void Nodes_beyond_one_certificate_are_issued_host_by_host()
    {
        Node[] nodes = [.. Enumerable.Range(0, 300).Select(n => Sample.Node($"db-{n}", "type=db"))];
        var request = Approved([], Dba) with { Resources = [.. nodes.Select(node => new PinnedNode(node.Id, node.Name))] };
        var question = Login(request) with { Nodes = nodes };
        Assert.True(IssuancePolicy.Decide(question).Holds(out var login, out _) && login.LeftOut == 600 && login.Grants.All(grant => grant.Requests.IsEmpty));
        Assert.Equal(["deploy@db-7", "postgres@db-7"], Sample.Decide(question with { Node = "db-7" }).Granted().Principals.Select(principal => principal.ToString()));
    }

    [Fact]
    public void Role_certificate_does_not_survive_as_a_node_certificate()
    {
        var request = Approved(["node/db1"], Dba);
        var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddMinutes(10), ["postgres@db1"], Sample.Decide(Login(request)).Granted().Permissions);
        Assert.Null(Reason(issued));
        Assert.Equal("postgres@db2 is not granted any more", Reason(issued with { Principals = ["postgres@db1", "postgres@db2"] }));
        Assert.Equal("deploy is not granted any more", Reason(issued with { Principals = ["deploy"] }));

        string? Reason(IssuedCertificate one) => Withdrawal.Reason(one, Alice, [request], Login(request).Roles, Sample.Nodes(Db1, Db2, Web1), LocksInForce.None, SiteLimits.Default);
    }

    [Fact]
    public void Explanation_names_the_nodes_of_the_request()
    {
        var question = Login(Approved(["node/db1"], Root));
        Assert.Equal("alice can log in as root on db1: yes, as root@db1", Explanation.Explain(question with { Node = "db1" }, "root").Verdict);
        Assert.Equal("alice can log in as root on db2: no: role root allows root, but db2 was not asked for (request.resources node/db1)", Explanation.Explain(question with { Node = "db2" }, "root").Verdict);
        Assert.Equal("alice can log in: yes, as root@db1, deploy (all hosts)", Explanation.Explain(question).Verdict);
        Assert.Contains(
            Explanation.Explain(question).Roles.Single(role => role.Name == "root").Rules,
            rule => rule with { Role = null } == new RuleAtWork(null, RuleEffect.Allows, "allow.node_labels", "*: *", "every host, one by one: no bare login, since the request names its nodes"));
        // What is assigned is whole in the everyday certificate beside it.
        var elsewhere = Explanation.Explain(question with { Node = "db2" }, "deploy");
        Assert.Equal("alice can log in as deploy on db2: yes, as deploy (all hosts)", elsewhere.Verdict);
        Assert.Contains(
            elsewhere.Roles.Single(role => role.Name == "access").Rules,
            rule => rule with { Role = null } == new RuleAtWork(null, RuleEffect.Limits, "request.resources", "node/db1", "in the elevated certificate; the everyday one opens the rest"));
    }

    [Theory]
    [InlineData(RequestKind.Resources, new[] { "dba: db1 db2" })]
    [InlineData(RequestKind.Roles, new[] { "ops: web1" })]
    public void Preview_depends_on_the_kind_of_request(RequestKind kind, string[] expected)
    {
        var both = Seeking("seeker", ["dba", "access"], ["ops"]);
        var elevations = Elevation.WithinAsking(Alice, kind, Sample.Roles(Access, both, Dba, Ops), [Db1, Db2, Web1], LocksInForce.None, Sample.Now);
        Assert.Equal(expected, elevations.Select(one => $"{one.Role}: {string.Join(' ', one.Nodes)}"));
    }

    private static readonly User Alice = Sample.User("alice", "access", "seeker");

    private static Role Seeking(string name, string[] searchAs, string[]? mayRequest = null)
    {
        var role = Sample.Role(name, mayRequest: mayRequest);
        return role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns(searchAs) } };
    }

    private static RequestQuestion Question(string[] resources, params Role[] held) => new(
        Guid.NewGuid(), Sample.Now, Sample.User("alice", ["access", .. held.Select(role => role.Name)]), 5001, [], "", [], Sample.Roles([Access, .. held, Dba, Root, Ops]), [], SiteLimits.Default)
    {
        Resources = [.. resources],
        Nodes = [Db1, Db2, Web1],
        Locks = LocksInForce.None,
    };

    private static AccessRequest Approved(string[] resources, params Role[] granted) => Sample.Request(Alice, RequestState.Approved, granted) with
    {
        Resources = [.. resources.Select(resource => new[] { Db1, Db2, Web1 }.Single(node => $"node/{node.Name}" == resource)).Select(node => new PinnedNode(node.Id, node.Name))],
    };

    private static IssuanceQuestion Login(params AccessRequest[] requests) =>
        new(Sample.Now, Alice, [.. requests], Sample.Roles(Access, Seeking("seeker", ["*"], ["*"]), Dba, Root, Ops), [Db1, Db2, Web1], null, 0, SiteLimits.Default) { Locks = LocksInForce.None };

    private static string[] Principals(params AccessRequest[] requests) => [.. Sample.Decide(Login(requests)).Granted().Principals.Select(principal => principal.ToString())];
}
