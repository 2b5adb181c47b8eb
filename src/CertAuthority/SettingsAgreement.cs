using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>Makes sure that daemons on one database have the same settings where they share them: <see cref="SharedSettings"/>.</summary>
internal static class SettingsAgreement
{
    /// <summary>Fails if the settings differ from those of the daemon that leads, or that led last and was on another machine.</summary>
    /// <exception cref="StartException">They differ; names each.</exception>
    public static void Expect(Settings settings, Database database, bool follows)
    {
        if (OfGroups(settings, database) is { } unusable)
            throw new StartException(unusable);
        if (database.IsShared && !settings.AdoptsConfiguration && Recorded(database) is { } recorded
            && (follows || recorded.Machine != Machine.Id) && Difference(settings, recorded) is { } difference)
            throw new StartException(
                $"{difference}; make them the same{(follows ? "" : ", or start with --adopt-configuration, so that those of this machine count for all")}");
    }

    /// <summary>
    /// Returns why a daemon cannot make users of groups; null if it can, or is not to. The members of the groups are accounts of the first
    /// realm, and no other machine knows when somebody leaves one.
    /// </summary>
    public static string? OfGroups(Settings settings, Database database) => database.Realm.Number > 0 && !settings.UsersFromGroups.IsEmpty
        ? $"users_from_groups is for machines of the first realm, and this one is of the realm {database.Realm.Name}; list the accounts under spec.unix_users of each user instead"
        : null;

    /// <summary>Returns why a daemon must not lead with its settings; null if it may.</summary>
    public static string? Obstacle(Settings settings, Database database)
    {
        if (OfGroups(settings, database) is { } unusable)
            return unusable;
        try
        {
            return settings.AdoptsConfiguration || Recorded(database) is not { } recorded ? null : Difference(settings, recorded);
        }
        catch (ProblemException)
        {
            return "the configuration of the daemon that leads cannot be read now";
        }
    }

    /// <summary>Records the settings with which this daemon brings the database in line.</summary>
    public static void Record(Transaction transaction, Settings settings) => transaction.RecordSharedSettings(
        new RecordedSettings(SharedSettings.Write(settings), Machine.Id, Environment.MachineName));

    private static RecordedSettings? Recorded(Database database) => database.Read(snapshot => snapshot.SharedSettings());

    private static string? Difference(Settings settings, RecordedSettings recorded) =>
        SharedSettings.Differences(recorded.Settings, settings) is [_, ..] some
            ? $"the configuration differs from the one on {recorded.Host}, whose daemon leads or led last: {string.Join("; ", some)}"
            : null;
}
