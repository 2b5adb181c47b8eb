using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Withdrawals that are too large for the transaction of their change, on a real database. The model test has every kind of them.</summary>
public sealed class WithdrawalsTests : IAsyncLifetime
{
    private const int Users = 20;

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    private readonly Role dba = Sample.Role("dba", ["postgres"], LabelSelector.All);
    private HostWorld world = null!;

    private Database Database => world.Store.Database;

    [Fact]
    public async Task Large_withdrawal_is_whole_when_the_call_returns()
    {
        var applied = await Apply(world.Authority with { ReviewedAtOnce = Users - 1 }, "root");

        Assert.Equal(Users, applied.Revoked.Length);
        Assert.Equal((0, 0), Left());
    }

    [Fact]
    public async Task Small_withdrawal_is_in_the_transaction_of_its_change()
    {
        var withdrawn = await Change(Users);

        Assert.Null(withdrawn.Owed);
        Assert.Equal(Users, withdrawn.Revoked.Length);
        Assert.Equal((0, 0), Left());
    }

    [Fact]
    public async Task Withdrawal_that_a_stopped_daemon_owes_is_finished()
    {
        Assert.NotNull((await Change(Users - 1)).Owed);
        Assert.Equal((Users, 1), Left());

        var next = new PolicyReview(World.Current(world.Authority), NullLogger.Instance);
        await next.Once(CancellationToken.None);

        Assert.Equal((0, 0), Left());
    }

    [Fact]
    public async Task Withdrawal_at_work_is_left_to_its_call()
    {
        var review = new PolicyReview(World.Current(world.Authority), NullLogger.Instance);
        await review.Once(CancellationToken.None);
        var owed = (await Change(0)).Owed!;
        world.Authority.WithdrawalsAtWork.Begin(owed);

        await review.Once(CancellationToken.None);
        Assert.Equal((Users, 1), Left());

        world.Authority.WithdrawalsAtWork.End(owed);
        await review.Once(CancellationToken.None);
        Assert.Equal((0, 0), Left());
    }

    [Fact]
    public async Task First_review_finds_what_was_changed_by_hand()
    {
        using (var outside = world.Store.Outside())
        using (var edit = outside.CreateCommand())
        {
            edit.CommandText = "UPDATE roles SET resource = replace(resource, 'postgres', 'nobody'); UPDATE policy SET generation = 'edited'";
            edit.ExecuteNonQuery();
        }

        await new PolicyReview(World.Current(world.Authority), NullLogger.Instance).Once(CancellationToken.None);

        Assert.Equal((0, 0), Left());
    }

    [Fact]
    public async Task Failed_withdrawal_says_that_the_change_was_made()
    {
        var withdrawn = await Change(0);
        await Database.DisposeAsync();

        var said = await Assert.ThrowsAsync<ProblemException>(() => OwedWithdrawals.Finish(world.Authority, Root.Caller, withdrawn));

        Assert.Equal(ProblemCode.Unavailable, said.Problem.Code);
        Assert.Equal("the change was made, but not everything that it takes away is revoked yet: the daemon is stopping", said.Problem.Detail);
        Assert.False(world.Authority.WithdrawalsAtWork.Has(withdrawn.Owed!.Rows[0]));
    }

    /// <summary>The certificates are alike but for this; the first one, which stays, is judged first.</summary>
    [Theory]
    [InlineData("the node ends before it")]
    [InlineData("another account logged in")]
    [InlineData("it uses a request that is gone")]
    public async Task Certificate_that_differs_is_judged_alone(string by)
    {
        var node = Sample.Node("n1", "env=prod") with { Expires = by == "the node ends before it" ? World.Now.AddHours(1) : null };
        var users = Database.Read(snapshot => snapshot.Users().OrderBy(user => user.Name, StringComparer.Ordinal).Take(2).ToArray());
        var first = World.Certificate(101, users[0]) with { Principals = ["postgres@n1"] };
        var other = first with { Serial = 102, UserId = users[1].Id };
        var second = by switch
        {
            "the node ends before it" => other with { Issued = first.Issued.AddMinutes(30), ValidBefore = first.ValidBefore.AddMinutes(30) },
            "another account logged in" => other with { Caller = new UnixIdentity(5002, "eve") },
            _ => other with { Requests = [Guid.NewGuid().ToString()], Principals = ["root@n1"] },
        };
        await Database.Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, dba with { Revision = 2, Allow = dba.Allow with { NodeLabels = Sample.Where("env=prod") } });
            NodeRow.Table.Put(transaction, node);
            transaction.InsertCertificate(first, []);
            transaction.InsertCertificate(second, []);
            return true;
        });

        var lost = Database.Read(snapshot =>
        {
            var losses = new Losses(world.Authority.Limits, snapshot, snapshot.Policy(), World.Now);
            return users.SelectMany(user => losses.Of(user.Id, user).Revoked).Select(one => one.Serial).Where(serial => serial > Users).ToList();
        });

        Assert.Equal([102UL], lost);
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await world.Krl.StartAsync(CancellationToken.None);
        await world.Krl.Publish();
        await Database.Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, dba);
            for (var n = 0; n < Users; n++)
            {
                var user = World.User($"u{n}") with { Roles = ["dba"], UnixUsers = [UnixUser.TryParse("5001")!.Value] };
                UserRow.Table.Put(transaction, user);
                transaction.InsertCertificate(World.Certificate((ulong)n + 1, user), []);
            }
            return true;
        });
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    /// <summary>Takes the login away from everyone, without finishing what is owed.</summary>
    private Task<Withdrawn> Change(int atOnce) => Database.Commit(transaction =>
    {
        RoleRow.Table.Put(transaction, Sample.Role("dba", ["root"], LabelSelector.All) with { Id = dba.Id, Revision = 2 });
        return Withdrawals.Review(world.Authority with { ReviewedAtOnce = atOnce }, transaction, Root.Caller, World.Now);
    });

    private static Task<AppliedResources> Apply(Authority ca, string login) => ResourceFiles.Apply(ca, Root, new ApplyResources(
        System.Text.Encoding.UTF8.GetBytes($"{{kind: role, version: v8, metadata: {{name: dba}}, spec: {{allow: {{logins: [{login}], node_labels: {{'*': '*'}}}}}}}}"),
        "role.yaml", Force: true));

    private (int Live, int Owed) Left() => Database.Read(snapshot => (snapshot.CountLive(World.Now), snapshot.OwedWithdrawals().Count));
}
