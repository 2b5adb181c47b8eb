using CertAuthority.Access.Users;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>How users are found without reading all of them.</summary>
public sealed class UserTableTests : IAsyncLifetime
{
    private readonly World world = new();

    [Fact]
    public async Task Users_are_found_by_roles_and_names()
    {
        await Put(World.User("alice") with { Roles = ["staff", "dba"] }, World.User("bob") with { Roles = ["lead"] }, World.User("carol"), World.User("dave") with { Roles = ["staff"] });
        Assert.Equal(["alice", "dave"], Found(["staff"], []));
        Assert.Equal(["alice", "bob", "carol"], Found(["dba", "lead"], ["carol", "alice", "zoe"]));
        Assert.Equal([], Found(["nobody"], []));
        Assert.Single(Found(["staff"], [], most: 1));
    }

    [Fact]
    public async Task User_is_found_by_the_roles_of_the_last_change()
    {
        var bob = World.User("bob") with { Roles = ["lead"] };
        await Put(bob);
        await Put(bob with { Roles = ["dba"], Revision = 2 });
        Assert.Equal([], Found(["lead"], []));
        Assert.Equal(["bob"], Found(["dba"], []));
        await world.Database.Commit(transaction =>
        {
            UserRow.Table.Remove(transaction, bob);
            return true;
        });
        Assert.Equal([], Found(["dba"], ["bob"]));
    }

    [Fact]
    public async Task Unreadable_user_does_not_hide_the_others()
    {
        await Put(World.User("alice") with { Roles = ["staff"] }, World.User("bob") with { Roles = ["staff"] });
        using (var outside = world.Outside())
        using (var command = outside.CreateCommand())
        {
            command.CommandText = "UPDATE users SET resource = '{}' WHERE name = 'alice'";
            command.ExecuteNonQuery();
        }
        Assert.Equal(["bob"], Found(["staff"], []));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private Task<bool> Put(params User[] users) => world.Database.Commit(transaction =>
    {
        foreach (var user in users)
            UserRow.Table.Put(transaction, user);
        return true;
    });

    private string[] Found(string[] roles, string[] names, int most = 100) =>
        world.Database.Read(snapshot => snapshot.UsersWith([.. roles], [.. names], most).Select(user => user.Name).ToArray());
}
