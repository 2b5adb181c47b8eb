using System.Data.Common;
using CertAuthority.Access.Users;
using CertAuthority.Resources;

namespace CertAuthority.Store;

/// <summary>The tables of users and of the accounts that may act as them.</summary>
internal static class UserTable
{
    private const string Columns = "id, revision, resource, from_groups";
    private const string ById = $"SELECT {Columns} FROM users WHERE id = $1";

    public static User? FindUser(this Snapshot snapshot, string name) => snapshot.QueryFirst($"SELECT {Columns} FROM users WHERE name = $1", Row, name);

    /// <summary>One that cannot be read is as good as gone: nothing can be given to it, and what was is taken back.</summary>
    public static User? FindUser(this Snapshot snapshot, Guid id) => snapshot.QueryFirstReadable(ById, Row, id);

    public static List<User> Users(this Snapshot snapshot) => snapshot.QueryReadable($"SELECT {Columns} FROM users ORDER BY name", Row);

    /// <summary>Those without a resource.</summary>
    public static List<User> UsersFromGroups(this Snapshot snapshot) => snapshot.QueryReadable($"SELECT {Columns} FROM users WHERE from_groups IS NOT NULL ORDER BY name", Row);

    /// <summary>The users that an account may act as.</summary>
    public static List<User> UsersOf(this Snapshot snapshot, UnixIdentity caller) =>
        snapshot.Query(
            $"SELECT {Columns} FROM users WHERE id IN (SELECT user_id FROM user_accounts WHERE entry IN ($1, $2)) ORDER BY name",
            Row, $"uid:{caller.Uid}", caller.Account is null ? null : $"account:{caller.Account}");

    /// <summary>The names of all accounts that may act as some user.</summary>
    public static List<string> UserAccounts(this Snapshot snapshot) =>
        snapshot.Query("SELECT DISTINCT substr(entry, 9) FROM user_accounts WHERE entry >= 'account:' AND entry < 'account;' ORDER BY entry", row => row.GetString(0));

    /// <summary>Whether an account may act as any user.</summary>
    public static bool OwnsUser(this Snapshot snapshot, UnixIdentity caller) =>
        snapshot.QueryFirst(
            "SELECT 1 FROM user_accounts WHERE entry IN ($1, $2) LIMIT 1",
            row => row.GetInt64(0), $"uid:{caller.Uid}", caller.Account is null ? null : $"account:{caller.Account}") == 1;

    public static void PutUser(this Transaction transaction, User user)
    {
        transaction.Execute(
            """
            INSERT INTO users (id, name, revision, resource, from_groups) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, resource = excluded.resource, from_groups = excluded.from_groups
            """, user.Id, user.Name, user.Revision, UserResource.Write(user).ToJsonString(), user.IsFromGroups ? Rows.Json(user.FromGroups) : null);
        transaction.Expect($"user '{user.Name}'", user, Shown, ById, Row, user.Id);
        transaction.Execute("DELETE FROM user_accounts WHERE user_id = $1", user.Id);
        foreach (var entry in user.UnixUsers)
            transaction.Execute("INSERT OR IGNORE INTO user_accounts (entry, user_id) VALUES ($1, $2)", entry.IsUid ? $"uid:{entry}" : $"account:{entry}", user.Id);
    }

    // The resource does not tell a uid from an account whose name is a number.
    private static string Shown(User user) =>
        $"{UserResource.Write(user).ToJsonString()} {string.Join(',', user.UnixUsers.Select(entry => entry.IsUid))} {string.Join(',', user.FromGroups)}";

    public static void RemoveUser(this Transaction transaction, User user) => transaction.Execute("DELETE FROM users WHERE id = $1", user.Id);

    private static User Row(DbDataReader row) => StoredResource.User(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1), FromGroups = row.IsDBNull(3) ? [] : row.Texts(3) };
}
