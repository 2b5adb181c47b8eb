using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// Which users a change of the policy makes the daemon review: too few would leave them what they lost, which the model test would find, and
/// too many would cost time.
/// </summary>
public sealed class TouchedUsersTests : IAsyncLifetime
{
    private readonly World world = new();
    private readonly Role dba = Sample.Role("dba", ["postgres"], Sample.Where("env=prod"));
    private readonly Role web = Sample.Role("web", ["deploy"], Sample.Where("env=test"));
    private readonly Node db1 = Sample.Node("db1", "env=prod");
    private readonly Node bastion = Sample.Node("bastion", "env=way") with { Jump = true };
    private readonly User alice = World.User("alice") with { Roles = ["dba"] };
    private readonly User bob = World.User("bob") with { Roles = ["web"] };
    private readonly User carol = World.User("carol");
    private AccessRequest inUse = null!;

    [Fact]
    public Task Changed_role_touches_who_holds_it_or_was_granted_it() =>
        Touches("alice carol", transaction => RoleRow.Table.Put(transaction, dba with { Revision = 2 }));

    [Fact]
    public Task Removed_role_touches_who_holds_it() => Touches("bob", transaction => RoleRow.Table.Remove(transaction, web));

    [Fact]
    public Task New_role_touches_nobody_who_does_not_hold_it() =>
        Touches("", transaction => RoleRow.Table.Put(transaction, Sample.Role("new", ["root"])));

    [Fact]
    public Task Role_stored_as_it_was_touches_nobody() => Touches("", transaction => RoleRow.Table.Put(transaction, dba));

    [Fact]
    public Task Role_that_gets_an_end_touches_its_holders() =>
        Touches("alice carol", transaction => RoleRow.Table.Put(transaction, dba with { Expires = World.Now.AddHours(1) }));

    [Fact]
    public Task New_user_and_new_node_touch_nobody() => Touches("", transaction =>
    {
        UserRow.Table.Put(transaction, World.User("dave") with { Roles = ["dba"] });
        NodeRow.Table.Put(transaction, Sample.Node("db2", "env=prod"));
    });

    [Fact]
    public Task Changed_user_touches_themselves() => Touches("bob", transaction => UserRow.Table.Put(transaction, bob with { Roles = [], Revision = 2 }));

    [Fact]
    public Task Changed_node_touches_who_could_reach_it_before() =>
        Touches("alice carol", transaction => NodeRow.Table.Put(transaction, Sample.Node("db1", "env=test") with { Id = db1.Id, Revision = 2 }));

    [Fact]
    public Task Removed_node_touches_who_could_reach_it() => Touches("alice carol", transaction => NodeRow.Table.Remove(transaction, db1));

    [Fact]
    public Task Changed_jump_host_touches_who_can_reach_what_is_behind_it() =>
        Touches("bob", transaction => NodeRow.Table.Put(transaction, bastion with { Labels = Sample.Labels("env=closed"), Revision = 2 }));

    [Theory]
    [InlineData(LockKind.User, "bob", "bob")]
    [InlineData(LockKind.User, "nobody", "")]
    [InlineData(LockKind.Role, "dba", "alice carol")]
    [InlineData(LockKind.Request, "", "carol")]
    [InlineData(LockKind.Login, "postgres", "everybody")]
    [InlineData(LockKind.Node, "db1", "alice carol")]
    [InlineData(LockKind.Node, "web1", "bob")]
    [InlineData(LockKind.Node, "bastion", "bob")]
    [InlineData(LockKind.Node, "gone", "everybody")]
    public Task Lock_touches_who_loses_something(LockKind kind, string name, string touched) =>
        Touches(touched, transaction => LockRow.Table.Put(transaction, Lock(kind, kind == LockKind.Request ? inUse.Id.ToString() : name)));

    [Fact]
    public Task Removed_lock_touches_nobody() => Touches(
        "",
        transaction => LockRow.Table.Remove(transaction, Lock(LockKind.Login, "root")));

    [Fact]
    public async Task Row_that_could_not_be_read_touches_everybody()
    {
        using (var outside = world.Outside())
        using (var spoil = outside.CreateCommand())
        {
            spoil.CommandText = "UPDATE nodes SET resource = '{'";
            spoil.ExecuteNonQuery();
        }
        await Touches("everybody", transaction => NodeRow.Table.Remove(transaction, NodeRow.Table.FindUnreadable(transaction, "db1")!));
    }

    [Fact]
    public async Task Roles_that_were_changed_by_hand_are_found()
    {
        using (var outside = world.Outside())
        using (var mend = outside.CreateCommand())
        {
            mend.CommandText = "UPDATE users SET resource = replace(resource, 'web', 'dba') WHERE name = 'bob'";
            mend.ExecuteNonQuery();
        }
        await Touches("alice bob carol", transaction => RoleRow.Table.Put(transaction, dba with { Revision = 2 }));
    }

    [Fact]
    public async Task Users_with_access_have_something_live_or_open()
    {
        await world.Database.Commit(transaction =>
        {
            transaction.InsertCertificate(World.Certificate(1, alice), []);
            transaction.InsertCertificate(World.Certificate(2, bob, World.Now), []);
            return true;
        });
        Assert.Equal(
            new[] { alice.Id, carol.Id }.Order(),
            world.Database.Read(snapshot => snapshot.UsersWithAccess(World.Now)).Order());
    }

    public async Task InitializeAsync() => await world.Database.Commit(transaction =>
    {
        RoleRow.Table.Put(transaction, dba);
        RoleRow.Table.Put(transaction, web);
        NodeRow.Table.Put(transaction, db1);
        NodeRow.Table.Put(transaction, bastion);
        NodeRow.Table.Put(transaction, Sample.Node("web1", "env=test") with { Via = "bastion" });
        foreach (var user in (User[])[alice, bob, carol])
            UserRow.Table.Put(transaction, user);
        var request = World.Request(carol);
        transaction.InsertRequest(request);
        inUse = transaction.UpdateRequest(request, request with { StoredState = RequestState.Approved, GrantedRoles = [dba.Pin()] });
        // A request of bob's for the same role is over.
        var over = World.Request(bob) with { AccessUntil = World.Now };
        transaction.InsertRequest(over);
        transaction.UpdateRequest(over, over with { StoredState = RequestState.Approved, GrantedRoles = [dba.Pin()] });
        return true;
    });

    public async Task DisposeAsync() => await world.DisposeAsync();

    private async Task Touches(string names, Action<Transaction> change) => Assert.Equal(names, await world.Database.Commit(transaction =>
    {
        change(transaction);
        if (transaction.Touched.IsEverybody)
            return "everybody";
        var users = transaction.UsersTouchedBy(transaction.Touched, World.Now);
        return string.Join(' ', ((User[])[alice, bob, carol]).Where(user => users.Contains(user.Id)).Select(user => user.Name));
    }));

    private static AccessLock Lock(LockKind kind, string name) => new(Guid.NewGuid(), "one", 1, new LockTarget(kind, name), "", null);
}
