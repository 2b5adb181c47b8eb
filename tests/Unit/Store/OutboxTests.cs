using System.Text.Json;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class OutboxTests : IAsyncLifetime
{
    private static readonly AccessRequest Request = World.Request(World.User("alice"));

    private readonly World world = new();

    [Fact]
    public async Task Without_receivers_nothing_is_written()
    {
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        Assert.Null(Due(World.Now.AddYears(1)));
        Assert.Equal(["command 0 0"], Status());
    }

    [Fact]
    public async Task Notice_is_committed_and_undone_with_its_change()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Commit(transaction =>
        {
            transaction.Tell(Caller.Daemon, "request.created", Request, World.Now);
            throw new InvalidOperationException();
        }));
        Assert.Null(Due(World.Now));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        Assert.Contains($"\"event\":\"request.created\",\"time\":\"2026-03-01T12:00:00Z\",\"request\":{{\"kind\":\"access_request\"", Due(World.Now)!.Event);
        Assert.Null(Due(World.Now.AddSeconds(-1)));
    }

    [Fact]
    public async Task Each_receiver_has_its_own_rows_until_it_is_removed()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command", "webhook")));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        Assert.Equal(["command 1 0", "webhook 1 0"], Status());
        await Commit(transaction => transaction.SetReceivers(Receivers("webhook", "mail")));
        Assert.Equal(["mail 0 0", "webhook 1 0"], Status());
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        Assert.Equal(["command 0 0"], Status());
    }

    [Fact]
    public async Task Flood_of_one_user_drops_only_their_own_notices()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", World.Request(World.User("bob")), World.Now));
        await Commit(transaction =>
        {
            for (var i = 0; i < OutboxTable.MostAboutOne + 7; i++)
                transaction.Tell(Caller.Daemon, "request.created", Request, World.Now.AddSeconds(i));
        });
        Assert.Equal([$"command {OutboxTable.MostAboutOne + 1} 7"], Status());
        Assert.Contains("\"user\":\"bob\"", Due(World.Now)!.Event);
    }

    [Fact]
    public async Task Attempt_counts_at_its_start_and_repeats_without_a_result()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
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
        var status = Assert.Single(world.Database.Read(snapshot => snapshot.ReceiverStatuses()));
        Assert.Equal(("it ended with 1", World.Now, 0L), (status.LastFailure, status.LastFailed, status.GivenUp));
    }

    [Fact]
    public async Task Abandoned_notice_is_counted_and_its_number_is_not_reused()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        var first = Due(World.Now)!;
        await Commit(transaction => transaction.Failed(first, "no", World.Now, retry: null));
        Assert.Equal(["command 0 1"], Status());
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.denied", Request, World.Now));
        Assert.NotEqual(first.Number, Due(World.Now)!.Number);
    }

    [Fact]
    public async Task Full_outbox_drops_the_oldest_of_whoever_has_the_most()
    {
        await Commit(transaction => transaction.SetReceivers(Receivers("command")));
        await Commit(transaction =>
        {
            transaction.Tell(Caller.Daemon, "request.created", Request, World.Now);
            transaction.Execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                INSERT INTO outbox (receiver, event, attempts, next_at) SELECT 'command', '{}', 0, $2 FROM n
                """, OutboxTable.MostWaiting - 1, World.Now.AddSeconds(1));
        });
        Assert.Equal([$"command {OutboxTable.MostWaiting} 0"], Status());
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.approved", Request, World.Now));
        Assert.Equal([$"command {OutboxTable.MostWaiting} 1"], Status());
        Assert.Contains("request.created", Due(World.Now)!.Event);
    }

    [Fact]
    public async Task Filter_applies_to_new_notices_and_keeps_waiting_ones()
    {
        await Commit(transaction => transaction.SetReceivers(
        [
            new Receiver("webhook/a", new NoticeFilter(["request.denied"], [])), new Receiver("webhook/b", new NoticeFilter([], Access.Sample.Patterns("^db.$"))),
            new Receiver("webhook/c", new NoticeFilter([], Access.Sample.Patterns("web-*"))),
        ]));
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        Assert.Equal(["webhook/a 0 0", "webhook/b 1 0", "webhook/c 0 0"], Status());
        await Commit(transaction => transaction.SetReceivers([new Receiver("webhook/b", new NoticeFilter(["request.denied"], []))]));
        Assert.Equal(["webhook/b 1 0"], Status());
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        Assert.Equal(["webhook/b 1 0"], Status());
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.denied", Request, World.Now));
        Assert.Equal(["webhook/b 2 0"], Status());
    }

    [Fact]
    public async Task Each_address_has_its_own_row_and_fails_on_its_own()
    {
        await Commit(transaction =>
        {
            transaction.SetReceivers([new Receiver("command", NoticeFilter.Everything), new Receiver("mail", NoticeFilter.Everything, IsPersonal: true)]);
            UserRow.Table.Put(transaction, World.User("bob") with { Traits = World.User("bob").Traits.Add("email", ["bob@example.com", "bob@example.org"]) });
        });
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.created", Request, World.Now));
        Assert.Equal(["command 1 0", "mail 2 0"], Status());
        var (first, id) = (Due(World.Now, "mail")!, Due(World.Now)!.Notification.Id);
        Assert.Equal(("bob@example.com", id, null), (first.Recipient, first.Notification.Id, Due(World.Now)!.Recipient));
        await Commit(transaction => transaction.Failed(first, "no", World.Now, World.Now.AddSeconds(5)));
        var second = Due(World.Now, "mail")!;
        Assert.Equal(("bob@example.org", id), (second.Recipient, second.Notification.Id));
        await Commit(transaction => transaction.Delivered(second));
        Assert.Null(Due(World.Now, "mail"));
        Assert.Equal("bob@example.com", Due(World.Now.AddSeconds(5), "mail")!.Recipient);
        // The requester has no address, and nobody else hears the answer.
        await Commit(transaction => transaction.Tell(Caller.Daemon, "request.denied", Request, World.Now));
        Assert.Equal(["command 2 0", "mail 1 0"], Status());
    }

    [Fact]
    public async Task Host_events_name_hosts_together_and_go_to_no_person()
    {
        await Commit(transaction => transaction.SetReceivers(
        [
            new Receiver("command", NoticeFilter.Everything), new Receiver("mail", NoticeFilter.Everything, IsPersonal: true),
            new Receiver("webhook/a", new NoticeFilter(["hosts.stale"], [])), new Receiver("webhook/b", new NoticeFilter(["hosts.fresh"], [])),
            new Receiver("webhook/c", new NoticeFilter([], Access.Sample.Patterns("*"))),
        ]));
        await Commit(transaction => transaction.TellOfHosts("hosts.stale", ["web1", "db1", "db2"], World.Now));
        Assert.Equal(["command 1 0", "mail 0 0", "webhook/a 1 0", "webhook/b 0 0", "webhook/c 0 0"], Status());
        var due = Due(World.Now)!;
        Assert.Null(due.Recipient);
        Assert.Equal(
            $"{{\"id\":\"{due.Notification.Id}\",\"attempt\":0,\"event\":\"hosts.stale\",\"time\":\"2026-03-01T12:00:00Z\",\"hosts\":[\"db1\",\"db2\",\"web1\"]}}", due.Event);
        Assert.Equal(due.Event, Due(World.Now, "webhook/a")!.Event);
        Assert.Null(due.Notification.Request);
        Assert.Equal(["db1", "db2", "web1"], due.Notification.Hosts!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200, 200)]
    [InlineData(401, 200, 200, 1)]
    public async Task Host_event_names_at_most_200_hosts(int hosts, params int[] told)
    {
        var names = Enumerable.Range(1, hosts).Select(number => $"host{number:d3}").ToList();
        await Commit(transaction =>
        {
            transaction.SetReceivers(Receivers("command"));
            transaction.TellOfHosts("hosts.fresh", [.. names.AsEnumerable().Reverse()], World.Now);
        });
        var events = new List<Notification>();
        while (Due(World.Now) is { } due)
        {
            events.Add(due.Notification);
            await Commit(transaction => transaction.Delivered(due));
        }
        Assert.Equal(told, events.Select(one => one.Hosts!.Length));
        Assert.Equal(names, events.SelectMany(one => one.Hosts!));
        Assert.Equal(told.Length, events.Select(one => one.Id).Distinct().Count());
    }

    // As a daemon wrote it that knew no events of hosts.
    [Fact]
    public async Task Notice_queued_by_an_older_daemon_is_sent_as_before()
    {
        const string Before =
            """{"id":"1ba25942-7f7f-431d-a607-4540d28d3920","attempt":0,"event":"request.created","time":"2026-11-26T06:46:00+00:00","request":{"kind":"access_request","version":"v3","metadata":{"name":"a22efef2-7d9e-4a5b-a826-45e6b258e2b8","revision":1},"spec":{"user":"alice","roles":["dba"],"granted_roles":[],"state":"PENDING","created":"2026-11-26T06:46:00+00:00","expires":"2026-11-27T12:46:00+00:00","access_expires":"2026-11-27T12:46:00+00:00","access_lasts":"30h","access_limited_by":"the site\u0027s maximum for certificates","clock":"creation","shortened":[],"request_reason":"tonight","resolve_reason":"","suggested_reviewers":["bob"],"reviews":[],"thresholds":[{"role":"contractor","require":"any","thresholds":[{"name":"","approve":1,"deny":1}]}]}}}""";
        await Commit(transaction =>
        {
            transaction.SetReceivers(Receivers("command"));
            transaction.Execute("INSERT INTO outbox (receiver, event, attempts, next_at) VALUES ('command', $1, 0, $2)", Before, World.Now);
        });
        Assert.Equal(Before.Replace("+00:00", "Z"), JsonSerializer.Serialize(Due(World.Now)!.Notification, ProtocolJson.Strict.Of<Notification>()));
    }

    [Theory]
    [InlineData("the end is far", 3599, RequestState.Approved, "")]
    [InlineData("the end is near", 3600, RequestState.Approved, "access.ending")]
    [InlineData("it is over", 0, RequestState.Approved, "")]
    [InlineData("nobody has approved it", 3600, RequestState.Pending, "")]
    public async Task Upcoming_end_of_access_is_found_once(string what, int ahead, RequestState state, string told)
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

    private Outgoing? Due(DateTimeOffset now, string receiver = "command") => world.Database.Read(snapshot => snapshot.NextDue(receiver, now));

    private static Receiver[] Receivers(params string[] names) => [.. names.Select(name => new Receiver(name, NoticeFilter.Everything))];

    private IEnumerable<string> Status() => world.Database.Read(snapshot => snapshot.ReceiverStatuses()).Select(one => $"{one.Name} {one.Waiting} {one.GivenUp}");

    private Task<bool> Commit(Action<Transaction> change) => world.Database.Commit(transaction =>
    {
        change(transaction);
        return true;
    });
}
