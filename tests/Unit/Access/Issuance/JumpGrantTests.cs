using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Who may pass a jump host follows from who may enter a host behind it.</summary>
public class JumpGrantTests
{
    private static readonly Node Bastion = Sample.Node("bastion", "type=bastion") with { Jump = true };
    private static readonly Node Inner = Sample.Node("inner", "type=bastion") with { Jump = true, Via = "bastion" };
    private static readonly Node Db1 = Sample.Node("db1", "type=db") with { Via = "inner" };
    private static readonly Node Web1 = Sample.Node("web1", "type=web");
    private static readonly Node[] All = [Bastion, Inner, Db1, Web1];
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"));
    private static readonly Role Web = Sample.Role("web", ["deploy"], Sample.Where("type=web"));

    [Fact]
    public void Login_behind_jump_hosts_brings_a_certificate_for_the_way()
    {
        var grants = Grants([Dba, Web]);
        Assert.Equal(["everyday", "jump-everyday"], grants.Select(grant => grant.Name));
        Assert.Equal(["deploy@web1", "postgres@db1"], grants[0].Principals.Select(one => one.ToString()));
        Assert.Equal(["certauthority-jump@bastion", "certauthority-jump@inner"], grants[1].Principals.Select(one => one.ToString()));
        // The logins themselves do not gain forwarding by it.
        Assert.Equal((false, true), (grants[0].Permissions.PortForwarding, grants[1].Permissions.PortForwarding));
        Assert.Equal(["everyday"], Grants([Web]).Select(grant => grant.Name));
        // Also the certificate of a single host.
        Assert.Equal(["everyday", "jump-everyday"], Grants([Dba, Web], node: "db1").Select(grant => grant.Name));
        Assert.Equal(["everyday"], Grants([Dba, Web], node: "web1").Select(grant => grant.Name));
        // And a login that opens every host.
        Assert.Equal(["everyday", "jump-everyday"], Grants([Sample.Role("root", ["root"], LabelSelector.All)]).Select(grant => grant.Name));
    }

    [Fact]
    public void Denied_or_locked_jump_host_closes_every_way_through_it()
    {
        Assert.Single(Grants([Dba, Sample.Role("deny", denyLogins: ["certauthority-jump"])]));
        Assert.Single(Grants([Dba, Sample.Role("deny") with { Deny = Dba.Deny with { NodeLabels = Sample.Where("type=bastion") } }]));
        Assert.Single(Grants([Dba], Sample.Locked("node bastion")));
        Assert.Single(Grants([Dba], Sample.Locked("node inner")));
        Assert.Single(Grants([Dba], Sample.Locked("login certauthority-jump")));
        Assert.Single(Grants([Dba], nodes: [Inner, Db1, Web1]));
    }

    [Fact]
    public void Explanation_names_what_closes_the_way()
    {
        Assert.Equal("yes, as postgres@db1", Verdict([Dba]));
        Assert.Equal("yes, as postgres@db1; but the way there is closed: role deny denies certauthority-jump", Verdict([Dba, Sample.Role("deny", denyLogins: ["certauthority-jump"])]));
        Assert.Equal("yes, as postgres@db1; but the way there is closed: role deny denies bastion", Verdict([Dba, Sample.Role("deny") with { Deny = Dba.Deny with { NodeLabels = Sample.Where("type=bastion") } }]));
        foreach (var locked in (string[])["node bastion", "node inner", "login certauthority-jump"])
        {
            Assert.Equal($"yes, as postgres@db1; but the way there is closed: {locked} is locked", Verdict([Dba], Sample.Locked(locked)));
            Assert.Equal([RuleEffect.Limits], Explained([Dba], Sample.Locked(locked)).Locks.Select(one => one.Effect));
        }
        Assert.Equal("yes, as postgres@db1; but the way there is closed: inner is no jump host that can be passed", Verdict([Dba], nodes: [Inner, Db1, Web1]));
    }

