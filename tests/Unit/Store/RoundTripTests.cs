using System.Data.Common;
using System.Diagnostics;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>Runs alone, because it counts what the whole process sends.</summary>
[CollectionDefinition(nameof(RoundTripTests), DisableParallelization = true)]
public sealed class RoundTripTestsRunAlone;

/// <summary>
/// How often a call waits for an answer of the database, and that what it reads ahead is what it would have read at its time. The first is
/// about a server, which can be far away.
/// </summary>
[Collection(nameof(RoundTripTests))]
public sealed class RoundTripTests : IAsyncLifetime
{
    private static readonly string Key = new Ed25519PublicKey(Numbers.Point()).ToLine("a key");
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    /// <summary>Each call, and how often it waits for the database.</summary>
    private static readonly (string Name, int Most, Func<Authority, int, Task> Call)[] Daily =
    [
        ("login", 2, (ca, n) => Login(ca, n)),
        ("login with a request", 2, async (ca, n) => await Login(ca, n, await Approved(ca, n))),
        ("login with a key", 2, (ca, n) => Logins.Issue(ca, Account(n), new Login(Key, IdempotencyKey: $"{Guid.NewGuid()}"))),
        ("login for a node", 2, (ca, n) => Logins.Issue(ca, Account(n), new Login(Key, Node: "web1"))),
        ("request create", 30, async (ca, n) => await Create(ca, n)),
    ];

    public static readonly TheoryData<string> Names = [.. Daily.Select(one => one.Name)];

    private HostWorld world = null!;
    private Authority ca = null!;

    [PostgresTheory]
    [MemberData(nameof(Names))]
    public async Task Daily_call_waits_for_few_answers(string name)
    {
        var (_, most, call) = Daily.Single(one => one.Name == name);
        for (var n = 0; n < 3; n++)
            await call(ca, n);
        if (name == "login with a request")
        {
            var id = await Approved(ca, 3);
            Assert.InRange(await Trips(() => Login(ca, 3, id)), 1, most);
        }
        else
            Assert.InRange(await Trips(() => call(ca, 3)), 1, most);
    }

    [PostgresFact]
    public async Task Batch_of_logins_waits_as_often_as_one_login()
    {
        await InOneBatch([.. Enumerable.Range(0, 60).Select(n => (Func<Task>)(() => Login(ca, n)))]);
        var logins = new List<Task<LoggedIn>>();
        var trips = await Trips(() => InOneBatch([.. Enumerable.Range(0, 60).Select(n => (Func<Task>)(() =>
        {
            logins.Add(Login(ca, n));
            return logins[^1];
        }))]));
        Assert.Equal(60, logins.Select(login => login.Result.Info!.Serial).Distinct(StringComparer.Ordinal).Count());
        // The transaction that keeps the others waiting has two of its own.
        Assert.InRange(trips, 1, 4);
    }

