using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What becomes of a review, and why it is not taken.</summary>
public class ReviewingTests
{
    private const string Asked = "a b";

    private static readonly Dictionary<string, Role> Roles = Case.Roles("c1: 2/1", Asked);
    private static readonly AccessRequest Request = Case.File(Roles, Asked);

    [Fact]
    public void Review_below_every_threshold_is_kept_and_decides_nothing()
    {
        var reviewed = Decide(Said("dev1")).Granted();
        Assert.Null(reviewed.Step);
        Assert.Equal(RequestState.Pending, reviewed.Request.StoredState);
        Assert.Null(reviewed.Request.Resolution);
        Assert.Equal(["a", "b"], Assert.Single(reviewed.Request.Reviews).Roles.ToArray());
    }

    [Fact]
    public void Deciding_approval_grants_what_all_approvals_have_in_common()
    {
        var reviewed = Decide(Said("dev2", roles: ["b"], reason: "only b"), earlier: "dev1+a,b").Granted();
        Assert.Equal((RequestState.Approved, RequestState.Approved), (reviewed.Step!.To, reviewed.Request.StoredState));
        Assert.Equal([Roles["b"].Pin()], reviewed.Request.GrantedRoles.ToArray());
        Assert.Equal(new RequestResolution("dev2", Sample.Now, "only b"), reviewed.Request.Resolution);
        Assert.Equal(["a", "b"], reviewed.Request.Roles.Select(role => role.Name));
    }

    [Fact]
    public void Review_that_reaches_the_denial_threshold_denies()
    {
        var reviewed = Decide(Said("dev2", ReviewDecision.Deny, reason: "no"), earlier: "dev1+").Granted();
        Assert.Equal(RequestState.Denied, reviewed.Request.StoredState);
        Assert.Empty(reviewed.Request.GrantedRoles);
        Assert.Equal(new RequestResolution("dev2", Sample.Now, "no"), reviewed.Request.Resolution);
    }

    [Fact]
    public void Approval_does_not_outvote_a_denial_that_counts_again() =>
        Assert.Equal(RequestState.Denied, Decide(Said("dev2"), earlier: "dev1-").Granted().Request.StoredState);

    [Fact]
    public void Granting_less_never_ends_later_and_reports_an_earlier_end()
    {
        var roles = new Dictionary<string, Role>(Roles) { ["b"] = Roles["b"].Lasting(TimeSpan.FromMinutes(20)) };
        var request = Case.File(roles, Asked) is var filed ? filed with { Terms = filed.Terms with { Lasts = TimeSpan.FromHours(1) }, AccessUntil = Sample.Now.AddHours(1) } : throw new InvalidOperationException();
        var until = Decide(Said("dev2", roles: ["b"]), earlier: "dev1+", request: request, roles: roles).Granted().Request;
        Assert.Equal(Sample.Now.AddMinutes(20), until.AccessUntil);
        Assert.Equal("the access lasts 20m instead of 1h, limited by role b", Assert.Single(until.Terms.Shortened));
    }

    [Fact]
    public void Latest_start_time_wins()
    {
        var earlier = Case.Votes(Roles, Request, "dev1+").Select(vote => vote with { Review = vote.Review with { AssumeFrom = Sample.Now.AddMinutes(9) } }).ToList();
        Assert.Equal(Sample.Now.AddMinutes(9), Begins(5));
        Assert.Equal(Sample.Now.AddMinutes(12), Begins(12));

        DateTimeOffset? Begins(int minutes) => Reviewing.Decide(Question(Said("dev2") with { AssumeFrom = Sample.Now.AddMinutes(minutes) }, "", Request, Roles) with { Earlier = earlier })
            .Granted().Request.Terms.AssumeFrom;
    }

    [Fact]
    public void Shortest_limit_of_the_approvals_wins()
    {
        Assert.Equal((20, "the review of dev2"), Ends(30, 20));
        Assert.Equal((30, "the review of dev1"), Ends(30, null));
        Assert.Equal((20, "the review of dev2"), Ends(null, 20));
        Assert.Equal("the site's maximum for certificates", Ends(null, null).By);

        (double Minutes, string By) Ends(int? first, int? second)
        {
            var earlier = Case.Votes(Roles, Request, "dev1+").Select(vote => vote with { Review = vote.Review with { AtMost = Limit(first) } }).ToList();
            var approved = Reviewing.Decide(Question(Said("dev2") with { AtMost = Limit(second) }, "", Request, Roles) with { Earlier = earlier }).Granted().Request;
            return ((approved.AccessUntil - Sample.Now).TotalMinutes, approved.Terms.LimitedBy);
        }

        static TimeSpan? Limit(int? minutes) => minutes is { } some ? TimeSpan.FromMinutes(some) : null;
    }

