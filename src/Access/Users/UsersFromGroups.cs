using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Users;

/// <summary>
/// The roles that groups of this machine give: an account in such a group is a user without a resource of its own. A user resource with the
/// account's name takes precedence.
/// </summary>
/// <param name="roles">
/// The names of the roles of each group. A role that does not exist causes a login to be refused, as an assigned one does.
/// </param>
public sealed class UsersFromGroups(ImmutableSortedDictionary<string, ImmutableArray<string>> roles)
{
    /// <summary>No group gives a role.</summary>
    public static readonly UsersFromGroups None = new(
        ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal));

    /// <summary>Whether no group gives a role, in which case the groups of an account do not matter.</summary>
    public bool IsEmpty => roles.IsEmpty;

    /// <summary>The groups that give roles, sorted.</summary>
    public ImmutableArray<string> Groups => [.. roles.Keys];

    /// <summary>The groups that give a role, sorted.</summary>
    public IEnumerable<string> GroupsGiving(string role) => roles.Where(group => group.Value.Contains(role)).Select(group => group.Key);

    /// <summary>Every role that some group gives.</summary>
    public IEnumerable<string> Roles => roles.Values.SelectMany(names => names).Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Returns why an account cannot be a user by its groups, whichever they are; null if it can. An account name that consists of digits
    /// is not looked up, because programs such as id would take it for a uid.
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
    /// Returns the user that an account is by its groups; null if none of them gives a role. The account owns the user by name, never by
    /// uid, and the user's logins are the account's own; roles say what these open. The user has no ID and no revision yet.
    /// </summary>
    /// <param name="account">The name of the account; see <see cref="AccountFault"/>.</param>
    /// <param name="groups">Every group that contains the account, in any order.</param>
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
