using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;

namespace CertAuthority.Tests.Unit.Access;

public class PrincipalsTests
{
    private static readonly Node Db1 = Sample.Node("db1", "env=prod", "type=db");
    private static readonly Node Web1 = Sample.Node("web1", "env=prod", "type=web");
    private static readonly Node Dev1 = Sample.Node("dev1", "env=dev", "type=db");
    private static readonly Node Ad1 = Sample.Node("ad1", "env=prod", "type=ad") with { LoginDomain = "corp.example.com" };
    private static readonly Node[] Nodes = [Db1, Web1, Dev1];

    public static readonly TheoryData<string> Situations = [.. Table.Keys];

    private static Dictionary<string, (Role[] Roles, string[] Principals)> Table => new()
    {
        ["no role"] = ([], []),
        ["all hosts: bare"] = ([Sample.Role("dba", ["postgres"], LabelSelector.All)], ["postgres"]),
        ["some hosts: one principal a host"] = ([Sample.Role("dba", ["postgres"], Sample.Where("type=db"))], ["postgres@db1", "postgres@dev1"]),
        ["labels that no host has"] = ([Sample.Role("dba", ["postgres"], Sample.Where("type=mail"))], []),
        ["labels that every host has are not all hosts"] =
            ([Sample.Role("dba", ["postgres"], Sample.Where("env=*"))], ["postgres@db1", "postgres@dev1", "postgres@web1"]),
        ["a star beside another key is not all hosts"] = ([Sample.Role("dba", ["postgres"], Sample.Where("*=*", "env=dev"))], ["postgres@dev1"]),
        ["logins without labels"] = ([Sample.Role("dba", ["postgres"])], []),
        ["labels without logins"] = ([Sample.Role("dba", on: LabelSelector.All)], []),
        ["several logins, in order"] = ([Sample.Role("dba", ["postgres", "barman"], LabelSelector.All)], ["barman", "postgres"]),
        ["pairs never form across roles"] =
            ([Sample.Role("a", ["postgres"], Sample.Where("type=db", "env=prod")), Sample.Role("b", ["www"], Sample.Where("type=web"))], ["postgres@db1", "www@web1"]),
        ["logins of one role never meet all hosts of another"] =
            ([Sample.Role("a", ["root"], Sample.Where("env=dev")), Sample.Role("b", ["www"], LabelSelector.All)], ["www", "root@dev1"]),
        ["logins of one role never meet the labels of another"] = ([Sample.Role("a", ["root"]), Sample.Role("b", on: LabelSelector.All)], []),
        ["a host's own beside the bare one adds nothing"] =
            ([Sample.Role("a", ["postgres"], LabelSelector.All), Sample.Role("b", ["postgres", "www"], Sample.Where("type=web"))], ["postgres", "www@web1"]),
        ["two roles for one host"] =
            ([Sample.Role("a", ["postgres"], Sample.Where("type=db")), Sample.Role("b", ["postgres"], Sample.Where("env=dev"))], ["postgres@db1", "postgres@dev1"]),

        ["a denied login"] = ([Sample.Role("dba", ["postgres", "root"], LabelSelector.All, denyLogins: ["root"])], ["postgres"]),
        ["a login denied by another role"] = ([Sample.Role("dba", ["postgres", "root"], LabelSelector.All), Sample.Role("no", denyLogins: ["root"])], ["postgres"]),
        ["a login denied on some hosts of another role is denied on all"] =
            ([Sample.Role("dba", ["root"], Sample.Where("type=db")), Sample.Role("no", denyLogins: ["root"], on: Sample.Where("type=web"))], []),
        ["every login denied"] = ([Sample.Role("dba", ["postgres"], LabelSelector.All), Sample.Role("no", denyLogins: ["*"])], []),
        ["a denied login in another case is another login"] = ([Sample.Role("dba", ["postgres"], LabelSelector.All, denyLogins: ["Postgres"])], ["postgres"]),
        ["a deny that only looks like a pattern denies itself"] = ([Sample.Role("dba", ["postgres"], LabelSelector.All, denyLogins: ["post*"])], ["postgres"]),

        ["denied hosts: never bare any more"] =
            ([Sample.Role("dba", ["postgres"], LabelSelector.All, denyOn: Sample.Where("type=web"))], ["postgres@db1", "postgres@dev1"]),
        ["hosts denied by another role"] =
            ([Sample.Role("dba", ["postgres"], LabelSelector.All), Sample.Role("no", denyOn: Sample.Where("env=prod"))], ["postgres@dev1"]),
        ["denied hosts that match none today: never bare all the same"] =
            ([Sample.Role("dba", ["postgres"], LabelSelector.All), Sample.Role("no", denyOn: Sample.Where("env=moon"))], ["postgres@db1", "postgres@dev1", "postgres@web1"]),
        ["all hosts denied"] = ([Sample.Role("dba", ["postgres"], LabelSelector.All), Sample.Role("no", denyOn: LabelSelector.All)], []),
        ["keys of a deny are ANDed"] =
            ([Sample.Role("dba", ["postgres"], Sample.Where("env=prod"), denyOn: Sample.Where("env=prod", "type=web"))], ["postgres@db1"]),
        ["values of a deny are ORed"] =
            ([Sample.Role("dba", ["postgres"], Sample.Where("type=*"), denyOn: Sample.Where("type=web,db"))], []),
        ["denied logins and denied hosts act apart"] =
            ([Sample.Role("dba", ["postgres", "root"], LabelSelector.All), Sample.Role("no", denyLogins: ["root"], denyOn: Sample.Where("env=dev"))],
                ["postgres@db1", "postgres@web1"]),

        ["a login that is none never reaches a certificate"] =
            ([Sample.Role("dba", ["root@db1", "a,root", "", "*", "-x", "postgres"], LabelSelector.All)], ["postgres"]),
        ["the daemon's own way to hosts is no login to grant"] = ([Sample.Role("dba", ["certauthority-sync", "postgres"], LabelSelector.All)], ["postgres"]),
        ["nor on one host"] = ([Sample.Role("dba", ["root@db1", "*"], Sample.Where("type=db"))], []),
    };

