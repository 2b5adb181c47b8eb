using CertAuthority.Access.Users;

namespace CertAuthority.Tests.Unit.Access.Users;

/// <summary>Accounts of machines on which a uid means somebody else.</summary>
public class RealmTests
{
    private static readonly Realm Second = new(1, "auth2");

    [Fact]
    public void Accounts_of_the_first_realm_have_their_own_names()
    {
        foreach (var realm in (Realm[])[Realm.First, new(0, "auth1")])
        {
            Assert.Equal(new UnixIdentity(5001, "alice"), realm.Identify(5001, "alice", IsOther));
            Assert.Equal(new UnixIdentity(5001, "alice@corp"), realm.Identify(5001, "alice@corp", IsOther));
            Assert.Equal(new UnixIdentity(5001, null), realm.Identify(5001, null, IsOther));
            Assert.Equal("alice@auth2", realm.NameHere("alice@auth2"));
        }
    }

    [Fact]
    public void Accounts_of_other_realms_have_the_name_of_the_realm()
    {
        Assert.Equal(new UnixIdentity(new Uid(5001, 1), "alice@auth2"), Second.Identify(5001, "alice", IsOther));
        Assert.Equal(new UnixIdentity(new Uid(5001, 1), "alice@auth3@auth2"), Second.Identify(5001, "alice@auth3", IsOther));
        Assert.Equal(new UnixIdentity(new Uid(5001, 1), null), Second.Identify(5001, null, IsOther));
        Assert.Equal("alice", Second.NameHere("alice@auth2"));
        Assert.Null(Second.NameHere("alice"));
        Assert.Null(Second.NameHere("alice@auth2@auth3"));
    }

    /// <summary>One entry would mean two people.</summary>
    [Fact]
    public void Account_that_reads_as_one_of_another_realm_has_no_name()
    {
        Assert.Equal(new UnixIdentity(5001, null), Realm.First.Identify(5001, "alice@auth2", IsOther));
        Assert.Equal(new UnixIdentity(5001, null), Realm.First.Identify(5001, "alice@corp@auth3", IsOther));
    }

    [Fact]
    public void Uid_of_another_realm_is_another_person()
    {
        var (here, there) = (Realm.First.Identify(5001, "alice", IsOther), Second.Identify(5001, "alice", IsOther));
        Assert.False(UnixUser.TryParse("5001")!.Value.Is(there));
        Assert.False(UnixUser.TryParse("alice")!.Value.Is(there));
        Assert.False(UnixUser.TryParse("alice@auth2")!.Value.Is(here));
        Assert.True(UnixUser.TryParse("alice@auth2")!.Value.Is(there));
        Assert.Empty(here.Aliases.Intersect(there.Aliases));
        Assert.Equal("5001 in realm 1", $"{there.Uid}");
    }

    [Theory]
    [InlineData(0u, 0u, 0L)]
    [InlineData(5001u, 0u, 5001L)]
    [InlineData(uint.MaxValue, 0u, 4294967295L)]
    [InlineData(0u, 1u, 4294967296L)]
    [InlineData(5001u, 2u, 8589939593L)]
    public void Stored_uid_is_the_same_when_it_is_read(uint number, uint realm, long stored)
    {
        Assert.Equal(stored, new Uid(number, realm).Stored);
        Assert.Equal(new Uid(number, realm), Uid.FromStored(stored));
    }

    private static bool IsOther(string name) => name is "auth2" or "auth3";
}
