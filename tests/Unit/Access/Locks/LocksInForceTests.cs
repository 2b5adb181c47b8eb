using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What each kind of lock takes from logins, requests and answers, and what it leaves alone.</summary>
public class LocksInForceTests
{
    private static readonly Node Db1 = Sample.Node("db1", "type=db");
    private static readonly Node Web1 = Sample.Node("web1", "type=web");
    private static readonly Role Base = Sample.Role("base", ["deploy"], LabelSelector.All, mayRequest: ["dba", "ops"]);
    private static readonly Role Dba = Sample.Role("dba", ["postgres", "root"], Sample.Where("type=db"));
    private static readonly Role Ops = Sample.Role("ops", ["ops"], LabelSelector.All);
    private static readonly Dictionary<string, Role> Roles = Sample.Roles(Base, Dba, Ops);
    private static readonly User Alice = Sample.User("alice", "base");
    private static readonly AccessRequest Approved = Sample.Request(Alice, RequestState.Approved, Dba);
    private static readonly AccessRequest Pending = Sample.Request(Alice, RequestState.Pending, Dba);
    private static readonly Answerer Root = new(new UnixIdentity(0, "root"), IsRoot: true);

    public sealed record Row(string Lock, string With, string Without, string Ask, string Approve)
    {
        public override string ToString() => Lock;
    }

    private const string Everything = "deploy postgres@db1 root@db1";

    public static TheoryData<Row> Rows =>
    [
        // on what, principals with the request, principals without it, asking for dba, approving the pending request for dba
        new("user alice", "user alice is locked", "user alice is locked", "user alice is locked", "user alice is locked"),
        new("user bob", Everything, "deploy", "yes", "yes"),
        new("role base", "role base is locked", "role base is locked", "role base is locked", "role base is locked"),
        new("role dba", "role dba is locked", "deploy", "role dba is locked", "role dba is locked"),
        new("role ops", Everything, "deploy", "yes", "yes"),
        new("login postgres", "deploy root@db1", "deploy", "yes", "yes"),
        new("login deploy", "postgres@db1 root@db1", "login deploy is locked", "yes", "yes"),
        new("login Postgres", Everything, "deploy", "yes", "yes"),
        new("node db1", "deploy@web1", "deploy@web1", "yes", "yes"),
        new("node web1", "deploy@db1 postgres@db1 root@db1", "deploy@db1", "yes", "yes"),
        // It may be a host that is no node yet: a bare login would open it.
        new("node db9", "deploy@db1 deploy@web1 postgres@db1 root@db1", "deploy@db1 deploy@web1", "yes", "yes"),
        new("the approved request", "the approved request is locked", "deploy", "yes", "yes"),
        new("the pending request", Everything, "deploy", "yes", "the pending request is locked"),
    ];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Lock_blocks_only_what_it_covers(Row row)
    {
        var locks = Sample.Locked(Named(row.Lock));
        Assert.Equal(Named(row.With), Login(locks, Approved));
        Assert.Equal(Named(row.Without), Login(locks));
        Assert.Equal(row.Ask, Says(File(locks, "dba")));
        Assert.Equal(Named(row.Approve), Says(Approve(locks)));
    }

    [Fact]
    public void Lock_states_its_end_its_reason_and_how_to_lift_it()
    {
        var locks = LocksInForce.At([Sample.Lock("user alice", "laptop lost", Sample.Now.AddHours(1))], Sample.Now);
        var refusal = Sample.Decide(Question(locks)).Refused();
        Assert.Equal("user alice is locked until 2026-03-01T13:00:00Z: laptop lost", refusal.Message);
        Assert.Equal(new Remedy.Unlock("on-user"), refusal.Remedy);
    }

    [Fact]
    public void Longest_of_several_locks_is_reported()
    {
        AccessLock[] locks = [Sample.Lock("user alice", "first", Sample.Now.AddHours(1)), Sample.Lock("user alice", "for good"), Sample.Lock("user alice", "then", Sample.Now.AddHours(2))];
        Assert.Equal("user alice is locked: for good", LocksInForce.At(locks, Sample.Now).On(LockKind.User, "alice")!.Refusal.Message);
        Assert.Equal("user alice is locked until 2026-03-01T14:00:00Z: then", LocksInForce.At([locks[0], locks[2]], Sample.Now).On(LockKind.User, "alice")!.Refusal.Message);
    }

    [Fact]
    public void Lock_has_no_effect_from_its_end_on()
    {
        AccessLock[] locks = [Sample.Lock("user alice", expires: Sample.Now)];
        Assert.Equal("user alice is locked until 2026-03-01T12:00:00Z", Login(LocksInForce.At(locks, Sample.Now.AddSeconds(-1))));
        Assert.Equal("deploy", Login(LocksInForce.At(locks, Sample.Now)));
    }

