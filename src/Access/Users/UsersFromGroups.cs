using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Users;

/// <summary>
/// The roles that groups of this machine give: an account in such a group is a user, without a resource of its own. A user
/// resource of the account's name wins over it.
/// </summary>
/// <param name="roles">Group by group, the names of the roles. Those that do not exist refuse a login, as assigned ones do.</param>
public sealed class UsersFromGroups(ImmutableSortedDictionary<string, ImmutableArray<string>> roles)
{
    /// <summary>No group gives a role.</summary>
    public static readonly UsersFromGroups None = new(
        ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal));

    /// <summary>Whether no group gives a role, so that nobody's groups matter.</summary>
    public bool IsEmpty => roles.IsEmpty;

    /// <summary>The groups that give roles, sorted.</summary>
    public ImmutableArray<string> Groups => [.. roles.Keys];

    /// <summary>The groups that give a role, sorted.</summary>
    public IEnumerable<string> GroupsGiving(string role) => roles.Where(group => group.Value.Contains(role)).Select(group => group.Key);

    /// <summary>Every role that some group gives.</summary>
    public IEnumerable<string> Roles => roles.Values.SelectMany(names => names).Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Why an account can be no user by its groups, whichever they are; null when it can. One of digits is not asked about:
    /// to the programs that know groups it is a uid as well as a name.
    /// </summary>
    public static Refusal? AccountFault(string account) => Names.IsName(account) && !account.All(char.IsAsciiDigit)
        ? null
        : new Refusal(
            $"the account {account} belongs to no user, and its groups cannot make it one, for its name cannot be a user's",
            $"user names have the form {Names.Form} and are no numbers")
        {
            Remedy = new Remedy.AddUser(account),
        };

    /// <summary>
    /// The user that an account is by its groups, null when none of them gives a role. It is owned by the account, by name and
    /// never by uid, and its logins are the account's own: what that opens, roles say. It has no id and revision yet.
    /// </summary>
    /// <param name="account">Its name; see <see cref="AccountFault"/>.</param>
    /// <param name="groups">Every group that it is in, in any order.</param>
    public User? Of(string account, IEnumerable<string> groups)
    {
        ImmutableArray<string> giving = [.. groups.Where(roles.ContainsKey).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return giving.IsEmpty || AccountFault(account) is not null
            ? null
            : new User(
                Guid.Empty,
                account,
                0,
                [.. giving.SelectMany(group => roles[group]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
                [UnixUser.Account(account)],
                ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal).Add("logins", [account]))
            {
                FromGroups = giving,
            };
    }
}
