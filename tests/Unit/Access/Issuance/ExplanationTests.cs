using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>The verdict in one line, and the rule that it names; that the verdict is true is a property beside this.</summary>
public class ExplanationTests
{
    private static readonly Node Db1 = Sample.Node("db1", "env=prod", "type=db");
    private static readonly Node Web1 = Sample.Node("web1", "env=test");
    private static readonly Role Access = Sample.Role("access", ["deploy"], LabelSelector.All, mayRequest: ["dba"]);
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"), ttl: TimeSpan.FromHours(1));

    public sealed record Row(string Case, Role[] Roles, string? Login, string? Node, string Verdict, string? Rule = null)
    {
        public override string ToString() => Case;
    }

    public static TheoryData<Row> Rows =>
    [
        new("a bare login", [Access], "deploy", "db1", "alice can log in as deploy on db1: yes, as deploy (all hosts)",
            "access allows allow.node_labels *: * (every host: a bare login, valid wherever the CA is trusted)"),
        new("some hosts, this one", [Dba], "postgres", "db1", "alice can log in as postgres on db1: yes, as postgres@db1", "dba allows allow.node_labels type: db (db1 has type: db)"),
        new("some hosts, not this one", [Dba], "postgres", "web1",
            "alice can log in as postgres on web1: no: role dba allows postgres, but web1 has no label type (allow.node_labels type: db)",
            "dba misses allow.node_labels type: db (web1 has no label type)"),
        new("one key fits, the other does not", [Sample.Role("r", ["root"], Sample.Where("env=dev,test", "type=db"))], "root", "db1",
            "alice can log in as root on db1: no: role r allows root, but db1 has env: prod (allow.node_labels env: dev, test)",
            "r allows allow.node_labels type: db (db1 has type: db)"),
        new("an account of a domain, on a host without it", [Sample.Role("r", ["adam@corp.example.com"], LabelSelector.All)], "adam@corp.example.com", "db1",
            "alice can log in as adam@corp.example.com on db1: no: db1 has no login_domain corp.example.com",
            "r misses allow.logins adam@corp.example.com (db1 has no login_domain corp.example.com, so there is no such account)"),
        new("an account of a domain that no host has", [Sample.Role("r", ["adam@corp.example.com"], LabelSelector.All)], "adam@corp.example.com", null,
            "alice can log in as adam@corp.example.com: no: no node has the login_domain corp.example.com"),
        new("a login that no role has", [Access, Dba], "root", "db1", "alice can log in as root on db1: no: no role in use allows the login root",
            "access misses allow.logins deploy (root is none of these)"),
        new("a denied login", [Access, Sample.Role("no", denyLogins: ["deploy"])], "deploy", "db1",
            "alice can log in as deploy on db1: no: role no denies deploy (deny.logins deploy)", "no denies deny.logins deploy (takes deploy from every role in use)"),
        new("every login denied", [Access, Sample.Role("no", denyLogins: ["*"])], "deploy", null,
            "alice can log in as deploy: no: role no denies deploy (deny.logins *)", "no denies deny.logins * (takes every login from every role in use)"),
        new("a denied host", [Access, Sample.Role("no", denyOn: Sample.Where("env=test"))], "deploy", "web1",
            "alice can log in as deploy on web1: no: role no denies web1 (deny.node_labels env: test)",
            "no denies deny.node_labels env: test (takes web1 from every role in use: web1 has env: test)"),
        new("no bare login beside a denied host", [Access, Sample.Role("no", denyOn: Sample.Where("env=moon"))], "deploy", "db1",
            "alice can log in as deploy on db1: yes, as deploy@db1",
            "access allows allow.node_labels *: * (every host, one by one: no bare login, since role no denies some)"),
        new("what the deny of hosts says of another host", [Access, Sample.Role("no", denyOn: Sample.Where("env=moon"))], "deploy", "db1",
            "alice can log in as deploy on db1: yes, as deploy@db1", "no limits deny.node_labels env: moon (not db1; but no role in use grants a bare login beside it)"),
        new("a host that nobody knows", [Access], "deploy", "db9", "alice can log in as deploy on db9: no: there is no node \"db9\""),
        new("logins and no host", [Sample.Role("r", ["root"])], "root", null, "alice can log in as root: no: role r allows root, but it names no host (allow.node_labels )",
            "r misses allow.node_labels  (it names no host)"),
        new("no login", [Sample.Role("r", on: LabelSelector.All)], null, null, "alice can log in: no: no login is granted to user \"alice\" by the roles in use: r",
            "r misses allow.logins  (it allows no login)"),
        new("no role", [], null, null, "alice can log in: no: user \"alice\" has no roles, so there is no login to certify"),
        new("everything", [Access, Dba], null, null, "alice can log in: yes, as deploy (all hosts), postgres@db1", "dba limits options.max_session_ttl 1h (no certificate is longer)"),
        new("everything on a node", [Access, Dba], null, "db1", "alice can log in on db1: yes, as deploy (all hosts), postgres@db1"),
        new("a trait", [Sample.Role("r", ["{{external.accounts}}"], LabelSelector.All)], "anna", null, "alice can log in as anna: yes, as anna (all hosts)",
            "r allows allow.logins {{external.accounts}} (anna, alice, from the traits of alice)"),
        new("a trait that is missing", [Sample.Role("r", ["{{external.none}}"], LabelSelector.All)], "anna", null,
            "alice can log in as anna: no: no role in use allows the login anna; role r grants nothing by \"{{external.none}}\" to alice: no value for the trait none",
            "r misses allow.logins {{external.none}} (it grants nothing: no value for the trait none)"),
        new("a trait that is missing beside a login", [Sample.Role("r", ["anna", "{{external.none}}"], LabelSelector.All)], "anna", null, "alice can log in as anna: yes, as anna (all hosts)",
            "r allows allow.logins anna (the login anna)"),
        new("a trait that is missing in a deny", [Sample.Role("r", ["anna"], LabelSelector.All, denyLogins: ["{{external.none}}"])], "anna", null,
            "alice can log in as anna: no: role r denies \"{{external.none}}\" and so refuses every login of alice: no value for the trait none",
            "r refuses role r (role r denies \"{{external.none}}\" and so refuses every login of alice: no value for the trait none)"),
        new("a role that is over", [Dba with { Expires = Sample.Now }], "postgres", "db1", "alice can log in as postgres on db1: no: no role in use allows the login postgres",
            "dba misses metadata.expires 2026-03-01T12:00:00Z (it is over: it allows nothing any more; what it denies and limits stays)"),
        new("a role that ends", [Dba with { Expires = Sample.Now.AddHours(2) }], "postgres", "db1", "alice can log in as postgres on db1: yes, as postgres@db1",
            "dba limits metadata.expires 2026-03-01T14:00:00Z (no certificate outlives it)"),
        new("a forced command", [Access with { Options = new RoleOptions { ForceCommand = "uptime" } }], "deploy", "db1", "alice can log in as deploy on db1: yes, as deploy (all hosts), runs only uptime",
            "access limits options.force_command uptime (runs, whatever is asked for)"),
        new("two forced commands", [Access with { Options = new RoleOptions { ForceCommand = "uptime" } }, Dba with { Options = new RoleOptions { ForceCommand = "id" } }], null, "db1",
            "alice can log in on db1: yes, as deploy (all hosts), runs only uptime, postgres@db1, runs only id", "dba limits options.force_command id (runs, whatever is asked for)"),
        new("a login with a forced command and without", [Access with { Options = new RoleOptions { ForceCommand = "uptime" } }, Sample.Role("free", ["deploy"], Sample.Where("env=prod"))], "deploy", "db1",
            "alice can log in as deploy on db1: yes, as deploy@db1, deploy (all hosts), runs only uptime"),
        new("a verified security key, beside another login", [Access, Dba with { Options = new RoleOptions { VerifyRequired = true } }], "postgres", "db1",
            "alice can log in as postgres on db1: no: role dba certifies only security keys (verify_required)"),
        new("a source address", [Access with { Options = new RoleOptions { SourceAddresses = [Range("10.0.0.0/8")] } }], "deploy", "db1",
            "alice can log in as deploy on db1: yes, as deploy (all hosts), only from 10.0.0.0/8", "access limits options.source_address 10.0.0.0/8 (logins come from there only)"),
        new("a forwarding", [Access with { Options = new RoleOptions { ForwardAgent = true } }], "deploy", "db1", "alice can log in as deploy on db1: yes, as deploy (all hosts)",
            "access allows options.forward_agent true (permitted)"),
    ];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Verdict_and_its_rule_are_explained(Row row)
    {
        var explained = Explanation.Explain(Question(row.Roles) with { Node = row.Node }, row.Login);
        Assert.Equal(row.Verdict, explained.Verdict);
        Assert.Equal(explained.IsGranted, explained.Verdict.Contains(": yes, as ", StringComparison.Ordinal));
        Assert.Equal(explained.IsGranted, explained.Validity is not null);
        if (row.Rule is not null)
            Assert.Contains(row.Rule, Lines(explained));
    }

