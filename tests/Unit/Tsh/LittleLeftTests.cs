using CertAuthority.Protocol;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public class LittleLeftTests
{
    private const string Id = "bc8ca931-fec9-4b15-9a6f-20c13c5641a9";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("a long one, ten minutes before its end", 600, 600, null)]
    [InlineData("a long one, a second later", 600, 599, "your certificate ends in 10m → tsh login")]
    [InlineData("a short one, a tenth before its end", 10, 60, null)]
    [InlineData("a short one, a second later", 10, 59, "your certificate ends in 59s → tsh login")]
    [InlineData("one that is over", 10, 0, null)]
    public void Certificate_near_its_end_gives_a_warning(string which, int minutes, int secondsLeft, string? said) =>
        Assert.True(said == Said(Certificate(minutes, secondsLeft), []), which);

    [Fact]
    public void Warning_renews_a_certificate_with_its_requests() =>
        Assert.Equal($"your certificate ends in 59s → tsh login --request-id={Id}", Said(Certificate(10, 59, Id), [Request(60, 3000)]));

    [Fact]
    public void Ending_request_is_warned_of_instead_of_its_certificate() =>
        Assert.Equal($"request {Id} (dba, ops) ends in 59s → tsh request create --roles=dba,ops", Said(Certificate(10, 59, Id), [Request(60, 59)]));

    [Fact]
    public void Warning_requests_nodes_again_by_their_names() =>
        Assert.Equal(
            $"request {Id} (dba, ops) ends in 59s → tsh request create --resource=node/db1,node/db2",
            Said(Certificate(10, 59, Id), [Request(60, 59) is var request ? request with { Spec = request.Spec with { Resources = ["node/db1", "node/db2"] } } : null!]));

    [Fact]
    public void Request_that_is_not_in_use_gives_no_warning() => Assert.Null(Said(Certificate(600, 3000), [Request(60, 59)]));

    private static string? Said(CertificateInfo certificate, RequestResource[] requests) =>
        LittleLeft.Of(certificate, requests, Now).Select(said => $"{said.Warning} → {said.Command}").SingleOrDefault();

    private static CertificateInfo Certificate(int minutes, int secondsLeft, params string[] requests)
    {
        var end = Now.AddSeconds(secondsLeft);
        return new CertificateInfo
        {
            Serial = "1",
            User = "alice",
            KeyId = "alice",
            Roles = [],
            Requests = requests,
            Principals = ["postgres"],
            ValidAfter = end.AddMinutes(-minutes),
            ValidBefore = end,
            LimitedBy = "",
            Revoked = false,
        };
    }

    private static RequestResource Request(int minutes, int secondsLeft)
    {
        var end = Now.AddSeconds(secondsLeft);
        var created = end.AddMinutes(-minutes);
        return new RequestResource(
            "access_request", "v3", new RequestMetadata(Id, 2),
            new RequestSpec
            {
                User = "alice",
                Roles = ["dba"],
                GrantedRoles = ["dba", "ops"],
                State = "APPROVED",
                Created = created,
                Expires = created,
                AccessExpires = end,
                AccessLasts = "1h",
                AccessLimitedBy = "role dba",
                Clock = "creation",
                Shortened = [],
                RequestReason = "",
                ResolveReason = "",
                SuggestedReviewers = [],
            });
    }
}
