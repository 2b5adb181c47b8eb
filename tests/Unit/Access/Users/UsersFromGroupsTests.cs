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
    public void User_has_the_roles_of_all_groups(string situation, string groups, string roles, string from)
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
    public void Account_in_none_of_the_groups_is_not_a_user(string situation, params string[] groups) => Assert.True(Groups.Of("bob", groups) is null, situation);

    [Fact]
    public void Without_configured_groups_nobody_becomes_a_user()
    {
        Assert.True(UsersFromGroups.None.IsEmpty);
        Assert.Null(UsersFromGroups.None.Of("bob", ["dba-team"]));
    }

    [Fact]
    public void User_belongs_to_the_account_name_and_not_to_its_uid()
    {
        var bob = Groups.Of("bob", ["dba-team"])!;
        Assert.True(bob.IsOwnedBy(new UnixIdentity(5002, "bob")));
        Assert.True(bob.IsOwnedBy(new UnixIdentity(7, "bob")));
        Assert.False(bob.IsOwnedBy(new UnixIdentity(5002, "robert")));
        Assert.False(bob.IsOwnedBy(new UnixIdentity(5002, null)));
    }

    [Fact]
    public void Account_name_is_the_only_login_and_needs_a_role_for_it()
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
    public void Missing_role_refuses_the_login_even_if_another_grants_one()
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
    public void Account_with_an_unusable_name_is_not_a_user(string account, string because)
    {
        Assert.True(UsersFromGroups.AccountFault(account) is { Kind: RefusalKind.Denied }, because);
        Assert.True(Groups.Of(account, ["dba-team"]) is null, because);
    }

    [Theory]
    [InlineData("bob")]
    [InlineData("9bob")]
    [InlineData("b.o_b-1")]
    public void Account_with_a_usable_name_is_a_user(string account) => Assert.True(UsersFromGroups.AccountFault(account) is null && Groups.Of(account, ["dba-team"]) is not null);

    [Fact]
    public void Changed_roles_or_groups_make_a_different_user()
    {
        var bob = Groups.Of("bob", ["dba-team"])!;
        Assert.True(bob.HasGroupsOf(Groups.Of("bob", ["wheel", "dba-team"])! with { Id = Guid.NewGuid(), Revision = 7 }));
        Assert.False(bob.HasGroupsOf(Groups.Of("bob", ["dba-team", "Domain Users"])!));
        Assert.False(bob.HasGroupsOf(bob with { Roles = ["access"] }));
    }
}