    [Fact]
    public void Request_adds_its_roles_and_is_named_as_the_limit()
    {
        var explained = With(Sample.Request(Alice(Access), RequestState.Approved, Dba), Dba, "postgres");
        Assert.Equal("alice can log in as postgres on db1: yes, as postgres@db1", explained.Verdict);
        Assert.Equal([null, explained.Roles[1].Request], explained.Roles.Select(role => role.Request));
        Assert.NotNull(explained.Roles[1].Request);
        Assert.Equal($"request {explained.Roles[1].Request}", explained.Validity!.LimitedBy);
    }

    [Fact]
    public void Everyday_certificate_covers_what_a_node_request_leaves_out()
    {
        var seeker = Access with { Allow = Access.Allow with { SearchAsRoles = Sample.Patterns("dba") } };
        var question = Question(seeker) with { Roles = Sample.Roles(seeker, Dba) };
        question = question with { Requests = [Sample.Request(question.User, RequestState.Approved, Dba) with { Resources = [new PinnedNode(Db1.Id, "db1")] }] };
        Assert.Equal("alice can log in: yes, as postgres@db1, deploy (all hosts)", Explanation.Explain(question).Verdict);
        Assert.Equal("alice can log in as deploy on web1: yes, as deploy (all hosts)", Explanation.Explain(question with { Node = "web1" }, "deploy").Verdict);
        Assert.Equal("alice can log in as postgres on web1: no: role dba allows postgres, but web1 has no label type (allow.node_labels type: db)", Explanation.Explain(question with { Node = "web1" }, "postgres").Verdict);
    }

