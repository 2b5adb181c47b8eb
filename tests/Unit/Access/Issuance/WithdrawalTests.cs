using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What a change of policy takes back, and what it leaves alone.</summary>
public class WithdrawalTests
{
    private static readonly Role Base = Sample.Role("base", ["deploy"], Sample.Where("env=prod"), mayRequest: ["dba"], ttl: TimeSpan.FromHours(8));
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], LabelSelector.All, ttl: TimeSpan.FromHours(1));
    private static readonly User Alice = Sample.User("alice", "base");
    private static readonly Node Db1 = Sample.Node("db1", "env=prod");
    private static readonly Node Web1 = Sample.Node("web1", "env=prod");
    private static readonly AccessRequest Approved = Sample.Request(Alice, RequestState.Approved, Dba);

    // Issued under everything above: deploy on both nodes, postgres everywhere, until the request ends.
    private static readonly IssuedCertificate Issued = new(
        Sample.AliceAtHerDesk, Sample.Now, Approved.AccessUntil, ["postgres", "deploy@db1", "deploy@web1"], SessionPermissions.Plain);

    [Fact]
    public void Request_times_are_judged_at_the_time_of_issue()
    {
        var request = Approved with { Terms = Approved.Terms with { AssumeFrom = Issued.Issued, SessionTtl = TimeSpan.FromMinutes(20) } };
        var within = Issued with { ValidBefore = Issued.Issued.AddMinutes(20) };
        Assert.Null(Withdrawal.Reason(within, Alice, [request], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default));
        Assert.Equal(
            $"the session ttl of request {request.Id} grants less time",
            Withdrawal.Reason(within with { ValidBefore = within.ValidBefore.AddSeconds(1) }, Alice, [request], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default));
    }

    [Theory]
    [InlineData("adam@corp.example.com@ad1", null)]
    [InlineData("adam@corp.example.com", "adam@corp.example.com is not granted any more")]
    [InlineData("adam@ad1", "adam@ad1 is not granted any more")]
    [InlineData("postgres@ad1", null)]
    [InlineData("postgres@corp.example.com@ad1", "postgres@corp.example.com@ad1 is not granted any more")]
    public void Domain_account_and_login_at_node_never_cover_each_other(string principal, string? reason)
    {
        var staff = Sample.Role("staff", ["adam@corp.example.com", "postgres"], LabelSelector.All);
        var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddHours(1), [principal], SessionPermissions.Plain);
        Assert.Equal(reason, Withdrawal.Reason(
            issued, Sample.User("alice", "staff"), [], Sample.Roles(staff), Sample.Nodes(Sample.Node("ad1") with { LoginDomain = "corp.example.com" }), LocksInForce.None, SiteLimits.Default));
    }

    public static readonly TheoryData<string, string?> Changes = new()
    {
        { "nothing changed", null },
        { "a role grants one login more", null },
        { "a node was added", null },
        { "more nodes than one certificate holds", null },
        { "a role for some hosts became one for all", null },
        { "another user was changed", null },
        { "the user is gone", "the user is gone" },
        { "the account may not act as the user", "alice may not act as this user any more" },
        { "a login was taken from the role", "the role dba changed after this approval; ask again" },
        { "the base role lost its login", "deploy@db1 is not granted any more" },
        { "a deny of a login was added", "postgres is not granted any more" },
        { "a deny of hosts was added", "postgres is not granted any more" },
        { "a node was relabelled", "deploy@web1 is not granted any more" },
        { "a node was removed", "deploy@web1 is not granted any more" },
        { "the base role allows less time", "role base grants less time" },
        { "the base role was taken from the user", "user \"alice\" can no longer request role \"dba\"" },
        { "the base role is gone", "the role base, assigned to user \"alice\", does not exist" },
        { "the request may not be made any more", "user \"alice\" can no longer request role \"dba\"" },
        { "the granted role was created again", "the role dba changed after this approval; ask again" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Policy_change_revokes_what_it_no_longer_grants(string change, string? reason)
    {
        var more = Sample.Role("more", ["root"], LabelSelector.All);
        Assert.Equal(reason, change switch
        {
            "nothing changed" => Judge(),
            "a role grants one login more" => Judge(roles: [Base with { Allow = Base.Allow with { Logins = Sample.Logins("deploy", "root") } }, Dba]),
            "a node was added" => Judge(nodes: [Db1, Web1, Sample.Node("db3", "env=prod")]),
            "more nodes than one certificate holds" => Judge(nodes: [Db1, Web1, .. Enumerable.Range(0, 300).Select(i => Sample.Node($"n{i}", "env=prod"))]),
            "a role for some hosts became one for all" => Judge(roles: [Base with { Allow = Base.Allow with { NodeLabels = LabelSelector.All } }, Dba]),
            "another user was changed" => Judge(roles: [Base, Dba, more]),
            "the user is gone" => Withdrawal.Reason(Issued, null, [Approved], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default),
            "the account may not act as the user" => Judge(Alice.OwnedBy("bob")),
            "a login was taken from the role" => Judge(roles: [Base, Dba with { Revision = 2, Allow = Dba.Allow with { Logins = [] } }]),
            "the base role lost its login" => Judge(roles: [Base with { Allow = Base.Allow with { Logins = [] } }, Dba]),
            "a deny of a login was added" => Judge(roles: [Base with { Deny = Base.Deny with { Logins = Sample.Logins("postgres") } }, Dba]),
            "a deny of hosts was added" => Judge(roles: [Base with { Deny = Base.Deny with { NodeLabels = Sample.Where("env=moon") } }, Dba]),
            "a node was relabelled" => Judge(nodes: [Db1, Web1 with { Labels = Sample.Labels("env=test") }]),
            "a node was removed" => Judge(nodes: [Db1]),
            "the base role allows less time" => Judge(roles: [Base.Lasting(TimeSpan.FromMinutes(5)), Dba]),
            "the base role was taken from the user" => Judge(Alice with { Roles = [] }),
            "the base role is gone" => Judge(roles: [Dba]),
            "the request may not be made any more" => Judge(roles: [Base with { Allow = Base.Allow with { RequestRoles = [] } }, Dba]),
            "the granted role was created again" => Judge(roles: [Base, Dba with { Id = Guid.NewGuid() }]),
            _ => throw new InvalidOperationException(change),
        });
    }

    [Theory]
    [InlineData("user alice", "user alice is locked")]
    [InlineData("user bob", null)]
    [InlineData("role base", "role base is locked")]
    [InlineData("role dba", "role dba is locked")]
    [InlineData("role other", null)]
    [InlineData("login postgres", "login postgres is locked")]
    [InlineData("login deploy", "login deploy is locked")]
    [InlineData("login root", null)]
    [InlineData("node db1", "node db1 is locked")]
    [InlineData("node db9", "node db9 is locked")]
    public void Lock_revokes_what_it_covers(string target, string? reason) =>
        Assert.Equal(reason, Withdrawal.Reason(Issued, Alice, [Approved], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), Sample.Locked(target), SiteLimits.Default));

    [Fact]
    public void Lock_revokes_only_what_uses_its_request_or_opens_its_node()
    {
        var scoped = Issued with { Principals = ["deploy@db1"] };
        Assert.Equal($"request {Approved.Id} is locked", Withdrawal.Reason(Issued, Alice, [Approved], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), Sample.Locked($"request {Approved.Id}"), SiteLimits.Default));
        Assert.Null(Withdrawal.Reason(scoped, Alice, [], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), Sample.Locked($"request {Approved.Id}"), SiteLimits.Default));
        Assert.Null(Withdrawal.Reason(scoped, Alice, [], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), Sample.Locked("node web1"), SiteLimits.Default));
    }

    [Fact]
    public void Only_the_nodes_of_a_certificate_are_looked_up()
    {
        var nodes = new LookedUp(Sample.Nodes([Db1, Web1, .. Enumerable.Range(0, 1000).Select(n => Sample.Node($"n{n}", "env=prod"))]));
        Assert.Null(Withdrawal.Reason(Issued, Alice, [Approved], Sample.Roles(Base, Dba), nodes, LocksInForce.None, SiteLimits.Default));
        Assert.Equal(["db1", "web1"], nodes.Asked);
    }

    [Fact]
    public void Short_ttl_survives_a_policy_that_still_grants_more() =>
        Assert.Null(Withdrawal.Reason(
            Issued with { ValidBefore = Sample.Now.AddMinutes(5) }, Alice, [Approved], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default));

    [Fact]
    public void Certificate_is_judged_at_its_issue_not_at_the_change()
    {
        // Half of the role's eight hours are over; asked as of today, it would seem to reach too far.
        var early = Issued with { Issued = Sample.Now.AddHours(-4), ValidBefore = Sample.Now.AddHours(4), Principals = ["deploy@db1"] };
        Assert.Null(Withdrawal.Reason(early, Alice, [], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default));
        Assert.NotNull(Withdrawal.Reason(early with { ValidBefore = Sample.Now.AddHours(4).AddSeconds(1) }, Alice, [], Sample.Roles(Base, Dba), Sample.Nodes(Db1, Web1), LocksInForce.None, SiteLimits.Default));
    }

    private static string? Judge(User? user = null, Role[]? roles = null, Node[]? nodes = null) =>
        Withdrawal.Reason(Issued, user ?? Alice, ImmutableArray.Create(Approved), Sample.Roles(roles ?? [Base, Dba]), Sample.Nodes(nodes ?? [Db1, Web1]), LocksInForce.None, SiteLimits.Default);

    /// <summary>Nodes that can be found by name and not listed.</summary>
    private sealed class LookedUp(IReadOnlyDictionary<string, Node> nodes) : IReadOnlyDictionary<string, Node>
    {
        public List<string> Asked { get; } = [];

        public IEnumerable<string> Keys => throw new NotSupportedException();

        public IEnumerable<Node> Values => throw new NotSupportedException();

        public int Count => throw new NotSupportedException();

        public Node this[string key] => throw new NotSupportedException();

        public bool ContainsKey(string key) => throw new NotSupportedException();

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out Node value)
        {
            Asked.Add(key);
            return nodes.TryGetValue(key, out value);
        }

        public IEnumerator<KeyValuePair<string, Node>> GetEnumerator() => throw new NotSupportedException();

        IEnumerator IEnumerable.GetEnumerator() => throw new NotSupportedException();
    }
}