    [Fact]
    public void Host_that_ends_before_the_certificate_opens_no_way()
    {
        Node[] ending = [Bastion, Inner, Db1 with { Expires = Sample.Now.AddHours(1) }, Web1];
        Assert.Equal(["everyday"], Grants([Dba, Web], nodes: ending).Select(grant => grant.Name));
        // The certificate for that host alone ends with it, and so does the way.
        var alone = Grants([Dba, Web], nodes: ending, node: "db1");
        Assert.Equal(["everyday", "jump-everyday"], alone.Select(grant => grant.Name));
        Assert.All(alone, grant => Assert.Equal(Sample.Now.AddHours(1), grant.Validity.Before));
        var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddHours(1), ["certauthority-jump@inner"], alone[1].Permissions);
        Assert.Null(Reason(issued, ending));
        Assert.NotNull(Reason(issued with { ValidBefore = Sample.Now.AddHours(2) }, ending));
    }

    private static Explanation Explained(Role[] roles, LocksInForce? locks = null, Node[]? nodes = null) =>
        Explanation.Explain(Question(roles, locks ?? LocksInForce.None, nodes ?? All) with { Node = "db1" }, "postgres");

    private static string Verdict(Role[] roles, LocksInForce? locks = null, Node[]? nodes = null) => Explained(roles, locks, nodes).Verdict.Split(": ", 2)[1];

    private static string? Reason(IssuedCertificate issued, Node[] nodes) =>
        Withdrawal.Reason(issued, Sample.User("alice", "dba", "web"), [], Sample.Roles(Dba, Web), Sample.Nodes(nodes), LocksInForce.None, SiteLimits.Default);

    [Fact]
    public void Conditions_of_the_login_hold_on_the_way_there()
    {
        var office = Dba with { Options = new RoleOptions { Conditions = SessionConditions.None.With(SessionCondition.SourceAddress, "192.0.2.0/24").With(SessionCondition.ForceCommand, "true") } };
        var jump = Grants([office])[^1];
        Assert.Equal("jump-everyday-dba", jump.Name);
        Assert.Equal([SessionCondition.SourceAddress.Name], jump.Permissions.Conditions.Keys);
    }

    [Fact]
    public void No_role_grants_the_account_of_jump_hosts()
    {
        Assert.False(Names.IsGrantable("certauthority-jump"));
        Assert.False(Names.IsGrantable("certauthority-jump@corp.example.com"));
        Assert.Equal(CertAuthority.Protocol.JumpHost.Login, Names.JumpLogin);
        Assert.False(IssuancePolicy.Decide(Question([Sample.Role("bad", ["certauthority-jump"], LabelSelector.All)], LocksInForce.None, All)).Holds(out _, out _));
    }

    [Theory]
    [InlineData("nothing", null)]
    [InlineData("another host", null)]
    [InlineData("relabelled", "certauthority-jump@inner is not granted any more")]
    [InlineData("moved", "certauthority-jump@inner is not granted any more")]
    [InlineData("no jump host", "certauthority-jump@inner is not granted any more")]
    [InlineData("no role", "certauthority-jump@inner is not granted any more")]
    public void Certificate_that_passes_ends_with_what_is_behind(string change, string? reason)
    {
        var jump = Grants([Dba, Web])[^1];
        var issued = new IssuedCertificate(
            Sample.AliceAtHerDesk, Sample.Now, jump.Validity.Before, ["certauthority-jump@inner"], jump.Permissions);
        Node[] nodes = change switch
        {
            "another host" => [Bastion, Inner, Db1],
            "relabelled" => [Bastion, Inner, Db1 with { Labels = Sample.Labels("type=web2") }, Web1],
            "moved" => [Bastion, Inner, Db1 with { Via = null }, Web1],
            "no jump host" => [Bastion, Inner with { Jump = false }, Db1, Web1],
            _ => All,
        };
        var user = change == "no role" ? Sample.User("alice", "web") : Sample.User("alice", "dba", "web");
        Assert.Equal(reason, Withdrawal.Reason(issued, user, [], Sample.Roles(Dba, Web), Sample.Nodes(nodes), LocksInForce.None, SiteLimits.Default));
    }

    private static IReadOnlyList<IssuanceGrant> Grants(Role[] roles, LocksInForce? locks = null, Node[]? nodes = null, string? node = null) =>
        IssuancePolicy.Decide(Question(roles, locks ?? LocksInForce.None, nodes ?? All) with { Node = node }).Granted().Grants;

    private static IssuanceQuestion Question(Role[] roles, LocksInForce locks, Node[] nodes) =>
        new(Sample.Now, Sample.User("alice", [.. roles.Select(role => role.Name)]), [], Sample.Roles(roles), [.. nodes], null, 0, SiteLimits.Default) { Locks = locks };
}
