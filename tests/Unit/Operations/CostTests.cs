using System.Reflection;
using System.Text;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Runs alone, because it counts what the whole process allocates.</summary>
[CollectionDefinition(nameof(CostTests), DisableParallelization = true)]
public sealed class CostTestsRunAlone;

/// <summary>
/// Counts the SQL statements and the bytes of memory that each daily call takes, in a small database and in one that has much more of
/// everything. Counts do not depend on the machine, so a call that begins to grow, or to do more, fails here before anyone measures it.
/// </summary>
[Collection(nameof(CostTests))]
public sealed class CostTests : IAsyncLifetime
{
    private const int Calls = 20;

    private static readonly Caller Alice = new(new UnixIdentity(0, "root"), IsRoot: false);
    private static readonly Caller Boss = new(new UnixIdentity(7007, "boss"), IsRoot: false);
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly string Key = new Ed25519PublicKey(Numbers.Point()).ToLine("a key");

    /// <summary>Each call, the most SQL statements that it may take, and the most kilobytes of memory.</summary>
    private static readonly (string Name, int Statements, int Kilobytes, Func<Authority, int, Task> Call)[] Daily =
    [
        ("login for a node", 13, 90, (ca, n) => Logins.Issue(ca, Alice, new Login(Key, User: User(n), Node: "n1"))),
        ("request create, deny", 80, 400, async (ca, n) => await Resolutions.Deny(ca, Root, new DenyRequest((await Requests.Create(ca, Alice, new CreateRequest(["dba"], User: User(n), Reason: "why", Force: true))).Metadata.Name))),
        ("request create, approve", 120, 560, async (ca, n) => await Resolutions.Approve(ca, Root, new ApproveRequest((await Requests.Create(ca, Alice, new CreateRequest(["dba"], User: User(n), Reason: "why", Force: true))).Metadata.Name))),
        ("requests ls", 70, 220, (ca, _) => RequestLists.List(ca, Root, new ListRequests(Limit: 20))),
        ("my requests", 45, 200, (ca, n) => Requests.ListMine(ca, Alice, new ListMyRequests(User: User(n), Limit: 20))),
        ("what waits for a review", 65, 260, (ca, _) => Requests.ListMine(ca, Boss, new ListMyRequests(Show: RequestViews.Reviewable, Limit: 20))),
        ("count of what waits", 60, 260, (ca, _) => Requests.ListMine(ca, Boss, new ListMyRequests(Limit: 20, CountReviewable: true))),
        ("certs ls", 4, 115, (ca, _) => Certificates.List(ca, Root, new ListCertificates(Limit: 20))),
        ("audit ls", 5, 48, (ca, _) => AuditLists.List(ca, Root, new ListAudit(Limit: 20))),
        ("get user", 3, 9, (ca, n) => ResourceFiles.Get(ca, Root, new GetResources("user", User(n)))),
        ("users update", 28, 150, (ca, n) => Users.Update(ca, Root, new UpdateUser("u11", Logins: [$"x{n}"]))),
        ("user create", 23, 65, (ca, n) => Apply(ca, $"{{kind: user, version: v2, metadata: {{name: new{n}}}, spec: {{roles: [web]}}}}")),
        ("node create", 20, 60, (ca, n) => Apply(ca, $"{{kind: node, version: v2, metadata: {{name: new{n}}}, spec: {{addr: new.example.com}}}}")),
        ("role edit", 18, 110, (ca, n) => Apply(ca, $"{{kind: role, version: v8, metadata: {{name: r1}}, spec: {{allow: {{logins: [x{n}], node_labels: {{env: r1}}}}}}}}")),
        ("lock of a role", 15, 32, (ca, n) => Locks.Create(ca, Root, new CreateLock(Role: "r2"))),
        ("revoke a serial", 25, 175, async (ca, _) => await Revocations.RevokeNamed(
            ca, Root, new RevokeCertificates(Serials: [(await Certificates.List(ca, Root, new ListCertificates(State: "live", Limit: 1))).Certificates[0].Serial]))),
    ];

    public static readonly TheoryData<string> Names = [.. Daily.Select(one => one.Name)];

