using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>Decides which logins may be written for a group of hosts.</summary>
internal static class GroupPrincipals
{
    /// <summary>
    /// Returns the logins that some roles grant on every member of a group, as principals of the group. A role grants them if its
    /// <c>allow.node_labels</c> is the selector of the group, no request narrows it, and nothing denies any member. A login with a domain
    /// is granted on single hosts only.
    /// </summary>
    /// <param name="roles">The reach of each of these roles.</param>
    /// <param name="denials">The denials of all roles in use, and of locks.</param>
    /// <param name="groups">Every group that exists.</param>
    public static ImmutableArray<Principal> Of(
        IEnumerable<RoleReach> roles, Denials denials, ImmutableArray<GroupMembers> groups) =>
        groups.IsEmpty
            ? []
            : [
                .. roles.Where(role => !role.IsBare && role.Role.OnlyOn is null)
                    .SelectMany(
                        role => groups.Where(
                                one => one.Group.Selector.IsLike(role.Role.Role.Allow.NodeLabels) && !denials.DenySome(one))
                            .SelectMany(
                                one => role.Logins.Where(login => Names.DomainOf(login) is null)
                                    .Select(login => Principals.On(one.Group, login))))
                    .Distinct().OrderBy(one => one.ToString(), StringComparer.Ordinal)];
}
