using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>What the next start would not read is not stored, whoever writes it.</summary>
public sealed class ReadBackTests : IAsyncLifetime
{
    private static readonly ImmutableSortedDictionary<string, string> NoLabels = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private readonly World world = new();

    [Theory]
    [InlineData("a name that is none", "could not be read again: user \"A B\"")]
    [InlineData("a role that can be none", "could not be read again: user \"alice\"")]
    [InlineData("an account that looks like a uid", "would be read again as something else")]
    [InlineData("a role twice", "would be read again as something else")]
    public async Task User_that_would_not_read_back_is_not_stored(string what, string why)
    {
        var alice = World.User("alice");
        var user = what switch
        {
            "a name that is none" => World.User("A B"),
            "a role that can be none" => alice with { Roles = ["dba", "A B"] },
            "an account that looks like a uid" => alice with { UnixUsers = [UnixUser.Account("5001")] },
            "a role twice" => alice with { Roles = ["dba", "dba"] },
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
        await Undone(transaction => transaction.PutUser(user), why);
        Assert.Empty(world.Database.Read(snapshot => snapshot.Users()));
        Assert.False(world.Database.Read(snapshot => snapshot.OwnsUser(new UnixIdentity(1, "alice"))));
    }

    [Fact]
    public async Task Role_node_or_lock_that_would_not_read_back_is_not_stored()
    {
        var dba = new Role(Guid.NewGuid(), "dba", "v8", 1, "", NoLabels, null, RoleConditions.Empty, RoleConditions.Empty, RoleOptions.None);
        await Undone(transaction => transaction.PutRole(dba with { Version = "v9" }), "could not be read again: role \"dba\"");
        await Undone(transaction => transaction.PutRole(dba with { Options = RoleOptions.None with { ForceCommand = "" } }), "could not be read again: role \"dba\"");
        await Undone(transaction => transaction.PutNode(new Node(Guid.NewGuid(), "db1", 1, "DB1", NoLabels)), "would be read again as something else");
        await Undone(transaction => transaction.PutNode(new Node(Guid.NewGuid(), "db1", 1, "", NoLabels)), "could not be read again: node \"db1\"");
        await Undone(transaction => transaction.PutLock(new AccessLock(Guid.NewGuid(), "one", 1, new LockTarget(LockKind.Request, "dba"), "", null)), "could not be read again: lock \"one\"");
        var policy = world.Database.Read(snapshot => snapshot.Policy());
        Assert.Empty(policy.Roles);
        Assert.Empty(policy.Nodes);
        Assert.Empty(policy.Locks);
    }

    // Whatever an account is called: it is stored and read as it was, or refused.
    [Fact]
    public void Account_of_any_name_reads_back_unchanged_or_is_rejected() =>
        Prop.ForAll(Gen.Elements("a0 \u3164\u0301\ud800\ufffd:/\\\"'{}[]~#&*!|>%@,null".ToCharArray()).NonEmptyListOf().Select(some => new string([.. some])).ToArbitrary(), name =>
        {
            if (UnixUser.TryParse(name) is not { } account)
                return true;
            var user = World.User("alice") with { UnixUsers = [account] };
            world.Database.Commit(transaction =>
            {
                transaction.PutUser(user);
                transaction.RemoveUser(user);
                return true;
            }).GetAwaiter().GetResult();
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private async Task Undone(Action<Transaction> put, string why)
    {
        var refused = await Assert.ThrowsAsync<ProblemException>(() => world.Database.Commit(transaction =>
        {
            put(transaction);
            return true;
        }));
        Assert.Equal(ProblemCode.Invalid, refused.Problem.Code);
        Assert.Contains("nothing was changed", refused.Message, StringComparison.Ordinal);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }
}
