using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Which users, accounts and uids are one person.</summary>
public class PeopleTests
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(1000);

    private static readonly Guid[] Users = [.. Enumerable.Range(0, 5).Select(_ => Guid.NewGuid())];

    private static readonly Alias[] Everything =
    [
        .. Users.Select(Alias.User), .. ((string[])["alice", "bob", "carol", "1"]).Select(Alias.Account), .. ((Uid[])[1, 2, 3, new(1, Realm: 2)]).Select(Alias.Uid),
    ];

    // Few links of few aliases, so that long chains and separate people both come about.
    private static readonly Gen<Alias[][]> Links =
        from count in Gen.Choose(0, 8)
        from links in Gen.Choose(0, 3).SelectMany(length => Gen.Elements(Everything).ArrayOf(length)).ArrayOf(count)
        select links;

    [Fact]
    public void People_are_the_transitive_closure_of_their_links() => Prop.ForAll(Links.ToArbitrary(), Links.ToArbitrary(), (some, more) =>
    {
        var people = People.Strangers.And(some).And(more);
        var naive = Closure([.. some, .. more]);
        return Everything.All(one => Everything.All(other => people.AreOne(one, other) == naive(one, other)));
    }).Check(Often);

    [Fact]
    public void The_uids_of_a_person_are_those_in_the_closure() => Prop.ForAll(Links.ToArbitrary(), links =>
    {
        var people = People.Strangers.And(links);
        var seen = links.SelectMany(link => link).ToHashSet();
        return Everything.Where(seen.Contains).All(one => people.UidsOf(one).SequenceEqual(
            ((Uid[])[1, 2, 3, new(1, Realm: 2)]).Where(uid => seen.Contains(Alias.Uid(uid)) && Closure(links)(one, Alias.Uid(uid)))));
    }).Check(Often);

    [Fact]
    public void Shared_account_and_shared_user_chain_into_one_person()
    {
        // Alice shares an account with bob, bob shares a uid with carol: she and alice have nothing in common but him.
        var (alice, bob, carol, dave) = (Sample.User("alice").OwnedBy("alice", "ops"), Sample.User("bob").OwnedBy("ops", "bob"), Sample.User("carol").OwnedBy("carol", "5002"), Sample.User("dave").OwnedBy("dave"));
        var people = People.From([alice, bob, carol, dave], account => account == "bob" ? 5002u : null);
        Assert.True(people.AreOne(Alias.User(alice.Id), Alias.User(carol.Id)));
        Assert.True(people.AreOne(Alias.User(alice.Id), Alias.Account("carol")));
        Assert.False(people.AreOne(Alias.User(alice.Id), Alias.User(dave.Id)));
        Assert.Equal(5002u, Assert.Single(people.UidsOf(Alias.User(alice.Id))));
        // Without bob, or without knowing which uid he has, they are two.
        Assert.False(People.From([alice, carol, dave], _ => null).AreOne(Alias.User(alice.Id), Alias.User(carol.Id)));
        Assert.False(People.From([alice, bob, carol], _ => null).AreOne(Alias.User(alice.Id), Alias.User(carol.Id)));
    }

    [Fact]
    public void Account_name_of_digits_is_not_a_uid()
    {
        var (named, numbered) = (Sample.User("named") with { UnixUsers = [UnixUser.Account("7")] }, Sample.User("numbered").OwnedBy("7"));
        Assert.False(People.From([named, numbered], _ => null).AreOne(Alias.User(named.Id), Alias.User(numbered.Id)));
    }

    [Fact]
    public void Users_once_one_person_stay_so_for_the_request()
    {
        // The accounts of carol and dave have other uids now than when alice filed and bob voted.
        var (alice, bob, carol, dave) = (Sample.User("alice"), Sample.User("bob"), Sample.User("carol"), Sample.User("dave"));
        var request = Sample.Request(alice, RequestState.Pending, Sample.Role("dba")) with
        {
            RequesterUsers = [alice.Id, carol.Id],
            Reviews = [new Review(bob.Id, "bob", [], ReviewDecision.Approve, [], "", Sample.Now) { AuthorUsers = [bob.Id, dave.Id] }],
        };
        var people = People.From([alice, bob, carol, dave], _ => null).And(request);
        Assert.True(people.AreOne(Alias.User(alice.Id), Alias.User(carol.Id)));
        Assert.True(people.AreOne(Alias.User(bob.Id), Alias.User(dave.Id)));
        Assert.False(people.AreOne(Alias.User(alice.Id), Alias.User(bob.Id)));
        Assert.Equal(new[] { alice.Id, carol.Id }.Order(), people.UsersOf(Alias.User(carol.Id)));
    }

    [Fact]
    public void Identities_recorded_in_a_request_join_people_for_it()
    {
        var (alice, bob, carol) = (Sample.User("alice"), Sample.User("bob"), Sample.User("carol"));
        var request = Sample.Request(alice, RequestState.Pending, Sample.Role("dba")) with
        {
            CreatorLoginUid = 9,
            RequesterUids = [10],
            Reviews = [new Review(bob.Id, "bob", [11, 12], ReviewDecision.Approve, [], "", Sample.Now), new Review(carol.Id, "carol", [12, 13], ReviewDecision.Approve, [], "", Sample.Now)],
        };
        var people = People.From([alice, bob, carol], _ => null).And(request);
        Assert.All([request.CreatorUid, 9u, 10u], uid => Assert.True(people.AreOne(Alias.User(alice.Id), Alias.Uid(uid))));
        Assert.True(people.AreOne(Alias.User(bob.Id), Alias.User(carol.Id)));
        Assert.False(people.AreOne(Alias.User(alice.Id), Alias.User(bob.Id)));
    }

    /// <summary>Warshall's algorithm, over the pairs that share a link.</summary>
    private static Func<Alias, Alias, bool> Closure(Alias[][] links)
    {
        var reach = new HashSet<(Alias, Alias)>(Everything.Select(one => (one, one)));
        foreach (var link in links)
            foreach (var one in link)
                foreach (var other in link)
                    reach.Add((one, other));
        foreach (var between in Everything)
            foreach (var from in Everything)
                foreach (var to in Everything)
                    if (reach.Contains((from, between)) && reach.Contains((between, to)))
                        reach.Add((from, to));
        return (one, other) => reach.Contains((one, other));
    }
}
