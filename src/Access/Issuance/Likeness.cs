using System.Text;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// What certificates have in common about which <see cref="Withdrawal.Reason"/> says the same, so that a review of many asks once. They use
/// no request, and neither a node nor a role of their users ever ends; then the time of issue does not matter, only how long they last.
/// </summary>
/// <param name="Holder">What the policy knows of the user; see <see cref="HolderOf"/>.</param>
/// <param name="Principals">The principals, in any fixed notation.</param>
/// <param name="Permissions">The permissions and conditions, in any fixed notation.</param>
/// <param name="Lasts">The time from the issue to the end.</param>
public readonly record struct Likeness(string Holder, string Principals, string Permissions, TimeSpan Lasts)
{
    /// <summary>
    /// Returns a text that users have in common whom the policy cannot tell apart: those with the same roles and traits. Returns null for a
    /// user who must be asked about alone: one who is locked, or who holds a role that ends.
    /// </summary>
    /// <param name="user">The user. Their accounts do not count, so compare each with the account that logged in.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="locks">The locks in force.</param>
    public static string? HolderOf(User user, IReadOnlyDictionary<string, Role> roles, LocksInForce locks)
    {
        if (locks.On(LockKind.User, user.Name) is not null
            || user.Roles.Any(name => roles.TryGetValue(name, out var role) && role.Expires is not null))
            return null;
        var text = new StringBuilder();
        List(user.Roles);
        foreach (var (trait, values) in user.Traits)
        {
            One(trait);
            List(values);
        }
        return text.ToString();

        // With lengths, because a value may contain any character.
        void One(string value) => text.Append(value.Length).Append(':').Append(value);

        void List(IReadOnlyCollection<string> values)
        {
            text.Append(values.Count).Append(';');
            foreach (var value in values)
                One(value);
        }
    }
}
