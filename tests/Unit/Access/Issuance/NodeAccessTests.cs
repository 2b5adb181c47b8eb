using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class NodeAccessTests
{
    private static readonly Node Db1 = Sample.Node("db1", "type=db");

    [Fact]
    public void Access_lists_the_roles_that_reach_the_node()
    {
        var dba = Sample.Role("dba", ["postgres", "root"], Sample.Where("type=db"));
        var web = Sample.Role("web", ["deploy"], Sample.Where("type=web"));
        Assert.Equal(["alice dba postgres", "alice dba root"], Into([dba, web], Sample.User("alice", "dba", "web"), Sample.User("bob", "web")));
        Assert.Empty(Into([dba, web], Sample.User("bob", "web")));
        Assert.Empty(Into([dba, web]));
    }

    [Fact]
    public void Access_omits_what_another_role_denies()
    {
        var dba = Sample.Role("dba", ["postgres", "root"], Sample.Where("type=db"));
        Assert.Equal(["alice dba postgres"], Into([dba, Sample.Role("careful", denyLogins: ["root"])], Sample.User("alice", "dba", "careful")));
        Assert.Empty(Into([dba, Sample.Role("careful", denyOn: Sample.Where("type=db"))], Sample.User("alice", "dba", "careful")));
    }

    [Fact]
    public void Access_lists_requestable_roles_too()
    {
        var dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"));
        var contractor = Sample.Role("contractor", mayRequest: ["dba"]);
        Assert.Equal(["alice dba postgres", "bob dba -"], Into([dba, contractor], Sample.User("bob", "contractor"), Sample.User("alice", "dba")));
    }

    [Fact]
    public void Access_omits_what_is_locked()
    {
        var dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"));
        foreach (var target in (string[])["user alice", "role dba", "login postgres", "node db1"])
            Assert.Empty(Into([dba], Sample.Locked(target), Sample.User("alice", "dba")));
    }

    private static string[] Into(Role[] roles, params User[] users) => Into(roles, LocksInForce.None, users);

    private static string[] Into(Role[] roles, LocksInForce locks, params User[] users) =>
    [
        .. NodeAccess.Into(Db1, users, user => new IssuanceQuestion(Sample.Now, user, [], Sample.Roles(roles), [Db1], RequestedTtl: null, LiveSessions: 0, SiteLimits.Default) { Locks = locks })
            .Select(way => $"{way.User} {way.Role} {way.Login ?? "-"}"),
    ];
}
