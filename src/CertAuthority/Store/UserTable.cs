using System.Collections.Immutable;
using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>The tables of users and of the accounts that may act as them.</summary>
internal static class UserTable
{
    public static User? FindUser(this Snapshot snapshot, string name) => UserRow.Table.Find(snapshot, name);

    /// <summary>
    /// Finds a user by ID. A user that cannot be read counts as removed: they can get nothing, and what they had is taken back.
    /// </summary>
    public static User? FindUser(this Snapshot snapshot, Guid id) => UserRow.Table.Find(snapshot, id);

    public static List<User> Users(this Snapshot snapshot) => UserRow.Table.All(snapshot);

    /// <summary>Returns the IDs of the users to whom a role is assigned.</summary>
    public static List<Guid> HoldersOf(this Snapshot snapshot, string role) =>
        snapshot.Query("SELECT user_id FROM user_roles WHERE role = $1", row => row.Id("user_id"), role);

    /// <summary>Returns the users without a resource.</summary>
    public static List<User> UsersFromGroups(this Snapshot snapshot) => snapshot.Users().FindAll(user => user.IsFromGroups);

    /// <summary>Returns the accounts that may act as a user, even if nothing else of the user can be read.</summary>
    public static List<UnixUser> AccountsOf(this Snapshot snapshot, Guid user) =>
        snapshot.Query("SELECT entry FROM user_accounts WHERE user_id = $1", row => UserRow.Entry(row.String("entry")), user);

    /// <summary>Returns the IDs of the users that an account may act as, given its name or its uid.</summary>
    public static List<Guid> UsersWith(this Snapshot snapshot, Alias account) =>
        snapshot.Query(
            "SELECT user_id FROM user_accounts WHERE entry = $1", row => row.Id("user_id"),
            account.Number is { } uid ? $"uid:{uid.Stored}" : $"account:{account.Name}");

    /// <summary>Returns the users that an account may act as.</summary>
    public static List<User> UsersOf(this Snapshot snapshot, UnixIdentity caller) => snapshot.Ask(UsersOf(caller));

    /// <summary>Asks for the users that an account may act as.</summary>
    public static Question<User> UsersOf(UnixIdentity caller) =>
        UserRow.Table.Where("id IN (SELECT user_id FROM user_accounts WHERE entry IN ($1, $2))", Entries(caller));

    /// <summary>Returns the entries that let an account act as a user: of its uid and of its name.</summary>
    public static object?[] Entries(UnixIdentity caller) =>
        [$"uid:{caller.Uid.Stored}", caller.Account is null ? null : $"account:{caller.Account}"];

    /// <summary>
    /// Returns the readable users who hold one of these roles or have one of these names, by name and up to a limit. No other user is read.
    /// </summary>
    public static List<User> UsersWith(this Snapshot snapshot, ImmutableArray<string> roles, ImmutableArray<string> names, int most) =>
        UserRow.Table.WhereReadable(
            snapshot,
            """
            id IN (
              SELECT id FROM users WHERE name IN (SELECT value FROM json_each($1))
              UNION SELECT user_id FROM user_roles WHERE role IN (SELECT value FROM json_each($2))
              LIMIT $3)
            """,
            Rows.Json(names), Rows.Json(roles), most);

    /// <summary>Returns the names of all accounts that may act as some user.</summary>
    public static List<string> UserAccounts(this Snapshot snapshot) =>
        snapshot.Query(
            "SELECT DISTINCT entry FROM user_accounts WHERE entry >= 'account:' AND entry < 'account;' ORDER BY entry",
            row => row.GetString(0)["account:".Length..]);

    /// <summary>Returns a number that changes whenever <see cref="UserAccounts"/> can have changed.</summary>
    public static long AccountsVersion(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT accounts FROM policy", row => row.GetInt64(0));

    /// <summary>Returns whether an account may act as any user.</summary>
    public static bool OwnsUser(this Snapshot snapshot, UnixIdentity caller) =>
        snapshot.QueryFirst(
            "SELECT 1 FROM user_accounts WHERE entry IN ($1, $2) LIMIT 1", row => row.GetInt64(0), Entries(caller)) == 1;
}
