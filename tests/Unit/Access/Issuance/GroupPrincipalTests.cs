using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access.Issuance;

/// <summary>A certificate names a group of hosts where the hosts themselves do not fit, and only where the group opens nothing more.</summary>
public class GroupPrincipalTests
{
    private const string Token = "prod.0123456789abcdef";

    private static readonly NodeGroup Prod = new(Guid.NewGuid(), "prod", 1, Sample.Where("env=prod")) { Token = Token };

    private static readonly Node[] Hosts = [.. Enumerable.Range(0, 300).Select(n => Sample.Node($"n{n:000}", "env=prod", n == 7 ? "type=db" : "type=web"))];

    private static readonly Node Dev = Sample.Node("dev", "env=dev");

    private static readonly Role OnProd = Sample.Role("prod", ["root", "deploy"], Sample.Where("env=prod"));

    [Fact]
    public void Group_replaces_its_hosts_in_a_full_certificate()
    {
        var login = Decide([OnProd]);
        Assert.Equal([$"deploy@={Token}", $"root@={Token}"], Principals(login));
        Assert.Equal(0, login.LeftOut);
        // A certificate with room names the hosts, as before.
        Assert.Equal(["deploy@n000", "deploy@n001", "root@n000", "root@n001"], Principals(Decide([OnProd], Hosts[..2])));
        // Without the group, each host needs a certificate of its own.
        Assert.Equal((0, 600), (Ask([OnProd], Hosts, []) is var none ? none.Grants.Length : 0, none.LeftOut));
    }

    [Fact]
    public void Unconfirmed_host_is_named_beside_its_group()
    {
        var login = Decide([OnProd], unconfirmed: Hosts[..3]);
        Assert.Equal([$"deploy@={Token}", $"root@={Token}", "deploy@n000", "deploy@n001", "deploy@n002", "root@n000", "root@n001", "root@n002"], Principals(login));
        Assert.Equal(0, login.LeftOut);
        // Too many of them get certificates of their own.
        var many = Decide([OnProd], unconfirmed: Hosts[..200]);
        Assert.Equal([$"deploy@={Token}", $"root@={Token}"], Principals(many));
        Assert.Equal(400, many.LeftOut);
        // A group that no host accepts names nothing.
        var all = Decide([OnProd], unconfirmed: Hosts);
        Assert.Equal((0, 600), (all.Grants.Length, all.LeftOut));
    }

    public static readonly TheoryData<string> Denials = ["deny labels of one host", "deny all labels", "lock one host"];

    [Theory]
    [MemberData(nameof(Denials))]
    public void Denied_member_keeps_the_group_out(string what)
    {
        var (roles, locks) = what switch
        {
            "deny labels of one host" => (new[] { OnProd, Sample.Role("not", denyOn: Sample.Where("type=db")) }, LocksInForce.None),
            "deny all labels" => ([OnProd, Sample.Role("not", denyOn: LabelSelector.All)], LocksInForce.None),
            _ => (new[] { OnProd }, Sample.Locked("node n007")),
        };
        var question = Question(roles, Hosts, [Members(Hosts)], locks);
        Assert.DoesNotContain('=', string.Concat(IssuancePolicy.Decide(question).Holds(out var login, out _) ? Principals(login) : []));
        // What was issued before is taken back.
        Assert.NotNull(Reason(roles, Hosts, locks));
    }

    [Theory]
    [InlineData(-10)]
    [InlineData(10)]
    [InlineData(10_000)]
    public void Host_that_ends_is_in_no_group(int minutes)
    {
        Node[] hosts = [.. Hosts[..^1], Hosts[^1] with { Expires = Sample.Now.AddMinutes(minutes) }];
        Assert.False(Prod.Has(hosts[^1]));
        // The others are named by the group, and this one by itself, if it does not end before the certificate.
        string[] alone = minutes > 1000 ? ["deploy@n299", "root@n299"] : [];
        Assert.Equal([$"deploy@={Token}", $"root@={Token}", .. alone], Principals(Decide([OnProd], hosts)));
    }