    [Fact]
    public void Role_changed_since_the_approval_refuses_the_login()
    {
        var explained = With(Sample.Request(Alice(Access), RequestState.Approved, Dba), Dba with { Revision = 2 }, "postgres");
        Assert.Equal("alice can log in as postgres on db1: no: the role dba changed after this approval; ask again", explained.Verdict);
        Assert.Contains("dba refuses request dba (the role dba changed after this approval; ask again)", Lines(explained));
        // What is in use beside it is still told.
        Assert.Contains("access misses allow.logins deploy (postgres is none of these)", Lines(explained));
    }

    [Fact]
    public void With_a_request_only_its_roles_permit_forwarding()
    {
        var access = Access with { Options = new RoleOptions { PortForwarding = true } };
        var question = Question(access) with { Requests = [Sample.Request(Alice(access), RequestState.Approved, Dba)], Roles = Sample.Roles(access, Dba) };
        question = question with { Requests = [question.Requests[0] with { UserId = question.User.Id }] };
        Assert.Contains("access misses options.port_forwarding true (permitted by the everyday certificate; on an elevated one only the roles of the request permit it)", Lines(Explanation.Explain(question)));
    }

    [Fact]
    public void Missing_assigned_role_refuses_the_login()
    {
        var explained = Explanation.Explain(Question(Access) with { Roles = Sample.Roles() }, "deploy");
        Assert.Equal("alice can log in as deploy: no: the role access, assigned to user \"alice\", does not exist", explained.Verdict);
    }

