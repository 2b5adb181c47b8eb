using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class RequestUseTests
{
    private static readonly Role Contractor = Sample.Role("contractor", mayRequest: ["dba"]);
    private static readonly Role Dba = Sample.Role("dba", logins: ["postgres"]);
    private static readonly Dictionary<string, Role> Roles = Sample.Roles(Contractor, Dba);
    private static readonly User Alice = Sample.User("alice", "contractor");
    private static readonly AccessRequest Approved = Sample.Request(Alice, RequestState.Approved, Dba);

    [Fact]
    public void An_approved_request_grants_its_roles_as_they_are_now() =>
        Assert.Same(Dba, Assert.Single(RequestUse.Grants(Approved, Alice, Roles, LocksInForce.None, Sample.Now).Granted()));

    [Fact]
    public void Granted_roles_count_and_requested_ones_do_not()
    {
        var support = Sample.Role("db-support");
        var overridden = Approved with { GrantedRoles = [support.Pin()] };
        Assert.Same(support, Assert.Single(RequestUse.Grants(overridden, Alice, Sample.Roles(Contractor, Dba, support), LocksInForce.None, Sample.Now).Granted()));
    }

    public static readonly TheoryData<string, string> Refusals = new()
    {
        { "not answered yet", "request ID is not approved yet" },
        { "denied", "request ID was denied" },
        { "denied with a reason", "request ID was denied: today's migration has been canceled" },
        { "given up", "request ID is CANCELLED" },
        { "nobody answered in time", "request ID is EXPIRED" },
        { "the access is over", "request ID is EXPIRED" },
        { "somebody else's", "request ID does not exist or is not yours" },
        { "of a removed user of that name", "request ID does not exist or is not yours" },
        { "somebody else's, and not answered yet", "request ID does not exist or is not yours" },
        { "the user may not ask for it any more", "user \"alice\" can no longer request role \"dba\"" },
        { "the user is denied it now", "user \"alice\" can no longer request role \"dba\"" },
        { "the role has another spec now", "the role dba changed after this approval; ask again" },
        { "the role was removed and created again", "the role dba changed after this approval; ask again" },
        { "a granted role is gone", "the role gone changed after this approval; ask again" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Every_use_checks_everything_again(string when, string told)
    {
        var (request, user, roles, now) = (Approved, Alice, Roles, Sample.Now);
        switch (when)
        {
            case "not answered yet": request = Sample.Request(Alice, RequestState.Pending, Dba); break;
            case "denied": request = Sample.Request(Alice, RequestState.Denied, Dba); break;
            case "denied with a reason":
                request = Sample.Request(Alice, RequestState.Denied, Dba) with { Resolution = new RequestResolution("root", Sample.Now, "today's migration has been canceled") };
                break;
            case "given up": request = Sample.Request(Alice, RequestState.Cancelled, Dba); break;
            case "nobody answered in time":
                request = Sample.Request(Alice, RequestState.Pending, Dba);
                now = request.PendingUntil;
                break;
            case "the access is over": now = request.AccessUntil; break;
            case "somebody else's": user = Sample.User("bob", "contractor"); break;
            case "of a removed user of that name": user = Alice with { Id = Guid.NewGuid() }; break;
            case "somebody else's, and not answered yet": (request, user) = (Sample.Request(Alice, RequestState.Pending, Dba), Sample.User("bob", "contractor")); break;
            case "the user may not ask for it any more": user = Alice with { Roles = [] }; break;
            case "the user is denied it now":
                (user, roles) = (Alice with { Roles = ["contractor", "never"] }, Sample.Roles(Contractor, Dba, Sample.Role("never", mayNotRequest: ["dba"])));
                break;
            case "the role has another spec now": roles = Sample.Roles(Contractor, Dba with { Revision = 2 }); break;
            case "the role was removed and created again": roles = Sample.Roles(Contractor, Dba with { Id = Guid.NewGuid() }); break;
            case "a granted role is gone": request = Approved with { GrantedRoles = [Dba.Pin(), Sample.Role("gone").Pin()] }; break;
            default: throw new ArgumentOutOfRangeException(nameof(when));
        }
        Assert.Equal(told.Replace("ID", request.Id.ToString(), StringComparison.Ordinal), RequestUse.Grants(request, user, roles, LocksInForce.None, now).Refused().Message);
    }

    [Fact]
    public void Request_cannot_be_used_before_its_start()
    {
        var later = From(Sample.Now.AddMinutes(5));
        var early = RequestUse.Grants(later, Alice, Roles, LocksInForce.None, Sample.Now.AddMinutes(5).AddSeconds(-1)).Refused();
        Assert.Equal(("access request cannot be assumed until 2026-03-01T12:05:00Z", (Remedy)new Remedy.LogInWith(later.Id)), (early.Message, early.Remedy));
        Assert.NotEmpty(RequestUse.Grants(later, Alice, Roles, LocksInForce.None, Sample.Now.AddMinutes(5)).Granted());
    }

    [Theory]
    [InlineData("the latest first", new[] { 9, 5 })]
    [InlineData("the latest last", new[] { 5, 9 })]
    [InlineData("the latest between", new[] { 0, 9, 5 })]
    public void Latest_start_of_several_requests_counts(string order, int[] minutes)
    {
        var question = new IssuanceQuestion(
            Sample.Now, Alice, [.. minutes.Select(minute => From(minute == 0 ? null : Sample.Now.AddMinutes(minute)))], Roles, [], RequestedTtl: null, LiveSessions: 0, SiteLimits.Default)
        { Locks = LocksInForce.None };
        Assert.True("access request cannot be assumed until 2026-03-01T12:09:00Z" == Sample.Decide(question).Refused().Message, order);
    }

    private static AccessRequest From(DateTimeOffset? begins) => Approved with { Id = Guid.NewGuid(), Terms = Approved.Terms with { AssumeFrom = begins } };

    [Fact]
    public void Request_can_be_used_until_its_last_second() =>
        Assert.NotEmpty(RequestUse.Grants(Approved, Alice, Roles, LocksInForce.None, Approved.AccessUntil.AddSeconds(-1)).Granted());
}
