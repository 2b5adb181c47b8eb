using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class UsersFromGroupsTests
{
    private static readonly UsersFromGroups Groups = new(new Dictionary<string, ImmutableArray<string>>
    {
        ["dba-team"] = ["contractor", "access"],
        ["web-team"] = ["access", "web"],
        ["Domain Users"] = ["access"],
    }.ToImmutableSortedDictionary(StringComparer.Ordinal));

    [Theory]
    [InlineData("one group", "bob,dba-team", "access contractor", "dba-team")]
    [InlineData("several groups, in any order", "web-team,bob,dba-team", "access contractor web", "dba-team web-team")]
    [InlineData("a group twice", "web-team,web-team", "access web", "web-team")]
    [InlineData("a group with a blank in its name", "Domain Users", "access", "Domain Users")]
    public void The_roles_are_those_of_all_groups(string situation, string groups, string roles, string from)
    {
        var user = Groups.Of("bob", groups.Split(','));
        Assert.True((roles, from) == (string.Join(' ', user!.Roles), string.Join(' ', user.FromGroups)), situation);
        Assert.True(user.IsFromGroups);
    }

    [Theory]
    [InlineData("no group")]
    [InlineData("other groups", "bob", "wheel")]
    [InlineData("the name in other letters", "DBA-Team", "domain users")]
    [InlineData("a piece of the name", "dba", "team", "Domain", "Users")]
    public void Who_is_in_none_of_the_groups_is_no_user(string situation, params string[] groups) => Assert.True(Groups.Of("bob", groups) is null, situation);

    [Fact]
    public void Where_no_group_gives_a_role_nobody_is_a_user_by_them()
    {
        Assert.True(UsersFromGroups.None.IsEmpty);
        Assert.Null(UsersFromGroups.None.Of("bob", ["dba-team"]));
    }

    [Fact]
    public void It_is_owned_by_the_account_and_by_nobody_who_has_its_uid()
    {
        var bob = Groups.Of("bob", ["dba-team"])!;
        Assert.True(bob.IsOwnedBy(new UnixIdentity(5002, "bob")));
        Assert.True(bob.IsOwnedBy(new UnixIdentity(7, "bob")));
        Assert.False(bob.IsOwnedBy(new UnixIdentity(5002, "robert")));
        Assert.False(bob.IsOwnedBy(new UnixIdentity(5002, null)));
    }

    [Fact]
    public void Its_logins_are_the_accounts_own_and_open_nothing_without_a_role_that_says_so()
    {
        var bob = Groups.Of("bob", ["dba-team"])!;
        Assert.Equal("logins: bob", string.Join(' ', bob.Traits.Select(trait => $"{trait.Key}: {string.Join(',', trait.Value)}")));
        var roles = Sample.Roles(Sample.Role("access"), Sample.Role("contractor", mayRequest: ["dba"]));
        var question = new IssuanceQuestion(Sample.Now, bob, [], roles, [], RequestedTtl: null, LiveSessions: 0, SiteLimits.Default) { Locks = LocksInForce.None };
        Assert.Equal("no login is granted to user \"bob\" by the roles in use: access, contractor", Sample.Decide(question).Refused().Message);
        roles["access"] = Sample.Role("access", logins: ["{{internal.logins}}"], on: LabelSelector.All);
        Assert.Equal("bob", string.Join(' ', Sample.Decide(question).Granted().Principals));
    }

    [Fact]
    public void A_role_that_does_not_exist_refuses_the_login_although_another_grants_one()
    {
        var roles = Sample.Roles(Sample.Role("access", logins: ["deploy"], on: LabelSelector.All));
        var question = new IssuanceQuestion(Sample.Now, Groups.Of("bob", ["dba-team"])!, [], roles, [], RequestedTtl: null, LiveSessions: 0, SiteLimits.Default) { Locks = LocksInForce.None };
        Assert.Equal("the role contractor, assigned to user \"bob\", does not exist", Sample.Decide(question).Refused().Message);
    }

    [Theory]
    [InlineData("Bob", "capitals")]
    [InlineData("CORP\\bob", "a domain")]
    [InlineData("bob@corp", "a realm")]
    [InlineData("5002", "digits, which are a uid too")]
    [InlineData("-G", "an option")]
    [InlineData("", "nothing")]
    public void An_account_whose_name_cannot_be_a_users_is_none(string account, string because)
    {
        Assert.True(UsersFromGroups.AccountFault(account) is { Kind: RefusalKind.Denied }, because);
        Assert.True(Groups.Of(account, ["dba-team"]) is null, because);
    }

    [Theory]
    [InlineData("bob")]
    [InlineData("9bob")]
    [InlineData("b.o_b-1")]
    public void An_account_whose_name_can_be_a_users_is_one(string account) => Assert.True(UsersFromGroups.AccountFault(account) is null && Groups.Of(account, ["dba-team"]) is not null);

    [Fact]
    public void Other_roles_and_other_groups_make_another_user()
    {
        var bob = Groups.Of("bob", ["dba-team"])!;
        Assert.True(bob.HasGroupsOf(Groups.Of("bob", ["wheel", "dba-team"])! with { Id = Guid.NewGuid(), Revision = 7 }));
        Assert.False(bob.HasGroupsOf(Groups.Of("bob", ["dba-team", "Domain Users"])!));
        Assert.False(bob.HasGroupsOf(bob with { Roles = ["access"] }));
    }
}