    [Fact]
    public void Denied_login_is_not_in_the_group_form()
    {
        Assert.Equal([$"deploy@={Token}"], Principals(Decide([OnProd, Sample.Role("not", denyLogins: ["root"])])));
        Assert.Equal([$"deploy@={Token}"], Principals(IssuancePolicy.Decide(Question([OnProd], Hosts, [Members(Hosts)], Sample.Locked("login root"))).Granted()));
    }

    [Fact]
    public void Other_selector_does_not_use_the_group()
    {
        var wider = Sample.Role("prod", ["root"], Sample.Where("env=prod,test"));
        Assert.Equal((0, 300), (Decide([wider]).Grants.Length, Decide([wider]).LeftOut));
        var narrower = Sample.Role("prod", ["root"], Sample.Where("env=prod", "type=web"));
        Assert.Equal((0, 299), (Decide([narrower]).Grants.Length, Decide([narrower]).LeftOut));
    }

    [Fact]
    public void Login_with_a_domain_is_never_a_group()
    {
        var hosts = Hosts.Select(node => node with { LoginDomain = "corp" }).ToArray();
        Assert.Equal((0, 300), (Ask([Sample.Role("prod", ["adam@corp"], Sample.Where("env=prod"))], hosts, [Members(hosts)]) is var login ? login.Grants.Length : -1, login.LeftOut));
    }

    [Fact]
    public void Certificate_of_one_node_names_no_group() =>
        Assert.Equal(["deploy@n003", "root@n003"], Principals(IssuancePolicy.Decide(Question([OnProd], Hosts, [Members(Hosts)]) with { Node = "n003" }).Granted()));

