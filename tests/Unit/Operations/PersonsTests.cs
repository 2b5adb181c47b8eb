using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Who is one person, found without reading every user.</summary>
public sealed class PersonsTests : IAsyncLifetime
{
    private static readonly string[] Accounts = ["alice", "bob", "carol", "dave", "erika"];
    private static readonly uint[] Uids = [5001, 5002, 5003, 5004];

    // Few accounts of few uids, so that long chains and separate people both come about; 0 is an account that does not exist.
    private static readonly Gen<(string[][] Entries, uint[] Uids)> Sharing =
        from entries in Gen.Choose(0, 2).SelectMany(count => Gen.Elements([.. Accounts, .. Uids.Select(uid => $"{uid}")]).ArrayOf(count)).ArrayOf(7)
        from uids in Gen.Elements([0u, .. Uids]).ArrayOf(Accounts.Length)
        select (entries, uids);

    private readonly World world = new();

    /// <summary>Alice and bob share an account, bob and carol a uid under two names, erika has that uid; dave shares nothing with them.</summary>
    [Fact]
    public async Task Person_is_followed_through_shared_accounts_and_uids()
    {
        User[] users = [Owned("alice", "alice", "deploy"), Owned("bob", "deploy", "bob"), Owned("carol", "robert"), Owned("dave", "dave"), Owned("erika", "5002")];
        await Put(users);
        var uids = await new UidBook(TimeProvider.System, account => account switch { "alice" => 5001u, "bob" or "robert" => 5002u, "deploy" => 5005u, _ => null })
            .Ask(["alice", "bob", "robert", "deploy", "dave"]);
        world.Database.Read(snapshot =>
        {
            var people = new Persons(snapshot, uids).Behind([Alias.User(users[0].Id)]);
            Assert.Equal([true, true, true, false, true], users.Select(user => people.AreOne(Alias.User(users[0].Id), Alias.User(user.Id))));
            Assert.Equal("5001 5002 5005", string.Join(' ', people.UidsOf(Alias.User(users[4].Id))));
            return true;
        });
    }

    [Fact]
    public async Task Person_is_the_same_as_among_all_users()
    {
        foreach (var (entries, uids) in Sharing.Sample(200))
        {
            var users = entries.Select((some, n) => Owned($"u{n}", [.. some.Distinct()])).ToArray();
            await Put(users);
            var uidOf = Accounts.Zip(uids).ToDictionary(one => one.First, one => one.Second == 0 ? (uint?)null : one.Second);
            var heard = await new UidBook(TimeProvider.System, account => uidOf[account]).Ask(Accounts);
            Alias[] everything = [.. users.Select(user => Alias.User(user.Id)), .. Accounts.Select(Alias.Account), .. Uids.Select(uid => Alias.Uid(uid))];
            world.Database.Read(snapshot =>
            {
                var (all, persons) = (People.From(users, account => uidOf[account]), new Persons(snapshot, heard));
                foreach (var one in everything)
                {
                    var near = persons.Behind([one]);
                    Assert.Equal(everything.Select(other => all.AreOne(one, other)), everything.Select(other => near.AreOne(one, other)));
                    if (one.Id is not null)
                        Assert.Equal((Shown(all.UidsOf(one)), Shown(all.UsersOf(one))), (Shown(near.UidsOf(one)), Shown(near.UsersOf(one))));
                }
                return true;
            });
        }
        static string Shown<T>(IEnumerable<T> some) => string.Join(' ', some);
    }

    [Fact]
    public async Task User_who_shares_nothing_is_not_read()
    {
        User[] users = [Owned("alice", "alice"), Owned("bob", "bob")];
        await Put(users);
        var uids = await new UidBook(TimeProvider.System, _ => 5001).Ask(["alice"]);
        world.Database.Read(snapshot =>
        {
            // The system was not asked about bob, and does not need to be.
            Assert.False(new Persons(snapshot, uids).Behind([Alias.User(users[0].Id)]).AreOne(Alias.User(users[0].Id), Alias.User(users[1].Id)));
            Assert.Null(uids.Fault);
            new Persons(snapshot, uids).Behind([Alias.User(users[1].Id)]);
            Assert.Equal("the system was not asked yet which uid the account bob has", uids.Fault);
            return true;
        });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static User Owned(string name, params string[] accounts) => World.User(name) with { UnixUsers = [.. accounts.Select(account => UnixUser.TryParse(account)!.Value)] };

    private Task<bool> Put(User[] users) => world.Database.Commit(transaction =>
    {
        foreach (var before in transaction.Users())
            UserRow.Table.Remove(transaction, before);
        foreach (var user in users)
            UserRow.Table.Put(transaction, user);
        return true;
    });
}
