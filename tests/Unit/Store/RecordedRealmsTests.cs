using CertAuthority.Access.Users;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>In which realm the accounts of a machine are.</summary>
public sealed class RecordedRealmsTests
{
    private static readonly RecordedRealm Unnamed = new(0, null, "m1");
    private static readonly RecordedRealm First = new(0, "auth1", "m1");
    private static readonly RecordedRealm Second = new(1, "auth2", "m2");

    [Theory]
    [InlineData(null)]
    [InlineData("auth1")]
    public void Machine_of_the_first_daemon_is_of_the_first_realm(string? name)
    {
        Assert.Equal(new Realm(0, name), Of([], name, "m1"));
        Assert.Equal(new Realm(0, name), Of([Unnamed], name, "m1"));
        Assert.Equal(new Realm(0, "auth1"), Of([First, Second], name, "m1"));
    }

    [Fact]
    public void Machine_with_the_name_of_a_realm_is_of_it()
    {
        Assert.Equal(new Realm(0, "auth1"), Of([First, Second], "auth1", "m9"));
        Assert.Equal(new Realm(1, "auth2"), Of([First, Second], "auth2", "m9"));
        Assert.Equal(new Realm(1, "auth2"), Of([First, Second], "auth2", "m2"));
        Assert.Equal(new Realm(1, "auth2"), Of([First, Second], null, "m2"));
    }

    [Fact]
    public void Machine_with_another_name_is_of_a_new_realm()
    {
        Assert.Equal(new Realm(1, "auth2"), Of([First], "auth2", "m2"));
        Assert.Equal(new Realm(2, "auth3"), Of([First, Second], "auth3", "m3"));
        Assert.Equal(new Realm(8, "auth3"), Of([First, Second with { Number = 7 }], "auth3", "m3"));
    }

    /// <summary>Whether they have the same accounts, nobody said.</summary>
    [Fact]
    public void Other_machine_needs_a_name_and_so_does_the_first()
    {
        foreach (var (recorded, name) in ((RecordedRealm[], string?)[])[([Unnamed], null), ([Unnamed], "auth2"), ([First, Second], null)])
            Assert.Contains("was last used by a daemon on another machine (m1)", Refused(recorded, name, "m9"), StringComparison.Ordinal);
    }

    /// <summary>All accounts of the machine would mean other people at once.</summary>
    [Fact]
    public void Machine_does_not_move_to_another_realm()
    {
        Assert.EndsWith("UPDATE realms SET name = 'other' WHERE number = 0", Refused([First, Second], "other", "m1"), StringComparison.Ordinal);
        Assert.Contains("those of the realm auth2", Refused([First, Second], "auth1", "m2"), StringComparison.Ordinal);
        Assert.Contains("a realm without a name", Refused([Unnamed, Second], "auth2", "m1"), StringComparison.Ordinal);
    }

    private static Realm Of(RecordedRealm[] recorded, string? name, string machine) => RecordedRealms.Of(recorded, name, machine, "postgres:h/d");

    private static string Refused(RecordedRealm[] recorded, string? name, string machine) =>
        Assert.Throws<StoreException>(() => Of(recorded, name, machine)).Message;
}
