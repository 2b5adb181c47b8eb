using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class LifetimeTests
{
    private static readonly SiteLimits Site = SiteLimits.Default;
    private static readonly Role Unlimited = Sample.Role("base");
    private static readonly Role Hour = Sample.Role("dba", ttl: TimeSpan.FromHours(1));
    private static readonly Role TwoHours = Sample.Role("support", ttl: TimeSpan.FromHours(2));
    private static readonly AccessRequest FiftyMinutes = Sample.Request(Sample.User("alice"), RequestState.Approved);
    private static readonly AccessRequest TenMinutes = FiftyMinutes with { Id = Guid.NewGuid(), AccessUntil = Sample.Now.AddMinutes(10) };

    public static readonly TheoryData<string> Situations = [.. Table.Keys];

    private static Dictionary<string, (Role[] Roles, AccessRequest[] Requests, TimeSpan? RequestedTtl, TimeSpan Lasts, string Rule)> Table => new()
    {
        ["nothing says anything: the site"] = ([Unlimited], [], null, TimeSpan.FromHours(30), "the site's maximum"),
        ["the wish is the shortest"] = ([Hour], [FiftyMinutes], TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5), "the requested ttl"),
        ["the role shortens the wish"] = ([Unlimited, Hour], [], TimeSpan.FromHours(8), TimeSpan.FromHours(1), "role dba"),
        ["the strictest of the roles"] = ([TwoHours, Hour], [], null, TimeSpan.FromHours(1), "role dba"),
        ["the strictest of the roles, wherever it stands"] = ([Hour, TwoHours], [], null, TimeSpan.FromHours(1), "role dba"),
        ["the request ends first"] = ([Hour], [FiftyMinutes], null, TimeSpan.FromMinutes(50), $"request {FiftyMinutes.Id}"),
        ["the earliest of the requests"] = ([Hour], [FiftyMinutes, TenMinutes], null, TimeSpan.FromMinutes(10), $"request {TenMinutes.Id}"),
        ["a role beyond the site"] = ([Sample.Role("long", ttl: TimeSpan.FromDays(365))], [], null, TimeSpan.FromHours(30), "the site's maximum"),
        ["a wish of exactly the site's maximum"] = ([Unlimited], [], TimeSpan.FromHours(30), TimeSpan.FromHours(30), "the requested ttl"),
        ["a wish of one second"] = ([Hour], [], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), "the requested ttl"),
        ["the request's session"] = ([Hour], [FiftyMinutes with { Terms = FiftyMinutes.Terms with { SessionTtl = TimeSpan.FromMinutes(9) } }], null, TimeSpan.FromMinutes(9), $"the session ttl of request {FiftyMinutes.Id}"),
        ["the shortest session of the requests"] = (
            [Hour],
            [FiftyMinutes with { Terms = FiftyMinutes.Terms with { SessionTtl = TimeSpan.FromMinutes(9) } }, TenMinutes with { Terms = TenMinutes.Terms with { SessionTtl = TimeSpan.FromMinutes(8) } }],
            null, TimeSpan.FromMinutes(8), $"the session ttl of request {TenMinutes.Id}"),
        ["the role that shortened the request's session"] = (
            [Sample.Role("brief", ttl: TimeSpan.FromMinutes(9))], [FiftyMinutes with { Terms = FiftyMinutes.Terms with { SessionTtl = TimeSpan.FromMinutes(9) } }],
            null, TimeSpan.FromMinutes(9), "role brief"),
        ["no role at all"] = ([], [], null, TimeSpan.FromHours(30), "the site's maximum"),
    };

    [Theory]
    [MemberData(nameof(Situations))]
    public void The_shortest_limit_decides_and_is_named(string situation)
    {
        var (roles, requests, wish, lasts, rule) = Table[situation];
        var validity = Lifetime.Decide(Sample.Now, roles, requests, wish, Site).Granted();
        Assert.Equal(Sample.Now + lasts, validity.Before);
        Assert.Equal(rule, validity.LimitedBy);
        Assert.Equal(Sample.Now.AddSeconds(-60), validity.After);
    }

    [Theory]
    [InlineData("more than the site allows", 108001, "ttl 30h1s is more than the site's maximum of 30h")]
    [InlineData("far more than the site allows", 3153600000, "ttl 36500d is more than the site's maximum of 30h")]
    [InlineData("nothing", 0, "ttl must be greater than zero")]
    [InlineData("less than nothing", -1, "ttl must be greater than zero")]
    public void Unreasonable_ttl_is_rejected(string wish, long seconds, string told) =>
        Assert.True(told == Lifetime.Decide(Sample.Now, [Hour], [], TimeSpan.FromSeconds(seconds), Site).Refused().Message, wish);

    [Fact]
    public void Expired_request_leaves_no_time()
    {
        var over = FiftyMinutes with { AccessUntil = Sample.Now };
        Assert.Equal($"no time is left under request {over.Id}", Lifetime.Decide(Sample.Now, [Hour], [over], null, Site).Refused().Message);
    }
}
