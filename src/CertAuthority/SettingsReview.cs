using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority;

/// <summary>Warnings about a configuration before a daemon uses it, in addition to its faults.</summary>
internal static class SettingsReview
{
    /// <summary>
    /// Warns about the groups that make users: roles that do not exist, and denials, which are only as reliable as the directory.
    /// </summary>
    /// <param name="groups">The groups.</param>
    /// <param name="roles">Every role that exists.</param>
    public static IEnumerable<string> Warnings(UsersFromGroups groups, IReadOnlyDictionary<string, Role> roles)
    {
        foreach (var name in groups.Roles)
            if (!roles.TryGetValue(name, out var role))
                yield return $"users_from_groups gives the role {name}, which does not exist; until it does, whoever gets it cannot log in";
            else if (role.DeniesAnything)
                yield return $"users_from_groups gives the role {name} to the group {string.Join(", ", groups.GroupsGiving(name))}, and it denies something: "
                    + "whoever can take an account out of the group takes the denial away; to deny for certain, let a role that everybody in question holds deny, or lock the user";
    }

    /// <summary>
    /// Collects the warnings, from the groups of this machine and the roles in a data directory. If there is no database, roles that do not
    /// exist yet are not a fault.
    /// </summary>
    public static async Task<string[]> Warnings(Settings settings) =>
        [
            .. await Groups.Absent(settings.UsersFromGroups.Groups) is { } absent
                ? (string[])[$"users_from_groups would give nothing to anybody now: {absent}"]
                : [], .. OfRoles(settings)];

    private static string[] OfRoles(Settings settings)
    {
        if (settings.UsersFromGroups.IsEmpty || DatabaseOf.PathIn(settings) is { } file && !File.Exists(file))
            return [];
        try
        {
            using var engine = DatabaseOf.Settings(settings, NullLogger.Instance);
            return [.. Warnings(settings.UsersFromGroups, Database.Peek(engine, snapshot => snapshot.Policy().Roles))];
        }
        catch (Exception e) when (e is StoreException or IOException or ExposedException)
        {
            return [$"whether users_from_groups gives roles that deny, or that do not exist, was not checked: {e.Message}"];
        }
    }

    /// <summary>
    /// Finds what the configuration would take back from the grants of the daemon with its data directory, by applying it to a copy of the
    /// database. It returns one line for each kind, or one that says that there is nothing.
    /// </summary>
    /// <exception cref="StartException">The database cannot be read.</exception>
    public static async Task<string[]> TakesBack(Settings settings, TimeProvider clock)
    {
        if (DatabaseOf.PathIn(settings) is not { } path)
            throw new StartException(
                "what the configuration would take back is found out on a copy of the database, and there is none of a database on a server");
        if (!File.Exists(path))
            throw new StartException(
                $"there is no database in {settings.DataDirectory}, so there is nothing to compare with: name the daemon's with --data-dir");
        var folder = Directory.CreateTempSubdirectory("certauthority-");
        try
        {
            var copy = Path.Combine(folder.FullName, "certauthority.db");
            using var source = DatabaseOf.Settings(settings, NullLogger.Instance);
            await using var database = Database.Open(Database.Copy(source, copy), NullLogger.Instance);
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            return await database.Commit(transaction =>
            {
                var before = transaction.UsersFromGroups().Select(user => user.Name).ToList();
                var withdrawn = GroupUsers.Reconfigure(settings.Limits, settings.UsersFromGroups, transaction, now, int.MaxValue);
                string[] lines =
                [
                    .. Line("users it would remove", before.Except(transaction.UsersFromGroups().Select(user => user.Name))),
                    .. Line(
                        "certificates it would revoke",
                        withdrawn.Revoked.Select(serial => transaction.FindCertificate(ulong.Parse(serial))!.UserName)),
                    .. Line("requests it would end", withdrawn.Ended.Select(id => transaction.FindRequest(id)!.UserName)),
                    .. Line("requests it would shorten", withdrawn.Shortened.Select(request => request.UserName)),
                ];
                return lines.Length == 0 ? ["it would take nothing back"] : lines;
            });
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"what the configuration would take back cannot be found out: {e.Message}", e);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary><c>certificates it would revoke: 3 (alice 2, bob)</c>; no line if there are no users.</summary>
    private static IEnumerable<string> Line(string what, IEnumerable<string> users)
    {
        var counts = users.GroupBy(name => name, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (group.Key, Count: group.Count())).ToList();
        if (counts.Count > 0)
            yield return $"{what}: {counts.Sum(one => one.Count)} ({string.Join(", ", counts.Select(one => one.Count == 1 ? one.Key : $"{one.Key} {one.Count}"))})";
    }
}
