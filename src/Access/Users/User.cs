using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Users;

/// <summary>A user who logs in. An administrator assigns their roles; requests add roles only within one certificate.</summary>
/// <param name="Id">Immutable: a user who is removed and created again under the same name inherits nothing.</param>
/// <param name="Name">The name; <see cref="Names.IsName"/> says which are allowed.</param>
/// <param name="Revision">Counts changes of the spec, from 1.</param>
/// <param name="Roles">The names of the assigned roles.</param>
/// <param name="UnixUsers">The accounts that may act as this user.</param>
/// <param name="Traits">Values for templates; alone they grant nothing.</param>
public sealed record User(
    Guid Id,
    string Name,
    long Revision,
    ImmutableArray<string> Roles,
    ImmutableArray<UnixUser> UnixUsers,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Traits)
    : Resource(Id, Name, Revision)
{
    /// <summary>The groups of this machine that make an account this user, sorted; empty for a user with a resource.</summary>
    public ImmutableArray<string> FromGroups { get; init; } = [];

    /// <summary>Whether the user has no resource, and exists only while their account is in a group.</summary>
    public bool IsFromGroups => !FromGroups.IsEmpty;

    /// <summary>The assigned roles that exist, as they count at an instant.</summary>
    public IReadOnlyList<Role> AssignedAt(DateTimeOffset now, IReadOnlyDictionary<string, Role> roles) =>
        [.. Roles.Where(roles.ContainsKey).Select(name => roles[name].At(now))];

    /// <summary>Whether groups make the same user of an account, apart from the ID.</summary>
    public bool HasGroupsOf(User other) => FromGroups.SequenceEqual(other.FromGroups) && Roles.SequenceEqual(other.Roles);

    /// <summary>Whether the kernel's answer to "who is calling" is one of this user's accounts.</summary>
    public bool IsOwnedBy(UnixIdentity caller) => UnixUsers.Any(entry => entry.Is(caller));
}

/// <summary>
/// An entry of <c>unix_users</c>: digits are a uid of the first realm, everything else is the name of an account as it is recorded
/// (<see cref="Realm"/>), resolved at each call.
/// </summary>
public readonly record struct UnixUser
{
    private readonly uint? uid;
    private readonly string? account;

    private UnixUser(uint? uid, string? account)
    {
        this.uid = uid;
        this.account = account;
    }

    /// <summary>Whether it is a uid rather than the name of an account.</summary>
    public bool IsUid => uid is not null;

    /// <summary>An account by name, even when the name is all digits: a user's default own name is never a uid.</summary>
    public static UnixUser Account(string name) => new(null, name);

    /// <summary>Reads an entry as written; null when digits do not fit a uid, or name nobody (65534, 2^32-1).</summary>
    public static UnixUser? TryParse(string text)
    {
        if (text.Length == 0 || !Names.IsPlainText(text))
            return null;
        if (!text.All(char.IsAsciiDigit))
            return Account(text);
        return uint.TryParse(text, out var uid) && UnixIdentity.IsSomebody(uid) ? new UnixUser(uid, null) : null;
    }

    /// <summary>Whether this entry means the caller.</summary>
    public bool Is(UnixIdentity caller) =>
        uid is { } number ? new Uid(number) == caller.Uid : account is not null && account == caller.Account;

    /// <summary>The entry as an alias of a person.</summary>
    public Alias Alias => uid is { } number ? Users.Alias.Uid(number) : Users.Alias.Account(account ?? "");

    /// <inheritdoc/>
    public override string ToString() => uid?.ToString() ?? account ?? "";
}

/// <summary>The identity of the caller, as the kernel reports it.</summary>
/// <param name="Uid">The uid of the peer on an accepted socket.</param>
/// <param name="Account">
/// The account with that uid at this moment, as it is recorded (<see cref="Realm"/>); null if there is none.
/// </param>
public sealed record UnixIdentity(Uid Uid, string? Account)
{
    /// <summary>Whether a uid can belong to anybody: unmapped uids appear as 65534, and 2^32-1 is not a uid.</summary>
    public static bool IsSomebody(uint uid) => uid is not (65534 or uint.MaxValue);

    /// <summary>All aliases of the caller that the kernel knows.</summary>
    public IEnumerable<Alias> Aliases => Account is { } name ? [Alias.Uid(Uid), Alias.Account(name)] : [Alias.Uid(Uid)];

    /// <summary>
    /// Returns the user that the caller acts as: the requested one, otherwise the only one that they own, otherwise the one with the
    /// account's name. The answer is the same for a user that does not exist and for one that does not belong to the caller.
    /// </summary>
    /// <param name="users">Users, some of which may belong to the caller.</param>
    /// <param name="asked">The name of the user that the caller requests; null for none.</param>
    /// <param name="noGroups">
    /// The reason why it is not known whether the caller's groups make them a user; null if it is known. It is returned if that user would
    /// be, or might be, the one to act as; it never blocks a user that has a resource.
    /// </param>
    public Outcome<User> ActAs(IEnumerable<User> users, string? asked, Refusal? noGroups = null)
    {
        var owned = users.Where(user => user.IsOwnedBy(this)).ToList();
        var outcome = Choose(owned, asked);
        if (noGroups is null)
            return outcome;
        if (outcome.Holds(out var user, out var refusal))
            return user.IsFromGroups ? noGroups : user;
        return (asked is null ? owned.Count == 0 : asked == Account) ? noGroups : refusal;
    }

    private Outcome<User> Choose(List<User> owned, string? asked)
    {
        if (asked is not null)
            return owned.Find(user => user.Name == asked) is { } chosen
                ? chosen
                : new Refusal($"you cannot act as user \"{asked}\"", "an administrator lists your account in the user's spec.unix_users")
                {
                    Misspelt = new Misspelling(asked, [.. owned.Select(user => user.Name)]),
                };
        return owned switch
        {
            [] =>
                new Refusal($"the account {Account ?? $"of uid {Uid}"} belongs to no user")
                {
                    Remedy = new Remedy.AddUser(Account ?? $"{Uid}")
                },
            [var only] => only,
            _ => owned.Find(user => user.Name == Account) is { } namesake
                ? namesake
                : new Refusal("your account belongs to several users")
                {
                    Remedy = new Remedy.ChooseUser([.. owned.Select(user => user.Name).Order(StringComparer.Ordinal)])
                },
        };
    }
}