    [Fact]
    public void Locked_role_is_reported_even_if_expired_or_lacking_traits()
    {
        var over = Sample.Role("dba", ["{{external.none}}"]) with { Expires = Sample.Now };
        var question = Question(Sample.Locked("role dba")) with { User = Alice with { Roles = ["base", "dba"] }, Roles = Sample.Roles(Base, over) };
        Assert.Equal("role dba is locked", Sample.Decide(question).Refused().Message);
    }

    [Fact]
    public void Approval_with_other_roles_is_judged_by_those_roles()
    {
        Assert.Equal("yes", Says(Approve(Sample.Locked("role dba"), "ops")));
        Assert.Equal("role ops is locked", Says(Approve(Sample.Locked("role ops"), "ops")));
    }

    [Fact]
    public void Requestable_roles_omit_locked_ones()
    {
        Assert.Equal(["ops"], RequestRights.Requestable(Alice, Roles, Sample.Now, Sample.Locked("role dba")).ToArray());
        Assert.Equal(["ops"], File(Sample.Locked("role dba"), "*").Granted().Roles.Select(role => role.Name));
    }

    [Fact]
    public void Lock_on_an_unrequestable_role_is_not_revealed() =>
        Assert.Equal("user \"alice\" cannot request role \"secret\"", File(Sample.Locked("role secret"), "secret").Refused().Message);

    [Fact]
    public void Lock_on_a_node_is_revealed_only_to_users_who_would_reach_it()
    {
        var locks = Sample.Locked("node db1");
        Assert.Equal("node db1 is locked", Sample.Decide(Question(locks) with { Node = "db1" }).Refused().Message);
        var web = Sample.Role("base", ["www"], Sample.Where("type=web"));
        Assert.Equal(
            "there is no node \"db1\" within reach of the roles in use: base",
            Sample.Decide(Question(locks) with { Node = "db1", Roles = Sample.Roles(web) }).Refused().Message);
    }

    [Fact]
    public void Lock_on_the_only_host_leaves_no_login() =>
        Assert.Equal("node db1 is locked", Sample.Decide(Question(Sample.Locked("node db1")) with { Nodes = [Db1] }).Refused().Message);

    [Theory]
    [InlineData("user alice", "")]
    [InlineData("role base", "")]
    [InlineData("role dba", "")]
    [InlineData("node db1", "")]
    [InlineData("login postgres", "dba: db1")]
    [InlineData("role ops", "dba: db1")]
    public void Preview_of_a_request_omits_what_is_locked(string target, string opens)
    {
        var asking = Sample.Role("base", mayRequest: ["dba"]);
        var elevations = Elevation.WithinAsking(Alice, RequestKind.Roles, Sample.Roles(asking, Dba, Ops), [Db1, Web1], Sample.Locked(target), Sample.Now);
        Assert.Equal(opens, string.Join("; ", elevations.Select(elevation => $"{elevation.Role}: {string.Join(' ', elevation.Nodes)}")));
    }

    private string Named(string text) => text
        .Replace("the approved request", $"request {Approved.Id}", StringComparison.Ordinal).Replace("the pending request", $"request {Pending.Id}", StringComparison.Ordinal);

    private static IssuanceQuestion Question(LocksInForce locks, params AccessRequest[] requests) =>
        new(Sample.Now, Alice, [.. requests], Roles, [Db1, Web1], null, 0, SiteLimits.Default) { Locks = locks };

    /// <summary>The principals, or why there are none.</summary>
    private static string Login(LocksInForce locks, params AccessRequest[] requests) =>
        Sample.Decide(Question(locks, requests)).Holds(out var grant, out var refusal) ? string.Join(' ', grant.Principals) : refusal.Message;

    private static Outcome<AccessRequest> File(LocksInForce locks, params string[] roles) =>
        Requesting.File(new RequestQuestion(Guid.NewGuid(), Sample.Now, Alice, 5001, [.. roles], "", [], Roles, [], SiteLimits.Default) { Locks = locks });

    private static Outcome<AccessRequest> Approve(LocksInForce locks, params string[] instead) =>
        Resolving.Approve(Pending, Alice, Root, People.Strangers, Roles, new RequestResolution("root", Sample.Now, ""), SiteLimits.Default, locks, instead is [] ? default : [.. instead]);

    private static string Says<T>(Outcome<T> outcome) where T : class => outcome.Holds(out _, out var refusal) ? "yes" : refusal.Message;
}
