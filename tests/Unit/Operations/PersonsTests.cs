using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Model;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Who is one person, read from the few users whom a question concerns, is what all users together say.</summary>
public class PersonsTests
{
    [Fact]
    public async Task Near_people_are_one_whenever_all_users_say_so()
    {
        await using var world = new World();
        var (joined, apart) = (0, 0);
        for (var seed = 0UL; seed < 60; seed++)
        {
            var dice = new Dice(seed);
            var uids = Enumerable.Range(0, 8).ToDictionary(n => $"a{n}", n => dice.OneIn(4) ? null : (uint?)((n / 2) + 100), StringComparer.Ordinal);
            var accounts = new AccountUids(uids, null);
            var users = Enumerable.Range(0, 9).Select(n => World.User($"s{seed}u{n}") with
            {
                UnixUsers = [.. Enumerable.Range(0, dice.Throw(3)).Select(_ => dice.OneIn(3) ? UnixUser.TryParse($"{100 + dice.Throw(4)}")!.Value : UnixUser.Account($"a{dice.Throw(8)}"))],
            }).ToArray();
            User Any() => dice.Of(users);
            uint Uid() => (uint)(98 + dice.Throw(8));
            var request = World.Request(Any()) with
            {
                CreatorUid = Uid(),
                CreatorLoginUid = dice.OneIn(2) ? null : Uid(),
                RequesterUids = [Uid()],
                RequesterUsers = dice.OneIn(2) ? [] : [Any().Id],
            };
            var reviews = Enumerable.Range(0, dice.Throw(3)).Select(_ => Any()).DistinctBy(user => user.Id)
                .Select(user => new Review(user.Id, user.Name, [Uid()], ReviewDecision.Approve, ["dba"], "", World.Now) { AuthorUsers = dice.OneIn(2) ? [] : [Any().Id] }).ToArray();
            request = request with { Reviews = [.. reviews] };
            var uid = Uid();
            var by = new Caller(new UnixIdentity(uid, accounts.With(uid).FirstOrDefault()), IsRoot: false, dice.OneIn(2) ? null : new UnixIdentity(Uid(), null));
            var viewer = Any();
            await world.Database.Commit(transaction =>
            {
                foreach (var old in transaction.Users())
                    UserRow.Table.Remove(transaction, old);
                foreach (var user in users)
                    UserRow.Table.Put(transaction, user);
                return true;
            });
            world.Database.Read(snapshot =>
            {
                var persons = new Persons(snapshot, accounts);
                IEnumerable<Alias> me = by.Aliases.Prepend(Alias.User(viewer.Id));
                var (all, near) = (persons.All.And(request).And([me]), persons.Around([request], by, viewer).And(request).And([me]));
                foreach (var other in reviews.Select(review => review.AuthorId).Append(request.UserId))
                {
                    var same = all.AreOne(Alias.User(viewer.Id), Alias.User(other));
                    Assert.True(same == near.AreOne(Alias.User(viewer.Id), Alias.User(other)), $"seed {seed}");
                    (joined, apart) = same ? (joined + 1, apart) : (joined, apart + 1);
                }
                return true;
            });
        }
        Assert.True(joined > 20 && apart > 20, $"{joined} joined, {apart} apart");
    }
}