    [Theory]
    [InlineData("dev1,lead1")]
    [InlineData("nobody", "no user \"nobody\" is known, so nobody of that name is notified; reviewers of it: dev1, lead1")]
    [InlineData("gone1,gone1", "user \"gone1\" cannot review this request; reviewers of it: dev1, lead1")]
    [InlineData("alice,dev1", "nobody reviews their own request; reviewers of it: dev1, lead1")]
    public void Reviewer_who_cannot_review_is_reported_with_those_who_can(string named, params string[] told)
    {
        User[] users = [Case.Alice, .. new[] { "lead1", "dev1", "gone1" }.Select(name => Case.Who(name, Roles).User)];
        Assert.Equal(told, Reviewing.CannotReview(Request, named.Split(','), users, Roles, Sample.Now).ToArray());
    }

    [Fact]
    public void Long_list_of_reviewers_is_shortened()
    {
        var users = Enumerable.Range(1, 7).Select(n => Case.Who($"dev{n}", Roles).User).ToList();
        Assert.EndsWith("; reviewers of it: dev1, dev2, dev3, dev4, dev5 and 2 more", Assert.Single(Reviewing.CannotReview(Request, ["x"], users, Roles, Sample.Now)), StringComparison.Ordinal);
        Assert.EndsWith("; nobody can review it, only an administrator can answer", Assert.Single(Reviewing.CannotReview(Request, ["x"], [], Roles, Sample.Now)), StringComparison.Ordinal);
    }

