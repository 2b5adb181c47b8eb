using CertAuthority.Access;
using CertAuthority.Operations;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class OutboxTests : IAsyncLifetime
{
    private static readonly AccessRequest Request = World.Request(World.User("alice"));

    private readonly World world = new();

    [Fact]
    public async Task Without_receivers_nothing_is_written()
    {
        await Commit(transaction => transaction.Tell("request.created", Request, World.Now));
        await Commit(transaction => transaction.SetReceivers(["command"]));
        Assert.Null(Due(World.Now.AddYears(1)));
        Assert.Equal(["command 0 0"], Status());
    }

    [Fact]
    public async Task What_is_told_is_there_with_the_change_and_undone_with_it()
    {
        await Commit(transaction => transaction.SetReceivers(["command"]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Commit(transaction =>
        {
            transaction.Tell("request.created", Request, World.Now);
            throw new InvalidOperationException();
        }));
        Assert.Null(Due(World.Now));
        await Commit(transaction => transaction.Tell("request.created", Request, World.Now));
        Assert.Contains($"\"event\":\"request.created\",\"time\":\"2026-03-01T12:00:00+00:00\",\"request\":{{\"kind\":\"access_request\"", Due(World.Now)!.Event);
        Assert.Null(Due(World.Now.AddSeconds(-1)));
    }

    [Fact]
    public async Task Each_receiver_has_a_row_of_its_own_and_loses_it_when_it_is_none_any_more()
    {
        await Commit(transaction => transaction.SetReceivers(["command", "webhook"]));
        await Commit(transaction => transaction.Tell("request.created", Request, World.Now));
        Assert.Equal(["command 1 0", "webhook 1 0"], Status());
        await Commit(transaction => transaction.SetReceivers(["webhook", "mail"]));
        Assert.Equal(["mail 0 0", "webhook 1 0"], Status());
        await Commit(transaction => transaction.SetReceivers(["command"]));
        Assert.Equal(["command 0 0"], Status());
    }

    [Fact]
    public async Task An_attempt_counts_before_it_is_made_and_comes_again_if_nobody_says_how_it_ended()
    {
        await Commit(transaction => transaction.SetReceivers(["command"]));
        await Commit(transaction => transaction.Tell("request.created", Request, World.Now));
        var due = Due(World.Now)!;
        Assert.Equal(0, due.Attempts);
        var begun = await world.Database.Commit(transaction => transaction.BeginAttempt(due, World.Now.AddSeconds(11)));
        Assert.Equal((due.Number, 1), (begun!.Number, begun.Attempts));
        Assert.Null(Due(World.Now.AddSeconds(10)));
        Assert.Equal(1, Due(World.Now.AddSeconds(11))!.Attempts);

        await Commit(transaction => transaction.Failed(begun, "it ended with 1", World.Now, World.Now.AddSeconds(2)));
        Assert.NotNull(Due(World.Now.AddSeconds(2)));
        await Commit(transaction => transaction.Delivered(begun));
        Assert.Null(Due(World.Now.AddYears(1)));
        Assert.Null(await world.Database.Commit(transaction => transaction.BeginAttempt(due, World.Now)));
        var status = Assert.Single(world.Database.Read(snapshot => snapshot.Receivers()));
        Assert.Equal(("it ended with 1", World.Now, 0L), (status.LastFailure, status.LastFailed, status.GivenUp));
    }

    [Fact]
    public async Task One_that_is_given_up_is_counted_and_its_number_is_nobody_elses()
    {
        await Commit(transaction => transaction.SetReceivers(["command"]));
        await Commit(transaction => transaction.Tell("request.created", Request, World.Now));
        var first = Due(World.Now)!;
        await Commit(transaction => transaction.Failed(first, "no", World.Now, retry: null));
        Assert.Equal(["command 0 1"], Status());
        await Commit(transaction => transaction.Tell("request.denied", Request, World.Now));
        Assert.NotEqual(first.Number, Due(World.Now)!.Number);
    }

    [Fact]
    public async Task Of_too_many_the_oldest_are_given_up()
    {
        await Commit(transaction => transaction.SetReceivers(["command"]));
        await Commit(transaction =>
        {
            transaction.Tell("request.created", Request, World.Now);
            transaction.Execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                INSERT INTO outbox (receiver, event, attempts, next_at) SELECT 'command', '{}', 0, $2 FROM n
                """, OutboxTable.MostWaiting - 1, World.Now.AddSeconds(1));
        });
        Assert.Equal([$"command {OutboxTable.MostWaiting} 0"], Status());
        await Commit(transaction => transaction.Tell("request.approved", Request, World.Now));
        Assert.Equal([$"command {OutboxTable.MostWaiting} 1"], Status());
        Assert.Contains("request.approved", Due(World.Now)!.Event);
    }

    [Theory]
    [InlineData("the end is far", 3599, RequestState.Approved, "")]
    [InlineData("the end is near", 3600, RequestState.Approved, "access.ending")]
    [InlineData("it is over", 0, RequestState.Approved, "")]
    [InlineData("nobody has approved it", 3600, RequestState.Pending, "")]
    public async Task An_access_that_is_about_to_end_is_found_once(string what, int ahead, RequestState state, string told)
    {
        var now = ahead == 0 ? Request.AccessUntil : World.Now;
        await Commit(transaction =>
        {
            transaction.InsertRequest(Request);
            if (state == RequestState.Approved)
                transaction.UpdateRequest(Request, Request with { StoredState = state, Resolution = new RequestResolution("root", World.Now, "") });
        });
        var found = Ending();
        Assert.True((told.Length > 0) == (found.Count == 1), what);
        await Commit(transaction => found.ForEach(transaction.MarkEndTold));
        Assert.Empty(Ending());

        List<AccessRequest> Ending() => world.Database.Read(snapshot => snapshot.EndingRequests(now, now.AddSeconds(ahead == 0 ? 3600 : ahead)));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private Outgoing? Due(DateTimeOffset now) => world.Database.Read(snapshot => snapshot.NextDue("command", now));

    private IEnumerable<string> Status() => world.Database.Read(snapshot => snapshot.Receivers()).Select(one => $"{one.Name} {one.Waiting} {one.GivenUp}");

    private Task<bool> Commit(Action<Transaction> change) => world.Database.Commit(transaction =>
    {
        change(transaction);
        return true;
    });
}
