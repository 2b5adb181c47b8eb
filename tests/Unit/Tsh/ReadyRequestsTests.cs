using CertAuthority.Protocol;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

/// <summary>Which approved requests a login is offered with: only what one certificate can carry.</summary>
public class ReadyRequestsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Role_requests_and_node_requests_need_separate_logins() =>
        Assert.Equal(["dba1 ops1 → dba1 ops1", "db1 → db1"], Logins([Request("dba1", "dba", 60), Request("db1", "dba", 60, "node/db1"), Request("ops1", "ops", 60)]));

    [Fact]
    public void Longest_of_several_requests_for_a_role_is_offered() =>
        Assert.Equal(["dba2 → dba2"], Logins([Request("dba1", "dba", 30), Request("dba2", "dba", 60), Request("dba3", "dba", 10)]));

    [Fact]
    public void Requests_in_use_are_kept_where_they_fit()
    {
        RequestResource[] requests = [Request("dba1", "dba", 60), Request("ops1", "ops", 60), Request("db1", "dba", 60, "node/db1")];
        Assert.Equal(["ops1 → dba1 ops1", "db1 → db1"], Logins(requests, "dba1"));
        // One for the same role that ends earlier adds nothing.
        Assert.Empty(Logins([Request("dba1", "dba", 60), Request("dba2", "dba", 30)], "dba1"));
    }

    [Fact]
    public void Request_that_cannot_be_used_now_is_not_offered() =>
        Assert.Empty(Logins([
            Request("a", "dba", 0), Request("b", "dba", 60) is var pending ? pending with { Spec = pending.Spec with { State = "PENDING" } } : null!,
            Request("c", "ops", 60) is var later ? later with { Spec = later.Spec with { AssumeStartTime = Now.AddMinutes(1) } } : null!]));

    [Fact]
    public void Offer_never_exceeds_one_certificate()
    {
        var many = Enumerable.Range(0, 9).Select(n => Request($"r{n}", $"role{n}", 60)).ToArray();
        Assert.Equal(5, ReadyRequests.Logins(many, [], Now).Single().Together.Length);
        Assert.Equal(["r5 → r0 r1 r2 r3 r5"], Logins(many, "r0", "r1", "r2", "r3", "r4"));
    }

    private static string[] Logins(RequestResource[] requests, params string[] inUse) =>
    [
        .. ReadyRequests.Logins(requests, inUse, Now)
            .Select(login => $"{string.Join(' ', login.Ready.Select(request => request.Metadata.Name))} → {string.Join(' ', login.Together)}"),
    ];

    private static RequestResource Request(string id, string role, int minutesLeft, params string[] hosts) => new(
        "access_request", "v3", new RequestMetadata(id, 2),
        new RequestSpec
        {
            User = "alice",
            Roles = [role],
            GrantedRoles = [role],
            State = "APPROVED",
            Created = Now,
            Expires = Now,
            AccessExpires = Now.AddMinutes(minutesLeft),
            AccessLasts = "1h",
            AccessLimitedBy = "role",
            Clock = "creation",
            Shortened = [],
            RequestReason = "",
            ResolveReason = "",
            SuggestedReviewers = [],
            Resources = hosts,
        });
}