    public static readonly TheoryData<string, string, string?> Refusals = new()
    {
        { "one's own", "nobody reviews their own request", "somebody else who may review it can" },
        { "one's own under another user", "nobody reviews their own request", "somebody else who may review it can" },
        { "a second time", "user \"dev1\" has already reviewed this request", null },
        { "a second time under another user", "user \"dev1\" has already reviewed this request", "each person reviews once, and \"dev1'\" is the same person" },
        { "without the right", "user \"gone1\" cannot review this request", null },
        { "approved already", "the access request has been already approved", null },
        { "denied already", "the access request has been already denied", null },
        { "cancelled already", "the access request has been already cancelled", null },
        { "too late", "the access request has expired", null },
        { "a role that was not asked for", "role \"c\" was not asked for", "a review grants what was asked for, or less: a, b" },
        { "a denial with roles", "a denial names no roles", null },
        { "a denial with a beginning", "a denial does not say when the access begins", null },
        { "a role changed", "the role a changed after this request was made", "the requester can ask again, and an administrator can look at it" },
        { "a role was created anew", "the role a changed after this request was made", "the requester can ask again, and an administrator can look at it" },
        { "a role is gone", "the role a changed after this request was made", "the requester can ask again, and an administrator can look at it" },
        { "the role with the thresholds changed", "the role c1 changed after this request was made", "the requester can ask again, and an administrator can look at it" },
        { "the requester is gone", "user \"alice\", who asked, is gone", null },
        { "the requester may not ask any more", "user \"alice\" can no longer request role \"a\"", null },
        { "a denial with a limit", "a denial does not say how long the access lasts", null },
        { "for no time", "max_duration must be greater than zero", null },
        { "for longer", "max_duration 30h1s is more than the 30h that the request has; an approval can only shorten it", null },
        { "begins before now", "assume_start_time 2026-03-01T11:59:59Z is over already", null },
        { "begins too far away", "assume_start_time 2026-03-08T12:00:01Z is more than the site's maximum of 7d away", null },
        { "begins when it is over", "assume_start_time 2026-03-02T18:00:00Z is not before the access ends, at 2026-03-02T18:00:00Z", null },
        { "an invisible reason", "the reason has control or invisible characters", "write it as one line of plain text" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Invalid_review_is_rejected(string situation, string told, string? hint)
    {
        var changed = new Dictionary<string, Role>(Roles);
        var question = Question(Said("dev2"), "dev1+", Request, Roles);
        question = situation switch
        {
            "one's own" => question with { By = question.By with { User = Case.Alice } },
            "one's own under another user" => question with { Review = question.Review with { AuthorUids = [77] } },
            "a second time" => question with { By = question.Earlier[0].Author! },
            "a second time under another user" => Question(Said("dev1'"), "dev1+", Request, Roles),
            "without the right" => Question(Said("gone1"), "", Request, Roles),
            "approved already" => question with { Request = Request with { StoredState = RequestState.Approved } },
            "denied already" => question with { Request = Request with { StoredState = RequestState.Denied } },
            "cancelled already" => question with { Request = Request with { StoredState = RequestState.Cancelled } },
            "too late" => question with { Request = Request with { PendingUntil = Sample.Now } },
            "a role that was not asked for" => question with { Review = question.Review with { Roles = ["b", "c"] } },
            "a denial with roles" => question with { Review = question.Review with { Decision = ReviewDecision.Deny, Roles = ["b"] } },
            "a denial with a beginning" => question with { Review = question.Review with { Decision = ReviewDecision.Deny, AssumeFrom = Sample.Now } },
            "a denial with a limit" => question with { Review = question.Review with { Decision = ReviewDecision.Deny, AtMost = TimeSpan.FromHours(1) } },
            "for no time" => question with { Review = question.Review with { AtMost = TimeSpan.Zero } },
            "for longer" => question with { Review = question.Review with { AtMost = Request.Terms.Lasts + TimeSpan.FromSeconds(1) } },
            "a role changed" => Changed("a", role => role with { Revision = 2 }),
            "a role was created anew" => Changed("a", role => role with { Id = Guid.NewGuid() }),
            "a role is gone" => Changed("a", _ => null),
            "the role with the thresholds changed" => Changed("c1", role => role with { Revision = 2 }),
            "the requester is gone" => question with { Requester = null },
            "the requester may not ask any more" => question with { Requester = Case.Alice with { Roles = [] } },
            "begins before now" => question with { Review = question.Review with { AssumeFrom = Sample.Now.AddSeconds(-1) } },
            "begins too far away" => question with { Review = question.Review with { AssumeFrom = Sample.Now.AddDays(7).AddSeconds(1) } },
            "begins when it is over" => question with { Review = question.Review with { AssumeFrom = Request.AccessUntil } },
            "an invisible reason" => question with { Review = question.Review with { Reason = "a\u202eb" } },
            _ => throw new InvalidOperationException(situation),
        };
        var refusal = Reviewing.Decide(question).Refused();
        Assert.Equal((told, hint), (refusal.Message, refusal.Hint));

        ReviewQuestion Changed(string name, Func<Role, Role?> how)
        {
            if (how(changed[name]) is { } role)
                changed[name] = role;
            else
                changed.Remove(name);
            return question with { Roles = changed };
        }
    }

    [Theory]
    [InlineData("a role changed", "a")]
    [InlineData("the role with the thresholds changed", "c1")]
    public void Request_with_a_changed_role_can_still_be_denied(string situation, string name)
    {
        var changed = new Dictionary<string, Role>(Roles) { [name] = Roles[name] with { Revision = 2 } };
        Assert.True(Reviewing.Decide(Question(Said("dev1", ReviewDecision.Deny), "", Request, changed)).Granted().Request.StoredState == RequestState.Denied, situation);
    }

    [Theory]
    [InlineData("who may and has not", "dev2", "dev1+", true)]
    [InlineData("who has", "dev1", "dev1+", false)]
    [InlineData("who has under another user", "dev1'", "dev1+", false)]
    [InlineData("who may not", "gone1", "", false)]
    [InlineData("the requester under another user", "self", "", false)]
    public void Request_awaits_those_who_can_still_review(string situation, string who, string earlier, bool awaited)
    {
        var question = Question(Said(who), earlier, Request, Roles);
        Assert.True(awaited == Reviewing.IsAwaited(question, Sample.Now), situation);
        Assert.False(Reviewing.IsAwaited(question, Request.PendingUntil), situation + ", when it is over");
        Assert.Equal(awaited, Reviewing.Decide(question).Holds(out _, out _));
    }

    private static Review Said(string who, ReviewDecision decision = ReviewDecision.Approve, string[]? roles = null, string reason = "") =>
        new(Guid.Empty, who, [], decision, [.. roles ?? []], reason, Sample.Now);

    private static Outcome<Reviewed> Decide(Review review, string earlier = "", AccessRequest? request = null, Dictionary<string, Role>? roles = null) =>
        Reviewing.Decide(Question(review, earlier, request ?? Request, roles ?? Roles));

    private static ReviewQuestion Question(Review said, string earlier, AccessRequest request, Dictionary<string, Role> roles)
    {
        var by = Case.Votes(roles, request, said.AuthorName + "+").Single().Author!;
        var review = said with { AuthorId = by.User.Id, AuthorUids = Case.Votes(roles, request, said.AuthorName + "+").Single().Review.AuthorUids };
        var votes = Case.Votes(roles, request, earlier).ToList();
        return new ReviewQuestion(
            request, Case.Alice with { Roles = [.. Case.Alice.Roles.Where(roles.ContainsKey)] }, by, votes, review, roles, SiteLimits.Default)
        { Locks = LocksInForce.None, People = Case.People(votes) };
    }
}