    [Fact]
    public void Request_for_nodes_names_no_group()
    {
        var asking = Sample.Role("asking", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns("*") } } : null!;
        var user = Sample.User("alice", "asking");
        var request = Sample.Request(user, RequestState.Approved, OnProd) with { Resources = [.. Hosts.Select(node => new PinnedNode(node.Id, node.Name))] };
        var login = IssuancePolicy.Decide(Question([OnProd, asking], Hosts, [Members(Hosts)]) with { User = user, Requests = [request] }).Granted();
        Assert.Equal((0, 600), (login.Grants.Length, login.LeftOut));
    }

    [Fact]
    public void Conditions_of_a_role_stay_with_its_group()
    {
        var restore = Sample.Role("restore", ["root"], Sample.Where("env=prod")) is var role
            ? role with { Options = role.Options with { Conditions = SessionConditions.None.With(SessionCondition.ForceCommand, "/bin/true") } } : null!;
        var login = Decide([Sample.Role("prod", ["deploy"], Sample.Where("env=prod")), restore]);
        Assert.Equal([$"everyday deploy@={Token}", $"everyday-restore root@={Token}"], login.Grants.Select(grant => $"{grant.Name} {string.Join(' ', grant.Principals)}"));
        Assert.Equal("runs only /bin/true", login.Grants[1].Permissions.InWords);
    }

    [Fact]
    public void Group_that_lists_an_ungranted_host_is_not_used()
    {
        // The rules keep this out already; the hosts of a group are compared with what is granted all the same.
        var login = Ask([OnProd], Hosts, [new GroupMembers(Prod with { Selector = Sample.Where("env=prod") }, [.. Hosts, Sample.Node("stranger", "env=prod")])]);
        Assert.Equal((0, 600), (login.Grants.Length, login.LeftOut));
    }

    public static readonly TheoryData<string, bool> Changes = new()
    {
        { "nothing", true }, { "a host joined", true }, { "the token is another", false }, { "the group is gone", false },
        { "a denied host joined", false }, { "the role has other labels", false }, { "the role is for all hosts", true }, { "the role lost the login", false },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Change_that_takes_from_the_group_revokes(string what, bool stays)
    {
        var joined = Sample.Node("n999", "env=prod", "type=new");
        var notNew = Sample.Role("not-new", denyOn: Sample.Where("type=new"));
        var reason = what switch
        {
            "nothing" => Reason([OnProd], Hosts),
            "a host joined" => Reason([OnProd, notNew], [.. Hosts, Sample.Node("n999", "env=prod")]),
            "the token is another" => Reason([OnProd], Hosts, group: Prod with { Token = "prod.fedcba9876543210" }),
            "the group is gone" => Reason([OnProd], Hosts, groups: []),
            "a denied host joined" => Reason([OnProd, notNew], [.. Hosts, joined]),
            "the role has other labels" => Reason([OnProd with { Allow = OnProd.Allow with { NodeLabels = Sample.Where("type=web") } }], Hosts),
            "the role is for all hosts" => Reason([OnProd with { Allow = OnProd.Allow with { NodeLabels = LabelSelector.All } }], Hosts),
            _ => Reason([OnProd with { Allow = OnProd.Allow with { Logins = Sample.Logins("deploy") } }], Hosts),
        };
        Assert.Equal(stays, reason is null);
        if (what == "the token is another")
            Assert.Equal($"a host left the group of root@={Token}, or the group changed; log in again", reason);
    }

    [Theory]
    [InlineData("root@=prod.0123456789abcdef", "root", "prod.0123456789abcdef")]
    [InlineData("root@db1", "root", null)]
    [InlineData("root", "root", null)]
    [InlineData("adam@corp@db1", "adam@corp", null)]
    public void Principal_of_a_group_is_read_back(string text, string login, string? group)
    {
        var principal = CertAuthority.Access.Reach.Principals.Parse(text);
        Assert.Equal((text, login, group), (principal.ToString(), principal.Login, principal.Group));
        // It opens no node by its name, whatever the node is called.
        Assert.False(group is not null && (principal.Opens(login, group) || principal.Opens(login, "prod")));
    }

    [Fact]
    public void No_node_name_or_login_has_the_form_of_a_group()
    {
        Assert.False(Names.IsNodeName("=prod.0123456789abcdef"));
        Assert.False(Names.IsLogin("root@=prod.0123456789abcdef"));
        Assert.False(Names.IsLoginDomain("=prod.0123456789abcdef"));
    }

    private static LoginGrant Decide(Role[] roles, Node[]? hosts = null, Node[]? unconfirmed = null) =>
        Ask(roles, hosts ?? Hosts, [Members(hosts ?? Hosts)], unconfirmed);

    private static LoginGrant Ask(Role[] roles, Node[] hosts, GroupMembers[] groups, Node[]? unconfirmed = null) =>
        IssuancePolicy.Decide(Question(roles, hosts, groups) with
        {
            Unconfirmed = (unconfirmed ?? []).Select(node => (Prod.Id, node.Id)).ToHashSet(),
        }).Granted();

    private static IssuanceQuestion Question(Role[] roles, Node[] hosts, GroupMembers[] groups, LocksInForce? locks = null) => new(
        Sample.Now, Sample.User("alice", [.. roles.Select(role => role.Name)]), [], Sample.Roles(roles), [.. hosts, Dev], null, 0, SiteLimits.Default)
    {
        Locks = locks ?? LocksInForce.None,
        Groups = [.. groups],
    };

    private static GroupMembers Members(Node[] hosts) => new(Prod, [.. hosts, Dev]);

    /// <summary>Why a certificate for root on the group is taken back.</summary>
    private static string? Reason(Role[] roles, Node[] hosts, LocksInForce? locks = null, NodeGroup? group = null, GroupMembers[]? groups = null) => Withdrawal.Reason(
        new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddHours(1), [$"root@={Token}"], SessionPermissions.Plain),
        Sample.User("alice", [.. roles.Select(role => role.Name)]), [], Sample.Roles(roles), Sample.Nodes([.. hosts, Dev]), locks ?? LocksInForce.None, SiteLimits.Default, null,
        [.. groups ?? [new GroupMembers(group ?? Prod, [.. hosts, Dev])]]);

    private static string[] Principals(LoginGrant login) => [.. login.Grants.SelectMany(grant => grant.Principals).Select(principal => principal.ToString())];
}
