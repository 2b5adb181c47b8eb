using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class RequestingTests
{
    private static readonly Role Contractor = Sample.Role("contractor", mayRequest: ["dba"]);
    private static readonly Role Dba = Sample.Role("dba", logins: ["postgres"], ttl: TimeSpan.FromHours(1));
    private static readonly Role Auditor = Sample.Role("auditor", logins: ["audit"]);

    [Theory]
    [InlineData("nothing allowed", new string[0], new string[0], "dba", false)]
    [InlineData("allowed by name", new[] { "dba" }, new string[0], "dba", true)]
    [InlineData("another is allowed", new[] { "dbb" }, new string[0], "dba", false)]
    [InlineData("allowed by glob", new[] { "db*" }, new string[0], "dba", true)]
    [InlineData("allowed by expression", new[] { "^db[a-c]$" }, new string[0], "dba", true)]
    [InlineData("allowed and denied", new[] { "dba" }, new[] { "dba" }, "dba", false)]
    [InlineData("allowed, denied by glob", new[] { "dba" }, new[] { "d*" }, "dba", false)]
    [InlineData("all but one", new[] { "*" }, new[] { "root-*" }, "root-prod", false)]
    [InlineData("all but another", new[] { "*" }, new[] { "root-*" }, "dba", true)]
    [InlineData("denied only", new string[0], new[] { "dba" }, "dba", false)]
    public void Role_is_requestable_if_an_allow_names_it_and_no_deny_does(string situation, string[] allow, string[] deny, string role, bool may)
    {
        Assert.True(may == RequestRights.MayRequest([Sample.Role("one", mayRequest: allow, mayNotRequest: deny)], role, RequestKind.Roles), situation);
        Assert.True(may == RequestRights.MayRequest([Sample.Role("one", mayRequest: allow), Sample.Role("other", mayNotRequest: deny)], role, RequestKind.Roles), situation + ", across roles");
        Assert.True(may == RequestRights.MayRequest([Sample.Role("other", mayNotRequest: deny), Sample.Role("one", mayRequest: allow)], role, RequestKind.Roles), situation + ", deny first");
    }

    [Fact]
    public void Request_pins_its_roles_and_starts_pending()
    {
        var question = Question(["dba"]) with { CreatorUid = 5001, Reason = "migration", SuggestedReviewers = ["bob", "bob", "carol"] };
        var request = Requesting.File(question).Granted();
        Assert.Equal(RequestState.Pending, request.StoredState);
        Assert.Equal([Dba.Pin()], request.Roles.ToArray());
        Assert.Empty(request.GrantedRoles);
        Assert.Equal((question.Id, 1, question.User.Id, "alice", 5001u), (request.Id, request.Revision, request.UserId, request.UserName, request.CreatorUid));
        Assert.Equal(["bob", "carol"], request.SuggestedReviewers.ToArray());
        Assert.Equal("migration", request.Reason);
        Assert.Null(request.Resolution);
    }

    [Fact]
    public void Roles_are_sorted_and_listed_once()
    {
        var asked = Requesting.File(Question(["dba", "auditor", "dba"], mayRequest: ["*"])).Granted();
        Assert.Equal(["auditor", "dba"], asked.Roles.Select(role => role.Name));
    }

    [Fact]
    public void Forbidden_and_unknown_roles_get_one_answer_with_a_hint()
    {
        var forbidden = Requesting.File(Question(["auditor"])).Refused();
        Assert.Equal("user \"alice\" cannot request role \"auditor\"", forbidden.Message);
        Assert.Equal("dba", Assert.Single(Assert.IsType<Remedy.ChooseRoles>(forbidden.Remedy).Roles));

        var withoutIt = Question(["auditor"]);
        var unknown = Requesting.File(withoutIt with { Roles = withoutIt.Roles.Where(role => role.Key != "auditor").ToDictionary() }).Refused();
        Assert.Equivalent(forbidden, unknown, strict: true);
    }

    [Fact]
    public void One_forbidden_role_rejects_the_whole_request() =>
        Assert.Equal("user \"alice\" cannot request role \"auditor\"", Requesting.File(Question(["auditor", "dba"])).Refused().Message);

    [Fact]
    public void Pattern_cannot_be_requested_as_a_role() =>
        Assert.Equal("user \"alice\" cannot request role \"db*\"", Requesting.File(Question(["db*"], mayRequest: ["*"])).Refused().Message);

    [Fact]
    public void Hint_says_that_no_role_can_be_requested() =>
        Assert.Equal("no role of yours lets you request another", Requesting.File(Question(["dba"], mayRequest: [])).Refused().Hint);

    [Fact]
    public void Star_requests_every_requestable_role_not_already_held()
    {
        var request = Requesting.File(Question(["*"], mayRequest: ["*"])).Granted();
        Assert.Equal(["auditor", "dba"], request.Roles.Select(role => role.Name));
    }

    [Fact]
    public void Star_requests_no_denied_role()
    {
        var request = Requesting.File(Question(["*"], mayRequest: ["*"], mayNotRequest: ["dba"])).Granted();
        Assert.Equal(["auditor"], request.Roles.Select(role => role.Name));
    }

    [Fact]
    public void Star_that_matches_nothing_is_rejected() =>
        Assert.Equal("a request names at least one role or resource", Requesting.File(Question(["*"], mayRequest: ["contractor"])).Refused().Message);

    [Fact]
    public void Star_cannot_be_combined_with_role_names() =>
        Assert.Equal("\"*\" asks for every role and stands alone", Requesting.File(Question(["*", "dba"])).Refused().Message);

    [Fact]
    public void A_request_for_no_role_is_refused() =>
        Assert.Equal("a request names at least one role or resource", Requesting.File(Question([])).Refused().Message);

    [Fact]
    public void Role_gained_by_a_request_cannot_request_more()
    {
        // Only user.Roles counts; the elevated role is in nobody's list.
        var elevated = Sample.Role("dba", mayRequest: ["auditor"]);
        var question = Question(["auditor"]);
        Assert.Equal("dba", Assert.Single(Assert.IsType<Remedy.ChooseRoles>(Requesting.File(question with { Roles = Sample.Roles(Contractor, elevated, Auditor) }).Refused().Remedy).Roles));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(24, true)]
    [InlineData(25, false)]
    [InlineData(26, false)]
    public void At_most_25_requests_can_be_pending(int pending, bool one_more) =>
        Assert.Equal(one_more, Requesting.File(Question(["dba"]) with { PendingRequests = Pending(pending) }).Holds(out _, out _));

    [Fact]
    public void Request_for_the_same_is_filed_again_only_by_force()
    {
        var question = Question(["dba"]);
        var pending = Sample.Request(question.User, RequestState.Pending, question.Roles["dba"]);
        var refused = Requesting.File(question with { PendingRequests = [pending] }).Refused();
        Assert.Equal($"request {pending.Id} asks for the same and is pending", refused.Message);
        Assert.Equal(new Remedy.WaitForSame(pending.Id), refused.Remedy);
        Requesting.File(question with { PendingRequests = [pending], Force = true }).Granted();
        // No reviewer can approve it any more.
        Requesting.File(question with { PendingRequests = [pending with { Roles = [pending.Roles[0] with { Revision = 7 }] }] }).Granted();
        Requesting.File(question with { PendingRequests = [pending with { Resources = [new PinnedNode(Guid.NewGuid(), "db1")] }] }).Granted();
        Requesting.File(question with { PendingRequests = [pending with { Roles = [Dba.Pin(), Auditor.Pin()] }] }).Granted();
    }

    [Theory]
    [InlineData(29, 299, null)]
    [InlineData(30, 30, "30 requests of yours were filed within a minute; that is the limit")]
    [InlineData(0, 300, "300 requests of yours were filed within a day; that is the limit")]
    public void Filing_is_limited_per_minute_and_per_day(int minute, int day, string? told) =>
        Assert.Equal(told, Requesting.File(Question(["dba"]) with { Filed = (minute, day) }).Holds(out _, out var refusal) ? null : refusal!.Message);

    [Fact]
    public void Reason_with_invisible_characters_is_rejected() =>
        Assert.Equal("the reason has control or invisible characters", Requesting.File(Question(["dba"]) with { Reason = "ok\u202e" }).Refused().Message);

    [Fact]
    public void A_reason_that_is_too_long_is_refused() =>
        Assert.Equal("the reason has 4097 bytes; at most 4096 are kept", Requesting.File(Question(["dba"]) with { Reason = new string('x', 4097) }).Refused().Message);

    [Fact]
    public void Reviewer_with_an_impossible_name_is_rejected() =>
        Assert.Equal("\"b o b\" cannot be the name of a reviewer", Requesting.File(Question(["dba"]) with { SuggestedReviewers = ["alice", "b o b"] }).Refused().Message);

    [Fact]
    public void At_most_100_reviewers_can_be_suggested()
    {
        string[] hundred = [.. Enumerable.Range(0, 100).Select(n => $"r{n}")];
        Assert.Equal(hundred, Requesting.File(Question(["dba"]) with { SuggestedReviewers = [.. hundred] }).Granted().SuggestedReviewers.ToArray());
        Assert.Equal("at most 100 reviewers can be suggested", Requesting.File(Question(["dba"]) with { SuggestedReviewers = [.. hundred, "r100"] }).Refused().Message);
    }

    [Theory]
    [InlineData("the role's hour", 3600, 3600, 3600)]
    [InlineData("no limit of the role: the site's", null, 108000, 108000)]
    [InlineData("a role beyond the site", 360000, 108000, 108000)]
    public void Access_and_wait_both_end_at_the_shortest_limit(string situation, int? roleSeconds, int access, int pending)
    {
        var dba = Dba.Lasting(roleSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        var request = Requesting.File(Question(["dba"]) with { Roles = Sample.Roles(Contractor, dba) }).Granted();
        Assert.True(Sample.Now.AddSeconds(access) == request.AccessUntil, situation);
        Assert.True(Sample.Now.AddSeconds(pending) == request.PendingUntil, situation);
    }

    [Fact]
    public void Strictest_of_several_roles_ends_the_access()
    {
        var roles = Sample.Roles(Sample.Role("contractor", mayRequest: ["*"]), Dba, Sample.Role("short", ttl: TimeSpan.FromMinutes(5)));
        Assert.Equal(Sample.Now.AddMinutes(5), Requesting.File(Question(["dba", "short"]) with { Roles = roles }).Granted().AccessUntil);
    }

    [Fact]
    public void Request_waits_no_longer_than_the_site_allows()
    {
        var limits = SiteLimits.Default with { PendingRequest = TimeSpan.FromMinutes(10) };
        var request = Requesting.File(Question(["dba"]) with { Limits = limits }).Granted();
        Assert.Equal(Sample.Now.AddMinutes(10), request.PendingUntil);
        Assert.Equal(Sample.Now.AddHours(1), request.AccessUntil);
    }

    [Fact]
    public void Each_role_that_allows_the_request_adds_its_thresholds()
    {
        var thresholds = new ReviewThreshold("two", null, 2, 1);
        var roles = Sample.Roles(
            Rules(Sample.Role("contractor", mayRequest: ["dba"]), RequestRules.None with { Thresholds = [thresholds], RequireAll = true }),
            Rules(Sample.Role("other", mayRequest: ["auditor"]), RequestRules.None with { Thresholds = [thresholds] }),
            Sample.Role("plain", mayRequest: ["d*"]), Dba, Auditor);
        var request = Requesting.File(Question(["dba"]) with { Roles = roles, User = Sample.User("alice", "plain", "other", "contractor"), UserUids = [7, 8], CreatorUid = 7, CreatorLoginUid = 9 }).Granted();
        Assert.Equal(
            [(roles["contractor"].Pin(), true, thresholds), (roles["plain"].Pin(), false, ReviewThreshold.One)],
            request.Thresholds.Select(set => (set.By, set.RequireAll, Assert.Single(set.Thresholds))));
        Assert.Equal(new Uid[] { 7, 8, 9 }, request.RequesterUids.OrderBy(uid => uid.Stored));
    }

    [Fact]
    public void Annotations_come_from_the_roles_that_allow_the_request()
    {
        var roles = Sample.Roles(
            Rules(Sample.Role("contractor", mayRequest: ["dba"]), RequestRules.None with { Annotations = RequestRules.None.Annotations.Add("a", ["1", "2"]) }),
            Rules(Sample.Role("plain", mayRequest: ["d*"]), RequestRules.None with { Annotations = RequestRules.None.Annotations.Add("a", ["2", "3"]).Add("b", ["4"]) }),
            Rules(Sample.Role("other", mayRequest: ["auditor"]), RequestRules.None with { Annotations = RequestRules.None.Annotations.Add("c", ["5"]) }), Dba, Auditor);
        var request = Requesting.File(Question(["dba"]) with { Roles = roles, User = Sample.User("alice", "contractor", "plain", "other") }).Granted();
        Assert.Equal(["a=1,2,3", "b=4"], request.Annotations.Select(one => $"{one.Key}={string.Join(',', one.Value)}"));
    }

    [Fact]
    public void Request_without_reviewers_suggests_those_of_its_roles()
    {
        var roles = Sample.Roles(
            Rules(Contractor, RequestRules.None with { SuggestedReviewers = ["bob", "carol"] }), Rules(Sample.Role("other"), RequestRules.None with { SuggestedReviewers = ["bob", "dave"] }), Dba);
        var question = Question(["dba"]) with { Roles = roles, User = Sample.User("alice", "contractor", "other") };
        Assert.Equal(["bob", "carol", "dave"], Requesting.File(question).Granted().SuggestedReviewers.ToArray());
        Assert.Equal(["erin"], Requesting.File(question with { SuggestedReviewers = ["erin"] }).Granted().SuggestedReviewers.ToArray());
    }

    [Theory]
    [InlineData("no role wants a reason", false, RequestAccess.Optional, "dba", null)]
    [InlineData("the role that lets him ask wants one", true, RequestAccess.Optional, "dba", "whoever asks for role \"dba\" gives a reason")]
    [InlineData("another role is asked for", true, RequestAccess.Optional, "auditor", null)]
    [InlineData("a role of his wants one for everything", false, RequestAccess.Reason, "auditor", "whoever holds role \"contractor\" gives a reason")]
    [InlineData("a role of his asks always", false, RequestAccess.Always, "dba", null)]
    public void Reason_is_required_if_a_role_requires_one(string situation, bool required, RequestAccess access, string asked, string? told)
    {
        var contractor = Rules(Sample.Role("contractor", mayRequest: ["dba"]), RequestRules.None with { ReasonRequired = required, ReasonPrompt = "which ticket?" });
        contractor = contractor with { Options = contractor.Options with { RequestAccess = access, RequestPrompt = "your shift?" } };
        var question = Question([asked]) with { Roles = Sample.Roles(contractor, Sample.Role("other", mayRequest: ["auditor"]), Dba, Auditor), User = Sample.User("alice", "contractor", "other") };

        Assert.Equal("TICKET-7", Requesting.File(question with { Reason = "TICKET-7" }).Granted().Reason);
        // What would be filed can be looked at first.
        Assert.Equal(told, Requesting.Draft(question).Granted().ReasonRequired?.Message);
        foreach (var blank in (string[])["", "  "])
            if (told is null)
                Requesting.File(question with { Reason = blank }).Granted();
            else
                Assert.True((told, RefusalKind.Invalid) == (Requesting.File(question with { Reason = blank }).Refused() is var refusal ? (refusal.Message, refusal.Kind) : default), situation);
    }

    [Theory]
    [InlineData("one says always", new[] { RequestAccess.Optional, RequestAccess.Always }, new[] { "dba" }, RequestAccess.Always)]
    [InlineData("one wants a reason", new[] { RequestAccess.Reason, RequestAccess.Always }, new[] { "dba" }, RequestAccess.Reason)]
    [InlineData("none says so", new[] { RequestAccess.Optional, RequestAccess.Optional }, new[] { "dba" }, RequestAccess.Optional)]
    [InlineData("there is nothing to ask for", new[] { RequestAccess.Always, RequestAccess.Optional }, new string[0], RequestAccess.Optional)]
    [InlineData("what can be asked for is held", new[] { RequestAccess.Always, RequestAccess.Optional }, new[] { "r1" }, RequestAccess.Optional)]
    public void Login_files_a_request_if_a_role_says_so(string situation, RequestAccess[] access, string[] mayRequest, RequestAccess does)
    {
        var roles = Sample.Roles([.. access.Select((one, i) => Sample.Role($"r{i}", mayRequest: mayRequest) is var role ? role with { Options = role.Options with { RequestAccess = one } } : role), Dba]);
        Assert.True(does == RequestRights.AccessOf(Sample.User("alice", "r0", "r1"), roles, Sample.Now), situation);
    }

    // For another role, so that none of them asks for the same.
    private static AccessRequest[] Pending(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Sample.Request(Sample.User("alice"), RequestState.Pending, Auditor))];

    private static Role Rules(Role role, RequestRules rules) => role with { Allow = role.Allow with { Asking = rules } };

    private static RequestQuestion Question(string[] roles, string[]? mayRequest = null, string[]? mayNotRequest = null)
    {
        var contractor = mayRequest is null ? Contractor : Sample.Role("contractor", mayRequest: mayRequest, mayNotRequest: mayNotRequest);
        return new RequestQuestion(
            Guid.NewGuid(), Sample.Now, Sample.User("alice", "contractor"), 5001, [.. roles], "", [], Sample.Roles(contractor, Dba, Auditor), [], SiteLimits.Default)
        { Locks = LocksInForce.None };
    }
}