    private HostWorld small = null!;
    private HostWorld large = null!;

    [SqliteTheory]
    [MemberData(nameof(Names))]
    public async Task Daily_call_costs_the_same_in_a_large_database(string name)
    {
        var (_, statements, kilobytes, call) = Daily.Single(one => one.Name == name);
        var (little, much) = (await Measure(small.Authority, call), await Measure(large.Authority, call));
        Assert.InRange(much.Statements, 1, statements);
        Assert.InRange(Math.Abs(much.Statements - little.Statements), 0, 1);
        Assert.InRange(much.Bytes, 1, kilobytes * 1000);
        Assert.InRange(much.Bytes, 0, little.Bytes * 1.25);
    }

    public async Task InitializeAsync()
    {
        small = await World(history: 500, users: 20, roles: 10, nodes: 20, live: 40);
        large = await World(history: 3000, users: 150, roles: 100, nodes: 200, live: 300);
    }

    public async Task DisposeAsync()
    {
        foreach (var world in (HostWorld[])[small, large])
        {
            await world.Krl.StopAsync(CancellationToken.None);
            await world.DisposeAsync();
        }
    }

    private static async Task<HostWorld> World(int history, int users, int roles, int nodes, int live)
    {
        var world = await HostWorld.Start();
        await FilledDatabase.Write(world.Store.Database, Store.World.Now, history, users, roles, nodes, live);
        await world.Store.Database.Commit(transaction =>
        {
            // Somebody who may review, and four requests that wait for it, one with a vote.
            RoleRow.Table.Put(transaction, RoleRow.Table.Read("""{"version":"v8","allow":{"review_roles":["dba"] } }""", "reviewer") with { Id = Guid.NewGuid(), Revision = 1 });
            UserRow.Table.Put(transaction, Unit.Store.World.User("boss") with { Roles = ["reviewer"] });
            for (var n = 0; n < 4; n++)
            {
                var request = Unit.Store.World.Request(transaction.FindUser($"u{FilledDatabase.Own + n + 1}")!) with { CreatorUid = 6000, CreatorLoginUid = null };
                transaction.InsertRequest(request);
                if (n == 0)
                    transaction.InsertReview(request, 1, new Review(Guid.NewGuid(), "gone", [6001], ReviewDecision.Approve, ["dba"], "", Unit.Store.World.Now));
            }
            return true;
        });
        await world.Krl.StartAsync(CancellationToken.None);
        await world.Krl.Publish();
        return world;
    }

    private static async Task<(double Statements, double Bytes)> Measure(Authority ca, Func<Authority, int, Task> call)
    {
        ca = ca with { Limits = ca.Limits with { LoginsPerMinute = 1000, RequestsPerMinute = 1000, LiveCertificatesPerUser = 1000 } };
        var n = 0;
        for (; n < 5; n++)
            await call(ca, n);
        var statements = 0;
        foreach (var connection in Connections(ca.Database))
            SQLitePCL.raw.sqlite3_trace(connection.Handle, (SQLitePCL.strdelegate_trace)((_, _) => Interlocked.Increment(ref statements)), null);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (; n < 5 + Calls; n++)
            await call(ca, n);
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        foreach (var connection in Connections(ca.Database))
            SQLitePCL.raw.sqlite3_trace(connection.Handle, (SQLitePCL.strdelegate_trace)null!, null);
        return (Math.Round((double)statements / Calls, 1), bytes / Calls);
    }

    private static IEnumerable<SqliteConnection> Connections(Database database)
    {
        var sessions = typeof(Database).GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Select(field => field.GetValue(database))
            .SelectMany(value => value is Session one ? [one] : value is IEnumerable<Session> several ? several : []);
        return sessions.Select(session => (SqliteConnection)session.Connection).ToList();
    }

    private static string User(int n) => $"u{(n % FilledDatabase.Own) + 1}";

    private static Task<AppliedResources> Apply(Authority ca, string text) =>
        ResourceFiles.Apply(ca, Root, new ApplyResources(Encoding.UTF8.GetBytes(text), "one.yaml", Force: true));
}