    [Theory]
    [InlineData("user alice", "deploy", "db1", "no: user alice is locked", "refuses")]
    [InlineData("user alice", "root", null, "no: user alice is locked", "refuses")]
    [InlineData("role access", "deploy", "db1", "no: role access is locked", "refuses")]
    [InlineData("role other", "deploy", "db1", "yes, as deploy (all hosts)", "")]
    [InlineData("login deploy", "deploy", "db1", "no: login deploy is locked", "denies")]
    [InlineData("login deploy", null, null, "no: login deploy is locked", "denies")]
    [InlineData("login root", "deploy", "db1", "yes, as deploy (all hosts)", "")]
    [InlineData("node db1", "deploy", "db1", "no: node db1 is locked", "denies")]
    [InlineData("node db1", null, "db1", "no: node db1 is locked", "denies")]
    [InlineData("node db1", "deploy", "web1", "yes, as deploy@web1", "limits")]
    [InlineData("node db1", "deploy", null, "yes, as deploy@web1", "denies")]
    public void Lock_is_named_with_its_effect(string target, string? login, string? node, string verdict, string effect)
    {
        var explained = Explanation.Explain(Question(Access) with { Node = node, Locks = Sample.Locked(target) }, login);
        Assert.EndsWith($": {verdict}", explained.Verdict, StringComparison.Ordinal);
        Assert.Equal(effect, string.Join(' ', explained.Locks.Select(one => one.Effect.ToString().ToLowerInvariant())));
        if (effect == "limits")
            Assert.Contains("access allows allow.node_labels *: * (every host, one by one: no bare login, since a node is locked)", Lines(explained));
    }

    [Fact]
    public void Assumption_shows_in_the_verdict() => Assert.StartsWith("alice could log in as deploy: yes", Explanation.Explain(Question(Access), "deploy", assumed: true).Verdict, StringComparison.Ordinal);

    [Fact]
    public void Many_names_are_counted()
    {
        var question = Question(Sample.Role("r", ["root"], Sample.Where("env=prod"))) with { Nodes = [.. Enumerable.Range(10, 300).Select(n => Sample.Node($"n{n}", "env=prod"))] };
        var explained = Explanation.Explain(question);
        Assert.Equal("alice can log in: yes, as root@n10, root@n100, root@n101, root@n102, root@n103, root@n104, root@n105, root@n106 and 292 more", explained.Verdict);
        Assert.Equal("alice can log in as root on n11: yes, as root@n11", Explanation.Explain(question with { Node = "n11" }, "root").Verdict);
    }

    private static Explanation With(AccessRequest request, Role now, string login)
    {
        var question = Question(Access);
        return Explanation.Explain(question with { Requests = [request with { UserId = question.User.Id }], Roles = Sample.Roles(Access, now), Node = "db1" }, login);
    }

    private static User Alice(params Role[] roles) =>
        Sample.User("alice", [.. roles.Select(role => role.Name)]) with { Traits = ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty.Add("accounts", ["anna", "alice"]) };

    private static IssuanceQuestion Question(params Role[] roles) => new(Sample.Now, Alice(roles), [], Sample.Roles(roles), [Db1, Web1], null, 0, SiteLimits.Default) { Locks = LocksInForce.None };

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out var range) ? range : throw new FormatException(text);

    private static IEnumerable<string> Lines(Explanation explained) =>
        explained.Roles.SelectMany(role => role.Rules.Select(rule => $"{role.Name} {rule.Effect.ToString().ToLowerInvariant()} {rule.Field} {rule.Entry} ({rule.Why})"));
}
