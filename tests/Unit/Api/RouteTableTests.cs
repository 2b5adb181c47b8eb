using CertAuthority.Access.Users;
using CertAuthority.Api;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Api;

public class RouteTableTests
{
    public static readonly TheoryData<string> Every = [.. Routes.All.Select(Name)];

    [Theory]
    [MemberData(nameof(Every))]
    public void Every_route_is_in_the_table_once_with_its_permission(string route) =>
        Assert.NotEqual(Who.Nobody, Assert.Single(RouteTable.Rows, row => Name(row.Route) == route).Who);

    [Fact]
    public void Every_row_is_a_route_that_the_command_lines_know() =>
        Assert.Equal(Routes.All.Select(Name).Order(StringComparer.Ordinal), RouteTable.Rows.Select(row => Name(row.Route)).Order(StringComparer.Ordinal));

    [Fact]
    public void All_lists_every_route() =>
        Assert.Equal(
            typeof(Routes).GetFields().Select(field => field.GetValue(null)).OfType<Route>().Select(Name).Order(StringComparer.Ordinal),
            Routes.All.Select(Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Only_the_CA_public_keys_and_health_are_open_to_anybody() =>
        Assert.Equal(ForAnybody, RouteTable.Rows.Where(row => row.Who == Who.Anybody).Select(row => row.Route));

    [Fact]
    public void Routes_under_my_and_only_those_are_for_users() =>
        Assert.All(
            RouteTable.Rows.Where(row => !ForAnybody.Contains(row.Route)),
            row => Assert.Equal(row.Route.Path.StartsWith("/v1/my/", StringComparison.Ordinal), row.Who == Who.Users));

    private static readonly Route[] ForAnybody = [Routes.GetUserCas, Routes.GetHostCas, Routes.GetLiveness, Routes.GetReadiness];

    /// <summary>What a reader may call, written out: a row that opens to them by mistake is not in these lists.</summary>
    private static readonly Route[] ForMonitors = [Routes.GetStatus, Routes.ListHostsBehind, Routes.GetMetrics, Routes.GetPrometheusMetrics];

    /// <summary>What auditors write: a record of what they did, and nothing that anybody may do.</summary>
    private static readonly Route[] Recorded = [Routes.StartAccessReview, Routes.SignAccessReview];

    private static readonly Route[] ForAuditors =
    [
        .. ForMonitors, Routes.ListRequests, Routes.GetRequest, Routes.ExplainAccess, Routes.ListEntrants, Routes.GetResources, Routes.ListKinds, Routes.ListNodes, Routes.ListJoins, Routes.ListJoinTokens,
        Routes.ListCertificates, Routes.ListAudit, Routes.GetCheckpoint, Routes.GetAuditTile, Routes.GetAuditEntries, Routes.ProveEntry,
        Routes.ListEntrantsEverywhere, Routes.ListAccessReviews, Routes.ListRotations, .. Recorded,
    ];

    [Theory]
    [MemberData(nameof(Every))]
    public async Task Reader_can_call_only_the_listed_reading_routes(string route)
    {
        var row = RouteTable.Rows.Single(one => Name(one.Route) == route);
        var site = Site(new(["admin"], [])) with { Auditors = new(["carol"], ["root"]), Monitors = new(["prometheus"], ["daemon"]) };
        var isForUsers = row.Who is Who.Users or Who.Anybody;
        foreach (var (who, caller, mine) in ((string, Caller, Route[])[])
            [
                ("a named auditor", Of("carol"), ForAuditors), ("a member of the auditors' group", Of("dora") with { Groups = [7, 0] }, ForAuditors),
                ("a named monitor", Of("prometheus"), ForMonitors), ("a member of the monitors' group", Of("dora") with { Groups = [1] }, ForMonitors),
                ("somebody else", Of("dora") with { Groups = [7] }, []), ("an account whose name looks alike", Of("Carol"), []),
            ])
            Assert.True((isForUsers || mine.Contains(row.Route)) == await new Callers(ownUid: 900, site, Names).May(caller, row.Who, Standing.User), $"{who}: {route}");
        // What is open to readers changes nothing, and takes nothing from anybody, but for their record of reviews.
        if (row.Who is Who.Auditors or Who.Monitors)
            Assert.Equal((row.OnlyRecords ? "POST" : "GET", false), (row.Route.Method, row.TakesAway));
        Assert.Equal(Recorded.Contains(row.Route), row.OnlyRecords);
        Assert.True(await new Callers(ownUid: 900, site, Names).May(Of("admin"), row.Who, Standing.User));

        static Caller Of(string account) => new(new UnixIdentity(5001, account), IsRoot: false);
    }

    [Theory]
    [InlineData("carol", nameof(Who.Administrators), "this needs an administrator; you are an auditor")]
    [InlineData("prometheus", nameof(Who.Administrators), "this needs an administrator; you are a monitor")]
    [InlineData("prometheus", nameof(Who.Auditors), "this needs an administrator or an auditor; you are a monitor")]
    [InlineData("alice", nameof(Who.Auditors), "alice is not an administrator")]
    public async Task Refusal_tells_readers_what_they_are(string account, string who, string detail)
    {
        var callers = new Callers(ownUid: 900, Site(NamedAccounts.Nobody) with { Auditors = new(["carol"], []), Monitors = new(["prometheus"], []) }, Names);
        Assert.Equal(detail, (await callers.Refusal(new Caller(new UnixIdentity(5001, account), IsRoot: false), Enum.Parse<Who>(who), Standing.User)).Problem.Detail);
    }

    [Fact]
    public void Only_resource_files_may_be_longer_than_64_KiB() =>
        Assert.Equal([Routes.ApplyResources], RouteTable.Rows.Where(row => row.LargestBody != 64 << 10).Select(row => row.Route));

    [Theory]
    [InlineData("root", 0, "root", true, true, true, true)]
    [InlineData("the daemon's own uid", 900, "certauthority", true, true, true, true)]
    [InlineData("a named administrator", 6001, "bob", false, true, true, true)]
    [InlineData("somebody else", 5001, "alice", false, true, true, false)]
    [InlineData("an account whose name looks alike", 5002, "Bob", false, true, true, false)]
    [InlineData("a uid without an account", 7, null, false, true, true, false)]
    public async Task Each_caller_can_use_only_the_permitted_routes(string who, uint uid, string? account, bool isRoot, bool anybody, bool users, bool administrators)
    {
        var callers = new Callers(ownUid: 900, Site(new(["bob", "certadmin"], [])), Names);
        var caller = new Caller(new UnixIdentity(uid, account), isRoot);
        Assert.True(
            (anybody, users, administrators, false)
                == (await callers.May(caller, Who.Anybody, Standing.User), await callers.May(caller, Who.Users, Standing.User), await callers.May(caller, Who.Administrators, Standing.User), await callers.May(caller, Who.Nobody, Standing.User)),
            who);
        Assert.False(await callers.May(caller, (Who)99, Standing.User));
    }

    // The group root is 0 on every Linux.
    [Theory]
    [InlineData("in the group", "root", 0u, true)]
    [InlineData("in another group", "root", 1u, false)]
    [InlineData("a group that does not exist", "there-is-no-such-group", 0u, false)]
    [InlineData("what unmapped gids read as", "nogroup", 65534u, false)]
    public async Task Member_of_an_administrator_group_is_an_administrator(string who, string group, uint gid, bool may)
    {
        var callers = new Callers(ownUid: 900, Site(new([], [group])), Names);
        Assert.True(may == await callers.May(new Caller(new UnixIdentity(5001, "alice"), IsRoot: false) { Groups = [7, gid] }, Who.Administrators, Standing.User), who);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public async Task Ordinary_caller_can_use_only_public_routes_and_their_own(string route)
    {
        var callers = new Callers(ownUid: 900, Site(NamedAccounts.Nobody), Names);
        var alice = new Caller(new UnixIdentity(5001, "alice"), IsRoot: false);
        var row = RouteTable.Rows.Single(one => Name(one.Route) == route);
        Assert.Equal(route.Contains(" /v1/my/", StringComparison.Ordinal) || row.Who == Who.Anybody, await callers.May(alice, row.Who, Standing.User));
    }

    private static Settings Site(NamedAccounts administrators) => Settings.Default() with { Administrators = administrators };

    private static NameService Names => new(TimeProvider.System, Accounts.NameOf);

    private static string Name(Route route) => $"{route.Method} {route.Path}";
}