    [Theory]
    [MemberData(nameof(Situations))]
    public void Roles_become_principals(string situation)
    {
        var (roles, principals) = Table[situation];
        Assert.Equal(principals, Principals.Resolve(Sample.InUse(roles), Nodes, LocksInForce.None).Select(principal => principal.ToString()));
    }

    public static readonly TheoryData<string> DomainSituations = [.. Domains.Keys];

    private static Dictionary<string, (Role[] Roles, string[] Principals)> Domains => new()
    {
        ["on every host: those of the domain, and never bare"] =
            ([Sample.Role("staff", ["adam@corp.example.com", "postgres"], LabelSelector.All)], ["postgres", "adam@corp.example.com@ad1"]),
        ["on some hosts: those of the domain among them"] = ([Sample.Role("staff", ["adam@corp.example.com"], Sample.Where("env=prod"))], ["adam@corp.example.com@ad1"]),
        ["on hosts without the domain: none"] = ([Sample.Role("staff", ["adam@corp.example.com"], Sample.Where("type=db"))], []),
        ["another domain is another account"] = ([Sample.Role("staff", ["adam@corp", "adam@CORP.example.com"], LabelSelector.All)], []),
        ["a plain login exists there too"] = ([Sample.Role("staff", ["root"], Sample.Where("type=ad"))], ["root@ad1"]),
        ["the account is denied, and not its namesake"] =
            ([Sample.Role("staff", ["adam@corp.example.com", "adam"], LabelSelector.All, denyLogins: ["adam@corp.example.com"])], ["adam"]),
        ["the namesake is denied, and not the account"] =
            ([Sample.Role("staff", ["adam@corp.example.com", "adam"], LabelSelector.All, denyLogins: ["adam"])], ["adam@corp.example.com@ad1"]),
        ["the daemon's own way to hosts, in a domain"] = ([Sample.Role("staff", ["certauthority-sync@corp.example.com"], LabelSelector.All)], []),
    };

    [Theory]
    [MemberData(nameof(DomainSituations))]
    public void Login_with_a_domain_applies_to_hosts_of_that_domain(string situation)
    {
        var (roles, principals) = Domains[situation];
        Assert.Equal(principals, Principals.Resolve(Sample.InUse(roles), [.. Nodes, Ad1], LocksInForce.None).Select(principal => principal.ToString()));
    }

    [Theory]
    [InlineData("postgres", "postgres", null)]
    [InlineData("postgres@db1", "postgres", "db1")]
    [InlineData("adam@corp.example.com@ad1", "adam@corp.example.com", "ad1")]
    public void Principal_is_split_at_its_last_at_sign(string text, string login, string? node)
    {
        var principal = Principals.Parse(text);
        Assert.Equal((login, node, text), (principal.Login, principal.Node, principal.ToString()));
    }

    [Fact]
    public void Lock_on_an_account_leaves_its_namesake()
    {
        Role[] roles = [Sample.Role("staff", ["adam@corp.example.com", "adam"], LabelSelector.All)];
        Assert.Equal(["adam"], Principals.Resolve(Sample.InUse(roles), [.. Nodes, Ad1], Sample.Locked("login adam@corp.example.com")).Select(principal => principal.ToString()));
        Assert.Equal(["adam@corp.example.com@ad1"], Principals.Resolve(Sample.InUse(roles), [.. Nodes, Ad1], Sample.Locked("login adam")).Select(principal => principal.ToString()));
    }

    [Fact]
    public void Without_nodes_only_a_grant_for_all_hosts_remains()
    {
        Role[] roles = [Sample.Role("a", ["root"], Sample.Where("type=db")), Sample.Role("b", ["www"], LabelSelector.All)];
        Assert.Equal(["www"], Principals.Resolve(Sample.InUse(roles), [], LocksInForce.None).Select(principal => principal.ToString()));
    }

    [Fact]
    public void Relabelled_node_is_reached_by_its_new_labels()
    {
        Role[] roles = [Sample.Role("dev", ["root"], Sample.Where("env=dev"))];
        Assert.Equal(["root@dev1"], Principals.Resolve(Sample.InUse(roles), Nodes, LocksInForce.None).Select(principal => principal.ToString()));
        Assert.Equal(
            ["root@web1"],
            Principals.Resolve(Sample.InUse(roles), [Db1, Web1 with { Labels = Sample.Labels("env=dev") }, Dev1 with { Labels = Sample.Labels("env=prod") }], LocksInForce.None).Select(principal => principal.ToString()));
    }

    [Fact]
    public void Node_relabelled_into_a_denied_one_is_lost()
    {
        Role[] roles = [Sample.Role("dba", ["root"], LabelSelector.All, denyOn: Sample.Where("env=prod"))];
        Assert.Equal(["root@dev1"], Principals.Resolve(Sample.InUse(roles), Nodes, LocksInForce.None).Select(principal => principal.ToString()));
        Assert.Empty(Principals.Resolve(Sample.InUse(roles), [Db1, Web1, Dev1 with { Labels = Sample.Labels("env=prod") }], LocksInForce.None));
    }
}
