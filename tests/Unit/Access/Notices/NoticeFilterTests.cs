using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;

namespace CertAuthority.Tests.Unit.Access.Notices;

public class NoticeFilterTests
{
    // The request asks for dba and prod-web, and prod-root is granted.
    [Theory]
    [InlineData("everything", "", "", true)]
    [InlineData("its event", "request.denied,request.approved", "", true)]
    [InlineData("another event", "request.denied", "", false)]
    [InlineData("a role by name", "", "dba", true)]
    [InlineData("one of several roles", "", "nothing,prod-web", true)]
    [InlineData("a role that was granted", "", "prod-root", true)]
    [InlineData("a role by glob", "", "prod-*", true)]
    [InlineData("a role by expression", "", "^(dba|web)$", true)]
    [InlineData("an expression that fits a part", "", "^prod$", false)]
    [InlineData("a name is no prefix", "", "db", false)]
    [InlineData("no role of it", "", "stage-*", false)]
    [InlineData("its event, and no role of it", "request.approved", "stage-*", false)]
    [InlineData("a role of it, and another event", "request.denied", "dba", false)]
    public void Filter_passes_requests_that_match_event_and_roles(string what, string events, string roles, bool lets)
    {
        var request = Sample.Request(Sample.User("alice"), RequestState.Approved, Sample.Role("dba"), Sample.Role("prod-web")) with { GrantedRoles = [Sample.Role("prod-root").Pin()] };
        var filter = new NoticeFilter([.. Words(events)], Sample.Patterns(Words(roles)));
        Assert.True(lets == filter.Lets(NoticeEvents.Approved, request), what);
    }

    [Theory]
    [InlineData("everything", "", "", true)]
    [InlineData("its event", "request.denied,hosts.stale", "", true)]
    [InlineData("another event of hosts", "hosts.fresh", "", false)]
    [InlineData("events of requests", "request.denied,request.approved", "", false)]
    [InlineData("certain roles", "", "dba", false)]
    [InlineData("any name of a role", "", "*", false)]
    [InlineData("its event, and certain roles", "hosts.stale", "dba", false)]
    public void Filter_passes_host_events_only_without_roles(string what, string events, string roles, bool lets) =>
        Assert.True(lets == new NoticeFilter([.. Words(events)], Sample.Patterns(Words(roles))).LetsOfSite(NoticeEvents.Stale), what);

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);
}