    /// <summary>Each of the logins reads how many there are before any of them is written.</summary>
    [Fact]
    public async Task Logins_of_one_batch_keep_the_limit()
    {
        ca = ca with { Limits = ca.Limits with { LiveCertificatesPerUser = 3 } };
        Caller[] both = [Account(100), Account(101)];
        var logins = Enumerable.Range(0, 8).Select(n => (Func<Task>)(() => Logins.Issue(ca, both[n % 2], new Login(Key, User: "shared")))).ToArray();
        var made = await InOneBatch(logins);
        Assert.Equal([true, true, true, false, false, false, false, false], made.Select(login => login.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Login_meets_a_lock_of_the_same_batch()
    {
        var made = await InOneBatch(
            () => Login(ca, 1),
            () => ca.Database.Commit(transaction =>
            {
                LockRow.Table.Put(transaction, new AccessLock(Guid.NewGuid(), "l1", 1, new LockTarget(LockKind.User, "u1"), "", null));
                return true;
            }),
            () => Login(ca, 1));
        Assert.Equal([true, true, false], made.Select(login => login.IsCompletedSuccessfully));
        Assert.Equal(ProblemCode.Denied, (await Assert.ThrowsAsync<ProblemException>(() => made[2])).Problem.Code);
    }

    [Fact]
    public async Task Login_meets_a_denial_of_the_same_batch()
    {
        var id = await Approved(ca, 1);
        var made = await InOneBatch(
            () => Login(ca, 1, id),
            () => ca.Database.Commit(transaction =>
            {
                var request = transaction.FindRequest(id, null);
                return transaction.UpdateRequest(request, request with { StoredState = RequestState.Denied });
            }),
            () => Login(ca, 1, id));
        Assert.Equal([true, true, false], made.Select(login => login.IsCompletedSuccessfully));
    }

    /// <summary>The error comes with a later statement, perhaps of another change.</summary>
    [Fact]
    public async Task Write_that_nobody_waits_for_fails_alone()
    {
        var tasks = await world.Store.InOneBatch(
            Audit("a"),
            transaction =>
            {
                transaction.Write("INSERT INTO counters (name, value) VALUES ('serial', 1)");
                return "";
            },
            Audit("c"),
            transaction => $"{transaction.LastAudit()}",
            Audit("e"));
        Assert.Equal([true, false, true, true, true], tasks.Select(task => task.IsCompletedSuccessfully));
        await Assert.ThrowsAnyAsync<DbException>(() => tasks[1]);
        Assert.Equal(["a", "c", "e"], world.Store.Committed().TakeLast(3));
        Assert.False(ca.Database.Broken.IsCompleted);
    }

    /// <summary>Whoever waits for an answer takes the first one that comes.</summary>
    [Fact]
    public async Task Statement_that_could_return_rows_is_not_kept_back()
    {
        foreach (var sql in (string[])["SELECT 1", "INSERT INTO counters (name, value) VALUES ('one', 1) RETURNING value", "WITH one AS (SELECT 1) SELECT * FROM one"])
            foreach (var put in (Action<Transaction>[])[transaction => transaction.Write(sql), transaction => transaction.Add(sql)])
                Assert.Contains(sql, (await Assert.ThrowsAsync<ArgumentException>(() => ca.Database.Commit(transaction =>
                {
                    put(transaction);
                    return true;
                }))).Message);
    }

    [Fact]
    public async Task Refused_change_undoes_what_was_sent_and_what_was_not()
    {
        var tasks = await world.Store.InOneBatch(
            Audit("a"),
            transaction =>
            {
                transaction.Audit(World.Entry("sent"));
                Assert.True(transaction.LastAudit() > 1);
                transaction.Audit(World.Entry("not sent"));
                throw new ProblemException(new Problem(ProblemCode.Denied, "no"));
            },
            transaction =>
            {
                transaction.Audit(World.Entry("never sent"));
                throw new ProblemException(new Problem(ProblemCode.Denied, "no"));
            },
            Audit("d"));
        Assert.Equal([true, false, false, true], tasks.Select(task => task.IsCompletedSuccessfully));
        Assert.Equal(["a", "d"], world.Store.Committed().TakeLast(2));
    }

    [Fact]
    public async Task Refused_change_gives_its_serial_back()
    {
        ulong first = 0, second = 0;
        await InOneBatch(
            () => Serial(transaction =>
            {
                first = transaction.NextSerial();
                throw new ProblemException(new Problem(ProblemCode.Denied, "no"));
            }),
            () => Serial(transaction => second = transaction.NextSerial()));
        Assert.Equal(first, second);
        Assert.Equal(second + 1, await ca.Database.Commit(transaction => transaction.NextSerial()));

        Task Serial(Func<Transaction, ulong> next) => ca.Database.Commit(next, ahead: [Counters.IssuedLast]);
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start(HostWorld.Node("web1"));
        ca = world.Authority with { Limits = world.Authority.Limits with { LoginsPerMinute = 1000, LiveCertificatesPerUser = 1000, RequestsPerMinute = 1000 } };
        await world.Store.Database.Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, RoleRow.Table.Read("""{"version":"v8","allow":{"logins":["deploy"],"node_labels":{"*":["*"]},"request_roles":["dba"]}}""", "web") with { Id = Guid.NewGuid(), Revision = 1 });
            RoleRow.Table.Put(transaction, RoleRow.Table.Read("""{"version":"v8","allow":{"logins":["postgres"],"node_labels":{"*":["*"]}}}""", "dba") with { Id = Guid.NewGuid(), Revision = 1 });
            for (var n = 0; n < 60; n++)
                UserRow.Table.Put(transaction, World.User($"u{n}") with { Roles = ["web"] });
            UserRow.Table.Put(transaction, World.User("shared") with { Roles = ["web"], UnixUsers = [UnixUser.Account("u100"), UnixUser.Account("u101")] });
            return true;
        });
        await world.Krl.StartAsync(CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    private static Func<Transaction, string> Audit(string what) => transaction =>
    {
        transaction.Audit(World.Entry(what));
        return "";
    };

    private static Caller Account(int n) => new(new UnixIdentity((uint)(7000 + n), $"u{n}"), IsRoot: false);

    private static Task<LoggedIn> Login(Authority ca, int n, params string[] requests) => Logins.Issue(ca, Account(n), new Login(Key, Requests: requests));

    private static async Task<string> Create(Authority ca, int n) =>
        (await Requests.Create(ca, Account(n), new CreateRequest(["dba"], Reason: "why", Force: true))).Metadata.Name;

    private static async Task<string> Approved(Authority ca, int n)
    {
        var id = await Create(ca, n);
        await Resolutions.Approve(ca, Root, new ApproveRequest(id));
        return id;
    }

    /// <summary>Calls while the writer is held up, so that the changes of all calls run in one batch, in this order.</summary>
    private async Task<Task[]> InOneBatch(params Func<Task>[] calls)
    {
        using var started = new ManualResetEventSlim();
        using var queued = new ManualResetEventSlim();
        var first = Task.Run(() => ca.Database.Commit(_ =>
        {
            started.Set();
            queued.Wait();
            return true;
        }));
        started.Wait();
        Task[] others = [.. calls.Select(call => call())];
        queued.Set();
        await first;
        await Task.WhenAll(others).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
        return others;
    }

    /// <summary>Counts how often the process waits for an answer of the server.</summary>
    private static async Task<int> Trips(Func<Task> call)
    {
        var trips = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _ => Interlocked.Increment(ref trips),
        };
        ActivitySource.AddActivityListener(listener);
        await call();
        return trips;
    }
}
