using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A user as it is stored.</summary>
/// <param name="Roles">The names of the assigned roles.</param>
/// <param name="UnixUsers"><c>account:alice</c> or <c>uid:5001</c>, as in the table of accounts.</param>
/// <param name="Traits">Values for templates; null for none.</param>
/// <param name="FromGroups">The groups that make an account this user; null for a user from a file.</param>
internal sealed record UserRow(string[] Roles, string[] UnixUsers, Dictionary<string, string[]>? Traits = null, string[]? FromGroups = null)
{
    private const string Uid = "uid:";
    private const string Account = "account:";

    public static readonly ResourceTable<User> Table = ResourceTable.Of(
        ResourceKinds.User, UserRowJson.Default.UserRow, From, (row, name) => row.Read(name), Touch) with
    {
        Written = (transaction, user) =>
        {
            var entries = Rows.Json(user.UnixUsers.Select(Entry));
            transaction.Write(
                "DELETE FROM user_accounts WHERE user_id = $1 AND entry NOT IN (SELECT value FROM json_each($2))", user.Id, entries);
            transaction.Write(
                "INSERT INTO user_accounts (entry, user_id) SELECT value, $1 FROM json_each($2) WHERE 1 = 1 ON CONFLICT DO NOTHING", user.Id, entries);
        },
    };

    // No certificate belongs to a user who is new.
    private static void Touch(Transaction transaction, User? before, User? after)
    {
        if (before is not null)
            transaction.Touched.User(before.Id);
    }

    private static UserRow From(User user) => new(
        [.. user.Roles],
        [.. user.UnixUsers.Select(Entry)],
        user.Traits.IsEmpty ? null : user.Traits.ToDictionary(trait => trait.Key, trait => trait.Value.ToArray(), StringComparer.Ordinal),
        user.IsFromGroups ? [.. user.FromGroups] : null);

    private User Read(string name) => new(
        Guid.Empty,
        name,
        0,
        [.. Roles],
        [.. UnixUsers.Select(Entry)],
        (Traits ?? []).ToImmutableSortedDictionary(trait => trait.Key, trait => trait.Value.ToImmutableArray(), StringComparer.Ordinal))
    {
        FromGroups = [.. FromGroups ?? []],
    };

    private static string Entry(UnixUser entry) => entry.IsUid ? $"{Uid}{entry}" : $"{Account}{entry}";

    /// <summary>Reads an entry of the table of accounts.</summary>
    public static UnixUser Entry(string text) =>
        text.StartsWith(Account, StringComparison.Ordinal) ? UnixUser.Account(text[Account.Length..])
        : text.StartsWith(Uid, StringComparison.Ordinal)
            && uint.TryParse(text[Uid.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && UnixUser.TryParse(text[Uid.Length..]) is { } uid ? uid
        : throw new FormatException($"\"{text}\" is neither an account nor a uid");
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(UserRow))]
internal sealed partial class UserRowJson : JsonSerializerContext;
