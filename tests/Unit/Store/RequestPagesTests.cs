using System.Collections.Immutable;
using System.Text.RegularExpressions;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>Pages of requests: right to the second, complete, and read from an index.</summary>
public sealed class RequestPagesTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = World.Now;
    private static readonly User[] Users = [World.User("alice"), World.User("al-ice"), World.User("bob")];
    private static readonly RequestWish All = new([], null, null, null, RequestOrder.Created, null, null);

    private readonly World world = new();
    private readonly List<AccessRequest> requests = [];

    public async Task InitializeAsync()
    {
        // Every stored state, filed within a few seconds of each other, and over a second before, at, and a second after now.
        foreach (var (state, n) in Enum.GetValues<RequestState>().Where(state => state != RequestState.Expired).SelectMany(state => Enumerable.Range(0, 15).Select(n => (state, n))))
            requests.Add(World.Request(Users[n % 3]) with
            {
                StoredState = state,
                Created = Now.AddMinutes(-10).AddSeconds(n % 4),
                PendingUntil = Now.AddSeconds((n % 5) - 2),
                AccessUntil = Now.AddSeconds((n % 7) - 3),
                Roles = [new PinnedRole(Guid.NewGuid(), n % 2 == 0 ? "dba" : n % 3 == 0 ? "web" : "ops", 1)],
                GrantedRoles = state == RequestState.Approved && n % 4 == 0 ? [new PinnedRole(Guid.NewGuid(), "web", 1)] : [],
                Resources = n % 5 == 0 ? [new PinnedNode(Guid.NewGuid(), "db1"), new PinnedNode(Guid.NewGuid(), $"db{n}")] : [],
            });
        await world.Database.Commit(transaction =>
        {
            requests.ForEach(transaction.InsertRequest);
            return true;
        });
    }

    public async Task DisposeAsync() => await world.DisposeAsync();

    public static TheoryData<string, string?, string?, bool, string, int> Wishes()
    {
        var wishes = new TheoryData<string, string?, string?, bool, string, int>();
        foreach (var states in (string[])["", "Pending", "Approved", "Denied", "Expired", "Pending Approved", "Expired Pending Cancelled", "Pending Approved Denied Cancelled Expired"])
            foreach (var order in Enum.GetNames<RequestOrder>())
            {
                wishes.Add(states, null, null, false, order, 4);
                wishes.Add(states, "alice", null, false, order, 3);
                wishes.Add(states, null, "ops", true, order, 1);
            }
        return wishes;
    }

    public static TheoryData<string, string?, string?, string, string, int> NodeWishes()
    {
        var wishes = new TheoryData<string, string?, string?, string, string, int>();
        foreach (var states in (string[])["", "Pending", "Pending Approved", "Denied", "Expired Pending Cancelled", "Pending Approved Denied Cancelled Expired"])
            foreach (var order in Enum.GetNames<RequestOrder>())
                foreach (var roles in (string[])["", "dba", "dba ops web"])
                    wishes.Add(states, null, null, roles, order, 3);
        wishes.Add("", "alice", null, "dba web", "Created", 3);
        wishes.Add("Denied", null, "ops", "ops web", "Created", 3);
        return wishes;
    }

    /// <summary>What names the node, and what asks only for roles of which one reaches it; each once, whatever finds it.</summary>
    [Theory]
    [MemberData(nameof(NodeWishes))]
    public void Requests_that_concern_a_node_are_paged_like_others(string states, string? user, string? role, string roles, string order, int limit) => CheckPages(
        new RequestWish(States(states), user, role, null, Enum.Parse<RequestOrder>(order), limit, null)
        {
            Node = new NodeFilter("db1", [.. roles.Split(' ', StringSplitOptions.RemoveEmptyEntries)]),
        });

    /// <summary>The statement and the same rule in memory agree, for what a user filed and for what a user reviewed.</summary>
    [Theory]
    [InlineData("", null, false, null, null)]
    [InlineData("Pending", null, false, null, null)]
    [InlineData("Approved", null, false, null, null)]
    [InlineData("Expired Denied", null, true, null, null)]
    [InlineData("Pending Approved Denied Cancelled Expired", "dba", true, null, null)]
    [InlineData("", null, false, "", null)]
    [InlineData("", null, false, "web", null)]
    [InlineData("", null, true, "dba", "alice")]
    [InlineData("Denied", null, false, null, "alice")]
    public async Task Lists_of_one_user_follow_the_filter(string states, string? role, bool since, string? reaching, string? requester)
    {
        var reviewer = World.User("carol");
        await world.Database.Commit(transaction =>
        {
            foreach (var request in requests.Where((_, n) => n % 2 == 0))
                transaction.InsertReview(request, 1, new Review(reviewer.Id, "carol", [7], ReviewDecision.Approve, ["dba"], "", Now));
            return true;
        });
        var filter = new RequestFilter(States(states), role, since ? Now.AddMinutes(-10).AddSeconds(2) : null)
        {
            Node = reaching is null ? null : new NodeFilter("db1", [.. reaching.Split(' ', StringSplitOptions.RemoveEmptyEntries)]),
            Requester = requester,
        };
        Check(requests.Where(request => request.UserId == Users[0].Id), (snapshot, limit, after) => snapshot.RequestsOf(Users[0], filter, Now, limit, after));
        Check(requests.Where((_, n) => n % 2 == 0), (snapshot, limit, after) => snapshot.RequestsReviewedBy(reviewer, false, filter, Now, limit, after));

        void Check(IEnumerable<AccessRequest> all, Func<Snapshot, int?, RequestPlace?, List<AccessRequest>> read)
        {
            var wanted = all.Where(request => filter.Lets(request, Now)).OrderByDescending(request => request.Created)
                .ThenByDescending(request => $"{request.Id}", StringComparer.Ordinal).Select(request => request.Id).ToList();
            Assert.NotEmpty(wanted);
            Assert.Equal(wanted, world.Database.Read(snapshot => read(snapshot, null, null)).ConvertAll(request => request.Id));
            var place = RequestPlace.From(requests.Single(request => request.Id == wanted[0]), RequestOrder.Created, Now);
            Assert.Equal(wanted.Skip(1).Take(2), world.Database.Read(snapshot => read(snapshot, 2, place)).ConvertAll(request => request.Id));
        }
    }

    [Theory]
    [MemberData(nameof(Wishes))]
    public void Pages_list_every_matching_request_once_and_in_order(string states, string? user, string? role, bool since, string order, int limit) =>
        CheckPages(new RequestWish(States(states), user, role, since ? Now.AddMinutes(-10).AddSeconds(2) : null, Enum.Parse<RequestOrder>(order), limit, null));

    private static ImmutableArray<RequestState> States(string words) => [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<RequestState>)];

    private void CheckPages(RequestWish wish)
    {
        var wanted = requests
            .Where(request => (wish.States.IsEmpty || wish.States.Contains(request.StateAt(Now))) && (wish.User is null || request.UserName == wish.User)
                && (wish.Role is null || request.Roles.Concat(request.GrantedRoles).Any(asked => asked.Name == wish.Role)) && wish.Node?.Lets(request) != false && !(request.Created < wish.Since))
            .OrderBy(request => wish.Order == RequestOrder.User ? request.UserName : "", StringComparer.Ordinal)
            .ThenBy(request => wish.Order == RequestOrder.State ? request.StateAt(Now) : default)
            .ThenByDescending(request => request.Created).ThenByDescending(request => request.Id.ToString(), StringComparer.Ordinal)
            .Select(request => request.Id).ToList();

        var got = new List<Guid>();
        for (RequestPlace? after = null; ;)
        {
            var (page, next) = world.Database.Read(snapshot => snapshot.RequestPage(wish with { After = after }, Now));
            got.AddRange(page.Select(request => request.Id));
            if (next is null)
                break;
            Assert.Equal(wish.Limit, page.Count);
            // As it travels.
            Assert.Equal(next, after = RequestPlace.TryParse(next.ToString()));
        }
        Assert.Equal(wanted, got);
        Assert.Equal(wanted, world.Database.Read(snapshot => snapshot.RequestPage(wish with { Limit = null }, Now)).Requests.Select(request => request.Id));
    }

    [Fact]
    public async Task Page_continues_after_a_removed_request()
    {
        var (page, next) = world.Database.Read(snapshot => snapshot.RequestPage(All with { Limit = 10 }, Now));
        await world.Database.Commit(transaction =>
        {
            transaction.RemoveRequest(page[^1]);
            return true;
        });
        var rest = world.Database.Read(snapshot => snapshot.RequestPage(All with { After = next }, Now)).Requests;
        Assert.Equal(requests.Count - 10, rest.Count);
        Assert.DoesNotContain(rest, request => page.Exists(one => one.Id == request.Id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1795347674")]
    [InlineData("bc8ca931-fec9-4b15-9a6f-20c13c5641a9")]
    [InlineData("x-bc8ca931-fec9-4b15-9a6f-20c13c5641a9")]
    [InlineData("-5-bc8ca931-fec9-4b15-9a6f-20c13c5641a")]
    [InlineData("99999999999999-bc8ca931-fec9-4b15-9a6f-20c13c5641a9")]
    public void Malformed_page_position_is_rejected(string text) => Assert.Null(RequestPlace.TryParse(text));

    public static TheoryData<string, string, string, bool, string> Plans => new()
    {
        // states, order, user, behind a place, the index of every arm whose requests are over
        { "", "Created", "", false, "requests_newest" },
        { "", "Created", "", true, "requests_newest" },
        { "Expired", "Created", "", false, "requests_by_state" },
        { "Expired Denied", "Created", "", true, "requests_by_state" },
        { "", "Created", "alice", false, "requests_by_user_name" },
        { "", "Created", "alice", true, "requests_by_user_name" },
        { "", "User", "", false, "requests_by_user_name" },
        { "", "User", "", true, "requests_by_user_name" },
        { "", "State", "", false, "requests_by_state" },
        { "", "State", "", true, "requests_by_state" },
    };

    [SqliteTheory]
    [MemberData(nameof(Plans))]
    public void Each_query_part_reads_an_index_and_sorts_nothing(string states, string order, string user, bool behind, string index)
    {
        var wish = All with
        {
            States = [.. states.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<RequestState>)],
            Order = Enum.Parse<RequestOrder>(order),
            User = user.Length > 0 ? user : null,
            Limit = 100,
            After = behind ? new RequestPlace(order == "State" ? "approved" : order == "User" ? "alice" : "", Now, Guid.Empty) : null,
        };
        foreach (var part in RequestPages.Parts(wish).Where(part => part.States is not [RequestState.Pending or RequestState.Approved]))
        {
            var plan = Plan(RequestPages.Sql(part, RequestTable.Columns));
            Assert.DoesNotContain(plan, line => line.Contains("B-TREE", StringComparison.Ordinal));
            var reads = plan.Where(line => line.Contains(" requests", StringComparison.Ordinal)).ToList();
            Assert.NotEmpty(reads);
            Assert.All(reads, line => Assert.Contains($"USING INDEX {index}", line, StringComparison.Ordinal));
            // Without a condition the index is walked from its beginning, as far as the limit goes; with one it is entered where the condition says.
            if (states.Length > 0 || user.Length > 0 || behind || order == "State")
                Assert.All(reads, line => Assert.StartsWith("SEARCH requests ", line, StringComparison.Ordinal));
        }
    }

    public static TheoryData<string, string, bool, string> OpenPlans => new()
    {
        { "Pending", "Created", false, "requests_awaiting" },
        { "Pending", "Created", true, "requests_awaiting" },
        { "Pending", "User", true, "requests_awaiting" },
        { "Approved", "Created", true, "requests_in_use" },
        { "Approved", "State", true, "requests_in_use" },
        { "Approved", "User", false, "requests_in_use" },
    };

    [SqliteTheory]
    [MemberData(nameof(OpenPlans))]
    public void Open_requests_are_found_without_reading_ended_ones(string states, string order, bool behind, string index)
    {
        var wish = All with
        {
            States = [Enum.Parse<RequestState>(states)],
            Order = Enum.Parse<RequestOrder>(order),
            Limit = 100,
            After = behind ? new RequestPlace(order == "State" ? states.ToLowerInvariant() : order == "User" ? "alice" : "", Now, Guid.Empty) : null,
        };
        var plan = Plan(RequestPages.Sql(Assert.Single(RequestPages.Parts(wish)), RequestTable.Columns));
        var reads = plan.Where(line => line.Contains(" requests", StringComparison.Ordinal)).ToList();
        Assert.StartsWith($"SEARCH requests USING INDEX {index} (state=? AND ", Assert.Single(reads), StringComparison.Ordinal);
    }

    [SqliteTheory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("Denied", true)]
    [InlineData("Expired Cancelled", false)]
    public void Requests_for_a_role_are_found_by_the_role(string states, bool behind)
    {
        var wish = All with
        {
            States = [.. states.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<RequestState>)],
            Role = "dba",
            Limit = 100,
            After = behind ? new RequestPlace("", Now, Guid.Empty) : null,
        };
        var plan = Plan(RequestPages.Sql(wish, RequestTable.Columns));
        Assert.DoesNotContain(plan, line => line.Contains("B-TREE", StringComparison.Ordinal));
        // Each arm enters the table of roles, and then looks at one request after the other.
        Assert.All(plan.Where(line => line.Contains(" requests ", StringComparison.Ordinal)), line => Assert.Contains("id=?", line, StringComparison.Ordinal));
        Assert.Contains(plan, line => line.StartsWith("SEARCH request_roles USING PRIMARY KEY (role=?", StringComparison.Ordinal));
    }

    [SqliteTheory]
    [InlineData("", false)]
    [InlineData("Denied", true)]
    public void Requests_for_a_node_are_found_by_the_node(string states, bool behind)
    {
        var wish = All with { States = States(states), Limit = 100, Node = new NodeFilter("db1", ["dba"]), After = behind ? new RequestPlace("", Now, Guid.Empty) : null };
        foreach (var reading in RequestPages.Readings(wish))
        {
            var plan = Plan(RequestPages.Sql(reading, RequestTable.Columns));
            Assert.DoesNotContain(plan, line => line.Contains("B-TREE", StringComparison.Ordinal));
            Assert.Contains(plan, line => Regex.IsMatch(line, @"^SEARCH request_(roles USING PRIMARY KEY \(role|nodes USING PRIMARY KEY \(node)=\?", RegexOptions.ExplicitCapture));
        }
    }

    [Fact]
    public async Task Granted_role_is_found_and_a_removed_request_is_not()
    {
        var wish = All with { Role = "granted-instead" };
        Assert.Empty(Found());

        await world.Database.Commit(transaction => transaction.UpdateRequest(requests[0], requests[0] with { GrantedRoles = [new PinnedRole(Guid.NewGuid(), "granted-instead", 1)] }));
        Assert.Equal(requests[0].Id, Assert.Single(Found()).Id);

        await world.Database.Commit(transaction =>
        {
            transaction.RemoveRequest(Found()[0]);
            return true;
        });
        Assert.Empty(Found());
        await world.Database.Commit(transaction =>
        {
            transaction.RemoveRequest(requests.First(request => request.Resources is [_, ..]));
            return true;
        });
        using var outside = world.Outside("ReadOnly");
        using var command = outside.CreateCommand();
        command.CommandText = "SELECT count(*) FROM (SELECT id FROM request_roles UNION ALL SELECT id FROM request_nodes) AS listed WHERE id NOT IN (SELECT id FROM requests)";
        Assert.Equal(0L, command.ExecuteScalar());

        List<AccessRequest> Found() => world.Database.Read(snapshot => snapshot.RequestPage(wish, Now)).Requests;
    }

    private List<string> Plan(string sql)
    {
        using var outside = world.Outside("ReadOnly");
        using var command = outside.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
        for (var n = 1; n <= 10; n++)
            command.Add(n == 8 ? 101 : 1);
        using var rows = command.ExecuteReader();
        var plan = new List<string>();
        while (rows.Read())
            plan.Add(rows.GetString(3));
        return plan;
    }
}
