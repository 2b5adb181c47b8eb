using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class ResolvingTests
{
    private static readonly Role Contractor = Sample.Role("contractor", mayRequest: ["dba"]);
    private static readonly Role Dba = Sample.Role("dba", logins: ["postgres"]);
    private static readonly Dictionary<string, Role> Roles = Sample.Roles(Contractor, Dba);
    private static readonly User Alice = Sample.User("alice", "contractor");
    private static readonly AccessRequest Pending = Sample.Request(Alice, RequestState.Pending, Dba);
    private static readonly Answerer Root = new(new UnixIdentity(0, "root"), IsRoot: true);
    private static readonly Answerer Bob = new(new UnixIdentity(6001, "bob"), IsRoot: false);
    private static readonly RequestResolution Resolution = new("bob", Sample.Now, "approved for tonight");

    [Fact]
    public void Approval_grants_the_request_and_records_who_and_why()
    {
        var approved = Resolving.Approve(Pending, Alice, Bob, PeopleOf(Alice, Pending), Roles, Resolution, SiteLimits.Default, LocksInForce.None).Granted();
        Assert.Equal(RequestState.Approved, approved.StoredState);
        Assert.Equal(Pending.Roles.AsEnumerable(), approved.GrantedRoles.AsEnumerable());
        Assert.Equal(Pending.Roles, approved.Roles);
        Assert.Equal(Resolution, approved.Resolution);
        Assert.Equal(Pending.AccessUntil, approved.AccessUntil);
    }

    public static readonly TheoryData<string, string, bool> WhoseOwn = new()
    {
        { "who filed it, by uid", "5001:bob", true },
        { "an account of the user, by name", "6001:alice", true },
        { "an account of the user, by uid", "7001:carol", true },
        { "somebody else", "6001:bob", false },
        { "somebody else without an account", "6001:", false },
    };

    private static People PeopleOf(User? requester, AccessRequest request) => People.From(requester is null ? [] : [requester], _ => null).And(request);

    [Theory]
    [MemberData(nameof(WhoseOwn))]
    public void Nobody_can_approve_their_own_request(string who, string identity, bool own)
    {
        var requester = Alice with { UnixUsers = [UnixUser.Account("alice"), UnixUser.TryParse("7001")!.Value] };
        var parts = identity.Split(':');
        var caller = new UnixIdentity(uint.Parse(parts[0]), parts[1].Length == 0 ? null : parts[1]);

        Assert.True(own == Resolving.IsOwn(Pending, PeopleOf(requester, Pending), new Answerer(caller, IsRoot: false)), who);
        var outcome = Resolving.Approve(Pending, requester, new Answerer(caller, IsRoot: false), PeopleOf(requester, Pending), Roles, Resolution, SiteLimits.Default, LocksInForce.None);
        if (own)
            Assert.Equal("nobody approves their own request", outcome.Refused().Message);
        else
            Assert.Equal(RequestState.Approved, outcome.Granted().StoredState);
    }

    public static readonly TheoryData<string, uint?, uint?, bool> ByLogin = new()
    {
        { "logged in as the requester", null, 7001, true },
        { "logged in as who filed it", null, 5001, true },
        { "logged in as the one who once became who filed it", 8001, 8001, true },
        { "it was filed by somebody who had logged in as him", 6001, null, true },
        { "logged in as himself", 8001, 6001, false },
        { "logged in as somebody else", 8001, 8002, false },
        { "nobody knows", null, null, false },
    };

    [Theory]
    [MemberData(nameof(ByLogin))]
    public void Changing_accounts_does_not_change_who_logged_in(string who, uint? creatorLogin, uint? login, bool own)
    {
        var requester = Alice with { UnixUsers = [UnixUser.Account("alice"), UnixUser.TryParse("7001")!.Value] };
        var request = Pending with { CreatorLoginUid = creatorLogin };
        var bob = Bob with { Login = login is { } uid ? new UnixIdentity(uid, null) : null };

        Assert.True(own == Resolving.IsOwn(request, PeopleOf(requester, request), bob), who);
        var outcome = Resolving.Approve(request, requester, bob, PeopleOf(requester, request), Roles, Resolution, SiteLimits.Default, LocksInForce.None);
        Assert.True(own ? outcome.Refused().Message == "nobody approves their own request" : outcome.Granted().StoredState == RequestState.Approved, who);
        // Root may, and knows it for his own.
        var root = Root with { Login = bob.Login };
        Assert.Equal(RequestState.Approved, Resolving.Approve(request, requester, root, PeopleOf(requester, request), Roles, Resolution, SiteLimits.Default, LocksInForce.None).Granted().StoredState);
        if (login is not null)
            Assert.True(own == Resolving.IsOwn(request, PeopleOf(requester, request), root), who);
    }

    [Fact]
    public void Root_can_approve_their_own_request()
    {
        var filedByRoot = Pending with { CreatorUid = 0 };
        Assert.True(Resolving.IsOwn(filedByRoot, PeopleOf(Alice, filedByRoot), Root));
        Assert.Equal(RequestState.Approved, Resolving.Approve(filedByRoot, Alice, Root, PeopleOf(Alice, filedByRoot), Roles, Resolution, SiteLimits.Default, LocksInForce.None).Granted().StoredState);
    }

    [Fact]
    public void Recreated_user_of_the_same_name_is_not_the_requester()
    {
        var another = Alice with { Id = Guid.NewGuid() };
        Assert.False(Resolving.IsOwn(Pending with { CreatorUid = 1 }, PeopleOf(another, Pending with { CreatorUid = 1 }), new Answerer(Sample.AliceAtHerDesk, IsRoot: false)));
        Assert.Equal("user \"alice\", who asked, is gone", Resolving.Approve(Pending, another, Root, PeopleOf(another, Pending), Roles, Resolution, SiteLimits.Default, LocksInForce.None).Refused().Message);
    }

    public static readonly TheoryData<string, string> Refusals = new()
    {
        { "the requester was removed", "user \"alice\", who asked, is gone" },
        { "the role has another spec now", "the role dba changed after this request was made" },
        { "the role was removed and created again", "the role dba changed after this request was made" },
        { "the role is gone", "the role dba changed after this request was made" },
        { "the requester may not ask for it any more", "user \"alice\" can no longer request role \"dba\"" },
        { "the requester is denied it now", "user \"alice\" can no longer request role \"dba\"" },
        { "the reason hides something", "the reason has control or invisible characters" },
        { "the reason is too long", "the reason has 4097 bytes; at most 4096 are kept" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Not_even_root_can_approve_what_is_no_longer_valid(string when, string told)
    {
        var outcome = when switch
        {
            "the requester was removed" => Approve(Alice: null),
            "the role has another spec now" => Approve(Alice, Sample.Roles(Contractor, Dba with { Revision = 2 })),
            "the role was removed and created again" => Approve(Alice, Sample.Roles(Contractor, Dba with { Id = Guid.NewGuid() })),
            "the role is gone" => Approve(Alice, Sample.Roles(Contractor)),
            "the requester may not ask for it any more" => Approve(Alice with { Roles = [] }),
            "the requester is denied it now" => Approve(Alice with { Roles = ["contractor", "never"] }, Sample.Roles(Contractor, Dba, Sample.Role("never", mayNotRequest: ["d*"]))),
            "the reason hides something" => Approve(Alice, reason: "a\u001bb"),
            "the reason is too long" => Approve(Alice, reason: new string('x', 4097)),
            _ => throw new ArgumentOutOfRangeException(nameof(when)),
        };
        Assert.Equal(told, outcome.Refused().Message);

        static Outcome<AccessRequest> Approve(User? Alice, Dictionary<string, Role>? roles = null, string reason = "") =>
            Resolving.Approve(Pending, Alice, Root, PeopleOf(Alice, Pending), roles ?? Roles, Resolution with { Reason = reason }, SiteLimits.Default, LocksInForce.None);
    }

    [Theory]
    [InlineData(RequestState.Approved, "APPROVED")]
    [InlineData(RequestState.Denied, "DENIED")]
    [InlineData(RequestState.Cancelled, "CANCELLED")]
    public void Resolved_request_cannot_be_approved(RequestState state, string met) =>
        Assert.Contains($"is {met};", Resolving.Approve(Sample.Request(Alice, state, Dba), Alice, Root, PeopleOf(Alice, Sample.Request(Alice, state, Dba)), Roles, Resolution, SiteLimits.Default, LocksInForce.None).Refused().Message, StringComparison.Ordinal);

    [Fact]
    public void Request_cannot_be_approved_at_the_end_of_its_wait()
    {
        var late = Resolution with { At = Pending.PendingUntil };
        Assert.Contains("is EXPIRED;", Resolving.Approve(Pending, Alice, Root, PeopleOf(Alice, Pending), Roles, late, SiteLimits.Default, LocksInForce.None).Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ended_request_keeps_its_granted_roles_on_record()
    {
        var approved = Sample.Request(Alice, RequestState.Approved, Dba);
        var step = RequestTransitions.Find(approved, RequestAction.Deny, RequestActor.Administrator, Sample.Now).Granted();
        var denied = Resolving.End(approved, step, Resolution).Granted();
        Assert.Equal(RequestState.Denied, denied.StoredState);
        Assert.Equal(approved.GrantedRoles, denied.GrantedRoles);
        Assert.Equal(Resolution, denied.Resolution);
    }

    [Fact]
    public void Ending_reason_with_invisible_characters_is_rejected()
    {
        var step = RequestTransitions.Find(Pending, RequestAction.Deny, RequestActor.Administrator, Sample.Now).Granted();
        Assert.Equal("the reason has control or invisible characters", Resolving.End(Pending, step, Resolution with { Reason = "\r" }).Refused().Message);
    }
}
