using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Model;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The policy follows each change of a row without reading all rows again, and is what they say.</summary>
public sealed class PolicyTablesTests : IAsyncLifetime
{
    private readonly World world = new();

    [Theory]
    [InlineData(10)]
    [InlineData(500)]
    public async Task Each_change_in_a_transaction_reads_one_row(int count)
    {
        var read = await world.Database.Commit(transaction =>
        {
            var (before, fresh) = (Resources(transaction.Policy()), 0);
            for (var n = 0; n < count; n++)
            {
                if (n % 3 == 0)
                    RoleRow.Table.Put(transaction, Sample.Role($"r{n}", ["root"]));
                else if (n % 3 == 1)
                    NodeRow.Table.Put(transaction, Sample.Node($"n{n}", "env=prod"));
                else
                    LockRow.Table.Put(transaction, Lock(n));
                var after = Resources(transaction.Policy());
                fresh += after.Count(one => !before.Contains(one));
                before = after;
            }
            return fresh;
        });
        Assert.Equal(count, read);
        Assert.Equal(count, Resources(world.Database.Read(snapshot => snapshot.Policy())).Count);
    }

    [Fact]
    public async Task Reader_uses_the_policy_that_the_writer_has_made()
    {
        var made = await world.Database.Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, Sample.Role("dba", ["root"]));
            return transaction.Policy();
        });
        Assert.Same(made, world.Database.Read(snapshot => snapshot.Policy()));
    }

    [Fact]
    public async Task Policy_after_any_changes_is_what_the_rows_say()
    {
        var dice = new Dice(7);
        for (var round = 0; round < 60; round++)
        {
            Func<Transaction, string>[] changes = [.. Enumerable.Range(0, 3).Select(_ => Change((ulong)dice.Throw(int.MaxValue), fails: dice.OneIn(4)))];
            await world.InOneBatch(changes);
            var known = world.Database.Read(snapshot => snapshot.Policy());
            Assert.Equal(Database.Peek(TestStore.At(world.Path), snapshot => Lines(snapshot.Policy())), Lines(known));
            Assert.Equal(await world.Database.Commit(transaction => Lines(transaction.Policy())), Lines(known));
        }
    }

    [Fact]
    public async Task Damaged_row_is_read_anew_by_each_transaction()
    {
        await world.Database.Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, Sample.Role("dba", ["root"]));
            return true;
        });
        using (var outside = world.Outside())
        using (var spoil = outside.CreateCommand())
        {
            spoil.CommandText = "UPDATE roles SET resource = '{'; UPDATE policy SET generation = 'edited'";
            spoil.ExecuteNonQuery();
        }
        Assert.False(await world.Database.Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, Sample.Node("db1"));
            return transaction.Policy().IsWhole;
        }));
        Assert.True(await world.Database.Commit(transaction =>
        {
            RoleRow.Table.Remove(transaction, RoleRow.Table.FindUnreadable(transaction, "dba")!);
            return transaction.Policy().IsWhole;
        }));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static Func<Transaction, string> Change(ulong seed, bool fails) => transaction =>
    {
        var dice = new Dice(seed);
        for (var step = 0; step < 5; step++)
        {
            var (policy, n) = (transaction.Policy(), dice.Throw(6));
            var removes = dice.OneIn(3);
            switch (dice.Throw(4))
            {
                case 0 when policy.Roles.TryGetValue($"r{n}", out var role):
                    if (removes)
                        RoleRow.Table.Remove(transaction, role);
                    else
                        RoleRow.Table.Put(transaction, role with { Revision = role.Revision + 1, Description = $"{seed}" });
                    break;
                case 0:
                    RoleRow.Table.Put(transaction, Sample.Role($"r{n}", ["root"]) with { Id = Guid.NewGuid() });
                    break;
                case 1 when policy.Nodes.TryGetValue($"n{n}", out var node):
                    if (removes)
                        NodeRow.Table.Remove(transaction, node);
                    else
                        NodeRow.Table.Put(transaction, node with { Revision = node.Revision + 1, LoginDomain = "corp.example.com" });
                    break;
                case 1:
                    NodeRow.Table.Put(transaction, Sample.Node($"n{n}", "env=prod") with { Id = Guid.NewGuid() });
                    break;
                case 2 when policy.Groups.FirstOrDefault(members => members.Group.Name == $"g{n}")?.Group is { } group:
                    if (removes)
                        NodeGroupRow.Table.Remove(transaction, group);
                    else
                        NodeGroupRow.Table.Put(transaction, group with { Token = NodeGroupRow.NewToken(group.Name) });
                    break;
                case 2:
                    NodeGroupRow.Table.Put(transaction, new NodeGroup(Guid.NewGuid(), $"g{n}", 1, Sample.Where("env=prod")) { Token = NodeGroupRow.NewToken($"g{n}") });
                    break;
                case 3 when policy.Locks.TryGetValue($"l{n}", out var one):
                    LockRow.Table.Remove(transaction, one);
                    break;
                default:
                    LockRow.Table.Put(transaction, Lock(n));
                    break;
            }
        }
        return fails ? throw new ProblemException(new Problem(ProblemCode.Denied, "no")) : "done";
    };

    private static AccessLock Lock(int n) => new(Guid.NewGuid(), $"l{n}", 1, new LockTarget(LockKind.User, $"u{n}"), "", null);

    private static HashSet<Resource> Resources(Policy policy) =>
        new([.. policy.Roles.Values, .. policy.Nodes.Values, .. policy.Locks.Values], ReferenceEqualityComparer.Instance);

    private static string Lines(Policy policy) => string.Join(
        '\n',
        [
            policy.Generation,
            .. policy.Roles.Select(role => $"{role.Key} {role.Value.Id} {role.Value.Revision} {RoleRow.Table.Write(role.Value)}"),
            .. policy.Nodes.Select(node => $"{node.Key} {node.Value.Id} {node.Value.Revision} {NodeRow.Table.Write(node.Value)}"),
            .. policy.Locks.Select(one => $"{one.Key} {one.Value.Id} {one.Value.Revision} {LockRow.Table.Write(one.Value)}"),
            .. policy.Groups.Select(one => $"{one.Group.Id} {one.Group.Revision} {NodeGroupRow.Table.Write(one.Group)} {string.Join(' ', one.Nodes.Values.Select(node => node.Id).Order())}"),
            string.Join(' ', policy.LoginDomains),
        ]);
}
