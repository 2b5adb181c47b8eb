using CertAuthority.Access.Facts;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class RequestTableTests : IAsyncLifetime
{
    private static readonly User Alice = World.User("alice");
    private static readonly User Bob = World.User("bob");
    private static readonly AccessRequest First = World.Request(Alice, "bc8ca931-fec9-4b15-9a6f-20c13c5641a9");
    private static readonly AccessRequest Second = World.Request(Alice, "bc8ca932-0000-4000-8000-000000000000");
    private static readonly AccessRequest OfBob = World.Request(Bob, "bc8f0000-0000-4000-8000-000000000000");

    private readonly World world = new();

    [Theory]
    [InlineData("the whole id", "bc8ca931-fec9-4b15-9a6f-20c13c5641a9")]
    [InlineData("the first block", "bc8ca931")]
    [InlineData("a block and its dash", "bc8ca931-")]
    public void Unique_prefix_finds_the_request(string what, string prefix) =>
        Assert.True(First.Id == Find(prefix, Alice.Id).Id, what);

    [Theory]
    [InlineData("bc8ca93")]
    [InlineData("b")]
    public void Ambiguous_prefix_is_rejected(string prefix)
    {
        var problem = Problem(prefix, Alice.Id);
        Assert.Equal((ProblemCode.Invalid, $"several requests start with \"{prefix}\""), (problem.Code, problem.Detail));
    }

    [Theory]
    [InlineData("%")]
    [InlineData("_c8ca931")]
    [InlineData("bc8ca931%")]
    [InlineData("bc8*")]
    [InlineData("")]
    [InlineData("BC8CA931")]
    [InlineData("bc8ca931 ")]
    [InlineData("bc8ca931-fec9-4b15-9a6f-20c13c5641a9a")]
    [InlineData("ffffffff")]
    [InlineData("0")]
    [InlineData("' OR 1=1 --")]
    public void Text_that_starts_no_ID_finds_nothing(string prefix)
    {
        var problem = Problem(prefix, null);
        Assert.Equal((ProblemCode.NotFound, $"there is no request \"{prefix}\""), (problem.Code, problem.Detail));
    }

    [Fact]
    public void Unowned_request_and_a_missing_one_get_the_same_answer()
    {
        var notMine = Problem("bc8f", Alice.Id);
        var nothing = Problem("bc8e", Alice.Id);
        Assert.Equivalent(nothing with { Detail = "" }, notMine with { Detail = "" }, strict: true);
        Assert.Equal(nothing.Detail.Replace("bc8e", "bc8f", StringComparison.Ordinal), notMine.Detail);
        Assert.Equal(OfBob.Id, Find("bc8f", Bob.Id).Id);
    }

    [Fact]
    public void Unowned_request_does_not_make_a_prefix_ambiguous() => Assert.Equal(OfBob.Id, Find("bc8", Bob.Id).Id);

    [Fact]
    public void Administrator_finds_requests_of_all_users()
    {
        Assert.Equal(OfBob.Id, Find("bc8f", null).Id);
        Assert.Equal(ProblemCode.Invalid, Problem("bc8", null).Code);
    }

    [Fact]
    public async Task A_request_reads_back_as_it_was_written()
    {
        Assert.Equal(Show(First), Show(Find("bc8ca931", null)));
        var approved = First with
        {
            StoredState = RequestState.Approved,
            GrantedRoles = First.Roles,
            AccessUntil = First.AccessUntil.AddMinutes(-5),
            Resolution = new RequestResolution("root", World.Now.AddMinutes(1), "for \"tonight\""),
            Terms = First.Terms with { Lasts = TimeSpan.FromMinutes(50), LimitedBy = "role support", Shortened = First.Terms.Shortened.Add("shorter") },
        };
        var written = await world.Database.Commit(transaction => transaction.UpdateRequest(First, approved));
        Assert.Equal(2, written.Revision);
        Assert.Equal(Show(approved with { Revision = 2 }), Show(Find("bc8ca931", null)));
    }

    [Fact]
    public async Task Thresholds_and_reviews_read_back_as_written()
    {
        var filter = Predicate.TryParse("contains(reviewer.roles, \"lead\")", PredicateScope.Filter, out _);
        var filed = World.Request(Alice, "aa000000-0000-4000-8000-000000000000") with
        {
            Thresholds = [new ThresholdSet(First.Roles[0], true, [new ReviewThreshold("leads \"of\" all", filter, 2, 1), ReviewThreshold.One])],
            Annotations = RequestRules.None.Annotations.Add("services", ["billing", "web"]),
            RequesterUids = [5001, 4242],
        };
        Review[] reviews =
        [
            new(Bob.Id, "bob", [6001], ReviewDecision.Approve, ["dba"], "go \"ahead\"", World.Now.AddMinutes(1), World.Now.AddMinutes(30)),
            new(Guid.NewGuid(), "carol", [6002, 6003], ReviewDecision.Deny, [], "", World.Now.AddMinutes(1)),
        ];
        await world.Database.Commit(transaction =>
        {
            transaction.InsertRequest(filed);
            foreach (var review in reviews)
                transaction.InsertReview(filed, Array.IndexOf(reviews, review) + 1, review);
            return true;
        });
        Assert.Equal(Show(filed with { Reviews = [.. reviews] }), Show(Find("aa", null)));
        Assert.Equal(filed.Id, Assert.Single(world.Database.Read(snapshot => snapshot.RequestsReviewedBy(Bob, true, RequestFilter.None, World.Now, 1))).Id);
        Assert.Empty(world.Database.Read(snapshot => snapshot.RequestsReviewedBy(Alice, false, RequestFilter.None, World.Now)));
        Assert.Empty(world.Database.Read(snapshot => snapshot.RequestsReviewedBy(Bob, true, RequestFilter.None, World.Now, 1, RequestPlace.From(filed, RequestOrder.Created, World.Now))));

        // They go with it.
        await world.Database.Commit(transaction =>
        {
            transaction.RemoveRequest(filed);
            return true;
        });
        Assert.Empty(world.Database.Read(snapshot => snapshot.ReviewsOf(filed.Id)));
    }

    [Theory]
    [InlineData("a number twice", 1, true)]
    [InlineData("a user twice", 2, false)]
    public async Task Table_holds_one_review_per_number_and_per_user(string what, int number, bool another)
    {
        var review = new Review(Bob.Id, "bob", [6001], ReviewDecision.Approve, ["dba"], "", World.Now);
        await world.Database.Commit(transaction =>
        {
            transaction.InsertReview(First, 1, review);
            return true;
        });
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => world.Database.Commit(transaction =>
        {
            transaction.InsertReview(First, number, another ? review with { AuthorId = Guid.NewGuid() } : review);
            return what;
        }));
    }

    [Fact]
    public async Task Unset_times_stay_unset()
    {
        var plain = World.Request(Alice, "aa000000-0000-4000-8000-000000000000") with { Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Creation, null, null, []) };
        await world.Database.Commit(transaction =>
        {
            transaction.InsertRequest(plain);
            return true;
        });
        Assert.Equal(Show(plain), Show(Find("aa", null)));
    }

    public static readonly TheoryData<string> Outdated = new("the revision", "the state", "both", "the request itself");

    [Theory]
    [MemberData(nameof(Outdated))]
    public async Task Step_from_an_outdated_state_is_rejected(string what)
    {
        var before = what switch
        {
            "the revision" => First with { Revision = 2 },
            "the state" => First with { StoredState = RequestState.Approved },
            "both" => First with { Revision = 2, StoredState = RequestState.Approved },
            _ => World.Request(Alice),
        };
        var problem = await Assert.ThrowsAsync<ProblemException>(
            () => world.Database.Commit(transaction => transaction.UpdateRequest(before, before with { StoredState = RequestState.Denied })));
        Assert.Equal((ProblemCode.Conflict, $"request {before.Id} was changed meanwhile"), (problem.Problem.Code, problem.Message));
        Assert.Equal(Show(First), Show(Find("bc8ca931", null)));
    }

    [Fact]
    public async Task Second_decision_on_the_same_revision_is_rejected()
    {
        var denied = First with { StoredState = RequestState.Denied };
        var tasks = await world.InOneBatch(
            transaction => $"{transaction.UpdateRequest(First, denied).Revision}",
            transaction => $"{transaction.UpdateRequest(First, denied).Revision}");
        Assert.Equal("2", await (Task<string>)tasks[0]);
        Assert.Equal(ProblemCode.Conflict, (await Assert.ThrowsAsync<ProblemException>(() => tasks[1])).Problem.Code);
    }

    [Fact]
    public void Expired_request_is_not_counted_as_pending()
    {
        Assert.Equal(2, Count(Alice, World.Now));
        Assert.Equal(2, Count(Alice, First.PendingUntil.AddSeconds(-1)));
        Assert.Equal(0, Count(Alice, First.PendingUntil));
        Assert.Equal(1, Count(Bob, World.Now));
        Assert.Equal(0, Count(Bob with { Id = Guid.NewGuid() }, World.Now));
    }

    public async Task InitializeAsync() => await world.Database.Commit(transaction =>
    {
        transaction.InsertRequest(First);
        transaction.InsertRequest(Second);
        transaction.InsertRequest(OfBob);
        return true;
    });

    [Fact]
    public async Task Earlier_requests_are_those_of_the_user_for_the_role()
    {
        AccessRequest At(User user, int days, string role, bool granted = false) => World.Request(user) with
        {
            Created = World.Now.AddDays(-days),
            Roles = [new PinnedRole(Guid.NewGuid(), role, 1)],
            GrantedRoles = granted ? [new PinnedRole(Guid.NewGuid(), role, 1)] : [],
            PendingUntil = World.Now.AddDays(-days).AddHours(1),
            StoredState = granted ? RequestState.Denied : RequestState.Pending,
        };
        AccessRequest[] filed = [At(Alice, 1, "web"), At(Alice, 2, "web", granted: true), At(Alice, 3, "dba"), At(Bob, 1, "web"), At(Alice, 400, "web")];
        await world.Database.Commit(transaction =>
        {
            foreach (var request in filed)
                transaction.InsertRequest(request);
            return true;
        });
        Assert.Equal(
            [
                new EarlierRequest(filed[0].Id, "web", filed[0].Created, RequestState.Expired, WasGranted: false),
                new EarlierRequest(filed[1].Id, "web", filed[1].Created, RequestState.Denied, WasGranted: true),
            ],
            world.Database.Read(snapshot => snapshot.EarlierRequests(First, "web", World.Now.AddDays(-365), World.Now)));
        Assert.DoesNotContain(
            world.Database.Read(snapshot => snapshot.EarlierRequests(filed[0], "web", World.Now.AddDays(-365), World.Now)),
            earlier => earlier.Id == filed[0].Id);
    }

    [Fact]
    public async Task Earlier_requests_end_at_a_hundred()
    {
        await world.Database.Commit(transaction =>
        {
            for (var i = 1; i <= History.Most + 5; i++)
                transaction.InsertRequest(World.Request(Alice) with { Created = World.Now.AddMinutes(-i) });
            return true;
        });
        var earlier = world.Database.Read(snapshot => snapshot.EarlierRequests(First, "dba", World.Now.AddDays(-365), World.Now));
        Assert.Equal(History.Most, earlier.Count);
        Assert.Equal(earlier.OrderByDescending(request => request.Created), earlier);
    }

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static string Show(AccessRequest request) =>
        $"{request with { Roles = [], GrantedRoles = [], SuggestedReviewers = [], Thresholds = [], RequesterUids = [], Reviews = [], Annotations = RequestRules.None.Annotations }} {string.Join(' ', request.Roles)} [{string.Join(' ', request.GrantedRoles)}] {string.Join(' ', request.SuggestedReviewers)} [{string.Join("; ", request.Terms.Shortened)}] "
        + $"{Rows.Json(request.Thresholds)} {Rows.Json(request.Annotations)} {Rows.Json(request.RequesterUids)} {string.Join(' ', request.Reviews.Select(Show))}";

    private static string Show(Review review) => $"{review with { AuthorUids = [], Roles = [] }} {string.Join(',', review.AuthorUids)} {string.Join(',', review.Roles)}";

    private AccessRequest Find(string prefix, Guid? userId) => world.Database.Read(snapshot => snapshot.FindRequest(prefix, userId));

    private Problem Problem(string prefix, Guid? userId) => Assert.Throws<ProblemException>(() => Find(prefix, userId)).Problem;

    private int Count(User user, DateTimeOffset now) => world.Database.Read(snapshot => snapshot.PendingRequestsOf(user.Id, now).Count);
}
