using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
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

    [Fact]
    public async Task Resource_that_would_not_read_back_is_not_stored()
    {
        await Undone(transaction => NodeRow.Table.Put(transaction, new Node(Guid.NewGuid(), "db1", 1, "DB1", NoLabels)), "would be read again as something else");
        await Undone(transaction => LockRow.Table.Put(transaction, new AccessLock(Guid.NewGuid(), "one", 1, new LockTarget(LockKind.Request, "dba"), "", null)), "could not be read again: lock \"one\"");
        var policy = world.Database.Read(snapshot => snapshot.Policy());
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
                UserRow.Table.Put(transaction, user);
                UserRow.Table.Remove(transaction, user);
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
