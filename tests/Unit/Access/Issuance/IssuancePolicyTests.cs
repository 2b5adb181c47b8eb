using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class IssuancePolicyTests
{
    private static readonly Role Access = Sample.Role("access", logins: ["alice"], on: LabelSelector.All);
    private static readonly Role Contractor = Sample.Role("contractor", mayRequest: ["dba"]);
    private static readonly Role Dba = Sample.Role("dba", logins: ["postgres"], on: LabelSelector.All, ttl: TimeSpan.FromHours(1));
    private static readonly User Alice = Sample.User("alice", "access", "contractor");

    [Fact]
    public void Base_roles_give_the_regular_certificate()
    {
        var grant = Sample.Decide(Question()).Granted();
        Assert.Equal(["alice"], grant.Principals.Select(principal => principal.ToString()));
        Assert.Equal("alice", grant.KeyId);
        Assert.Equal(["access", "contractor"], grant.Roles.Select(role => role.Name));
        Assert.Empty(grant.Requests);
        Assert.Equal("the site's maximum", grant.Validity.LimitedBy);
        Assert.Equivalent(SessionPermissions.Plain, grant.Permissions, strict: true);
    }

    [Fact]
    public void Approved_request_adds_its_roles_and_its_ID_to_the_key_ID()
    {
        var request = Sample.Request(Alice, RequestState.Approved, Dba);
        var grant = Sample.Decide(Question(request)).Granted();
        Assert.Equal(["alice", "postgres"], grant.Principals.Select(principal => principal.ToString()));
        Assert.Equal($"alice:{request.Id}", grant.KeyId);
        Assert.Equal([Access.Pin(), Contractor.Pin(), Dba.Pin()], grant.Roles.ToArray());
        Assert.Equal([request.Id], grant.Requests.ToArray());
        Assert.Equal($"request {request.Id}", grant.Validity.LimitedBy);
    }

    [Fact]
    public void Five_requests_fit_and_the_key_id_stays_within_256_bytes()
    {
        var user = Sample.User(new string('a', 63), "access", "contractor");
        ImmutableArray<AccessRequest> five = [.. Enumerable.Range(0, 5).Select(_ => Sample.Request(user, RequestState.Approved, Dba))];
        var grant = Sample.Decide(Question() with { User = user, Requests = five }).Granted();
        Assert.Equal($"{user.Name}:{string.Join(',', five.Select(request => request.Id))}", grant.KeyId);
        Assert.InRange(grant.KeyId.Length, 1, 256);
        Assert.Equal(3, grant.Roles.Length);

        Assert.Equal("at most 5 requests fit one certificate", Sample.Decide(Question() with { User = user, Requests = five.Add(five[0]) }).Refused().Message);
    }

    [Fact]
    public void One_failing_request_fails_the_login_and_is_named()
    {
        var (good, bad) = (Sample.Request(Alice, RequestState.Approved, Dba), Sample.Request(Alice, RequestState.Denied, Dba));
        Assert.Equal($"request {bad.Id} was denied", Sample.Decide(Question(good, bad)).Refused().Message);
    }

    [Fact]
    public void Deny_in_a_granted_role_applies_to_base_roles_too()
    {
        var narrow = Sample.Role("dba", logins: ["postgres"], on: LabelSelector.All, denyLogins: ["alice"]);
        var question = Question(Sample.Request(Alice, RequestState.Approved, narrow)) with { Roles = Sample.Roles(Access, Contractor, narrow) };
        Assert.Equal(["postgres"], Sample.Decide(question).Granted().Principals.Select(principal => principal.ToString()));
    }

    [Fact]
    public void Limit_of_a_base_role_binds_the_elevated_certificate_too()
    {
        var strict = Access.Lasting(TimeSpan.FromMinutes(3));
        var question = Question(Sample.Request(Alice, RequestState.Approved, Dba)) with { Roles = Sample.Roles(strict, Contractor, Dba) };
        Assert.Equal("role access", Sample.Decide(question).Granted().Validity.LimitedBy);
    }

    [Fact]
    public void An_assigned_role_that_does_not_exist_refuses_the_login() =>
        Assert.Equal(
            "the role contractor, assigned to user \"alice\", does not exist",
            Sample.Decide(Question() with { Roles = Sample.Roles(Access, Dba) }).Refused().Message);

    [Fact]
    public void Roles_without_a_login_refuse_the_certificate_by_name()
    {
        var refusal = Sample.Decide(Question() with { User = Sample.User("bob", "contractor") }).Refused();
        Assert.Equal("no login is granted to user \"bob\" by the roles in use: contractor", refusal.Message);
        Assert.Equal("dba", Assert.Single(Assert.IsType<Remedy.ChooseRoles>(refusal.Remedy).Roles));
    }

    [Fact]
    public void Without_a_role_no_certificate_is_issued()
    {
        var refusal = Sample.Decide(Question() with { User = Sample.User("bob") }).Refused();
        Assert.Equal("user \"bob\" has no roles, so there is no login to certify", refusal.Message);
        Assert.Null(refusal.Remedy);
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void Certificate_holds_at_most_256_principals(int nodes, bool fits)
    {
        var ops = Sample.Role("ops", logins: ["root"], on: Sample.Where("env=prod"));
        var question = Question() with
        {
            User = Sample.User("alice", "ops"),
            Roles = Sample.Roles(ops),
            Nodes = [.. Enumerable.Range(0, nodes).Select(n => Sample.Node($"n{n}", "env=prod"))],
        };
        var outcome = Sample.Decide(question);
        if (fits)
            Assert.Equal(nodes, outcome.Granted().Principals.Length);
        else
            Assert.Equal("257 logins are left out", outcome.Refused().Message);
    }

    [Fact]
    public void Ttl_beyond_the_site_maximum_refuses_the_login() =>
        Assert.Equal(
            "ttl 31h is more than the site's maximum of 30h", Sample.Decide(Question() with { RequestedTtl = TimeSpan.FromHours(31) }).Refused().Message);

    [Theory]
    [InlineData("one below the limit", 49, 50, null)]
    [InlineData("at the limit", 50, 50, "user \"alice\" has 50 logins with live certificates already; the limit is 50")]
    [InlineData("over a limit that was lowered", 50, 3, "user \"alice\" has 50 logins with live certificates already; the limit is 3")]
    public void User_at_the_live_certificate_limit_gets_no_more(string how, int live, int limit, string? told)
    {
        var outcome = Sample.Decide(Question() with { LiveSessions = live, Limits = SiteLimits.Default with { LiveCertificatesPerUser = limit } });
        Assert.True(told is null == outcome.Holds(out _, out var refusal), how);
        Assert.Equal((told, told is null ? null : RefusalKind.Limited as RefusalKind?), (refusal?.Message, refusal?.Kind));
    }

    [Fact]
    public void Missing_decision_is_a_refusal() => Assert.Equal("no decision was made", default(Outcome<IssuanceGrant>).Refused().Message);

    private static IssuanceQuestion Question(params AccessRequest[] requests) =>
        new(Sample.Now, Alice, [.. requests], Sample.Roles(Access, Contractor, Dba), [], null, 0, SiteLimits.Default) { Locks = LocksInForce.None };
}
