using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class UnixIdentityTests
{
    [Theory]
    [InlineData("the account by name", "alice", 5001, "alice", true)]
    [InlineData("another account", "alice", 5001, "bob", false)]
    [InlineData("an account in another case", "alice", 5001, "Alice", false)]
    [InlineData("a uid, whatever its account", "5001", 5001, "bob", true)]
    [InlineData("a uid without an account", "5001", 5001, null, true)]
    [InlineData("another uid", "5001", 5002, "alice", false)]
    [InlineData("a uid is never an account's name", "5001", 5002, "5001", false)]
    [InlineData("a name without an account behind the caller", "alice", 5001, null, false)]
    [InlineData("uid 0", "0", 0, "root", true)]
    [InlineData("leading zeros", "0005001", 5001, null, true)]
    public void Unix_users_entry_matches_only_its_caller(string situation, string entry, uint uid, string? account, bool means) =>
        Assert.True(means == UnixUser.TryParse(entry)!.Value.Is(new UnixIdentity(uid, account)), situation);

    [Theory]
    [InlineData("65534", "what an unmapped uid reads as")]
    [InlineData("4294967295", "no uid")]
    [InlineData("4294967296", "too large for a uid")]
    [InlineData("99999999999999999999", "far too large")]
    [InlineData("", "nothing")]
    [InlineData("ali\nce", "a control character")]
    [InlineData("al\u202eice", "a character that turns the reading direction")]
    public void Unix_users_entry_that_can_be_nobody_is_rejected(string entry, string because) => Assert.True(UnixUser.TryParse(entry) is null, because);

    [Fact]
    public void Unmapped_uids_are_nobody()
    {
        Assert.False(UnixIdentity.IsSomebody(65534));
        Assert.False(UnixIdentity.IsSomebody(uint.MaxValue));
        Assert.True(UnixIdentity.IsSomebody(0));
        Assert.True(UnixIdentity.IsSomebody(65533));
        Assert.True(UnixIdentity.IsSomebody(65535));
    }

    [Fact]
    public void User_name_of_digits_is_never_a_uid()
    {
        var user = Sample.User("5001");
        Assert.False(user.IsOwnedBy(new UnixIdentity(5001, "mallory")));
        Assert.True(user.IsOwnedBy(new UnixIdentity(7, "5001")));
    }

    [Fact]
    public void Owner_of_one_user_acts_as_that_user()
    {
        var alice = Sample.User("alice");
        Assert.Same(alice, Sample.AliceAtHerDesk.ActAs([Sample.User("bob"), alice], null).Granted());
    }

    [Fact]
    public void Owner_of_several_users_acts_as_the_namesake()
    {
        var alice = Sample.User("alice");
        var deploy = Sample.User("deploy").OwnedBy("alice");
        Assert.Same(alice, Sample.AliceAtHerDesk.ActAs([deploy, alice], null).Granted());
    }

    [Fact]
    public void Owner_of_several_users_without_a_namesake_must_choose()
    {
        var refusal = Sample.AliceAtHerDesk.ActAs([Sample.User("web").OwnedBy("alice"), Sample.User("deploy").OwnedBy("5001"), Sample.User("bob")], null).Refused();
        Assert.Equal("your account belongs to several users", refusal.Message);
        Assert.Equal("deploy web", string.Join(" ", Assert.IsType<Remedy.ChooseUser>(refusal.Remedy).Users));
    }

    [Fact]
    public void Unowned_namesake_is_not_chosen()
    {
        var refusal = Sample.AliceAtHerDesk.ActAs([Sample.User("alice").OwnedBy("9"), Sample.User("web").OwnedBy("5001"), Sample.User("db").OwnedBy("5001")], null).Refused();
        Assert.Equal("your account belongs to several users", refusal.Message);
    }

    [Fact]
    public void Requested_user_precedes_the_namesake()
    {
        var deploy = Sample.User("deploy").OwnedBy("alice");
        Assert.Same(deploy, Sample.AliceAtHerDesk.ActAs([deploy, Sample.User("alice")], "deploy").Granted());
    }

    [Fact]
    public void Unowned_user_and_a_missing_one_get_the_same_answer()
    {
        var notOwned = Sample.AliceAtHerDesk.ActAs([Sample.User("alice"), Sample.User("bob")], "bob").Refused();
        var unknown = Sample.AliceAtHerDesk.ActAs([Sample.User("alice")], "bob").Refused();
        Assert.Equal(unknown, notOwned);
        Assert.Equal("you cannot act as user \"bob\"", notOwned.Message);
    }

    private static readonly Refusal NotKnown = new("the system does not say", Kind: RefusalKind.Unavailable);

    [Theory]
    [InlineData("no user at all", "", null, "the system does not say")]
    [InlineData("the user of the groups, known from before", "alice/groups", null, "the system does not say")]
    [InlineData("the same, by name", "alice/groups", "alice", "the system does not say")]
    [InlineData("a namesake that there may be", "deploy", "alice", "the system does not say")]
    [InlineData("the namesake among several", "alice/groups deploy", null, "the system does not say")]
    [InlineData("the one with a resource", "deploy", null, "deploy")]
    [InlineData("one of several, by name", "alice/groups deploy", "deploy", "deploy")]
    [InlineData("several with resources", "deploy web", null, "your account belongs to several users")]
    [InlineData("somebody else", "alice/groups", "bob", "you cannot act as user \"bob\"")]
    [InlineData("somebody else, by who has no user", "", "bob", "you cannot act as user \"bob\"")]
    public void Unknown_groups_grant_nothing_and_block_no_user_resource(string what, string owned, string? asked, string becomes)
    {
        var users = owned.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Split('/') is [var only, "groups"]
            ? Sample.User(only) with { FromGroups = ["dba-team"] }
            : Sample.User(name).OwnedBy("alice")).ToList();
        var outcome = Sample.AliceAtHerDesk.ActAs(users, asked, NotKnown);
        Assert.True(becomes == (outcome.Holds(out var user, out var refusal) ? user.Name : refusal.Message), what);
    }

    [Fact]
    public void Account_without_a_user_is_refused_by_name()
    {
        Assert.Equal("the account mallory belongs to no user", new UnixIdentity(6, "mallory").ActAs([Sample.User("alice")], null).Refused().Message);
        Assert.Equal("the account of uid 6 belongs to no user", new UnixIdentity(6, null).ActAs([Sample.User("alice")], null).Refused().Message);
    }
}
