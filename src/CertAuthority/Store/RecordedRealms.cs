using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A realm on record.</summary>
/// <param name="Number">0 for the first one.</param>
/// <param name="Name">The name; null for a first realm without one.</param>
/// <param name="Machine">The first machine of the realm.</param>
internal sealed record RecordedRealm(uint Number, string? Name, string Machine);

/// <summary>Decides in which realm the accounts of a machine are.</summary>
internal static class RecordedRealms
{
    /// <summary>Returns the realm of a machine; it is on record, or is a new one.</summary>
    /// <param name="recorded">Every realm on record.</param>
    /// <param name="name">The name of its realm that the configuration of the machine has; null for none.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="database">The name of the database, for the message.</param>
    /// <exception cref="StoreException">It is not certain whom the uids of the machine mean, or they meant others before.</exception>
    public static Realm Of(IReadOnlyCollection<RecordedRealm> recorded, string? name, string machine, string database)
    {
        if (recorded.FirstOrDefault(realm => realm.Machine == machine) is { } own)
            return name is null || name == own.Name ? new Realm(own.Number, own.Name)
                : own.Name is null && recorded.All(realm => realm.Name != name) ? new Realm(own.Number, name)
                : throw new StoreException(
                    $"{database} knows the accounts of this machine as those of {(own.Name is null ? "a realm without a name" : $"the realm {own.Name}")}; with database_realm: {name}, everybody here would be somebody else; if only the name changed: UPDATE realms SET name = '{name}' WHERE number = {own.Number}");
        if (name is not null && recorded.FirstOrDefault(realm => realm.Name == name) is { } known)
            return new Realm(known.Number, name);
        if (recorded.FirstOrDefault(realm => realm.Number == 0) is not { } first)
            return new Realm(0, name);
        return name is not null && first.Name is not null
            ? new Realm(recorded.Max(realm => realm.Number) + 1, name)
            : throw new StoreException(
                $"{database} was last used by a daemon on another machine ({first.Machine}), whose uids may be other people here; set database_realm on both, to the same name if both have the same accounts, and to two names if not; if that machine is gone: UPDATE realms SET name = 'NAME' WHERE number = 0");
    }
}
