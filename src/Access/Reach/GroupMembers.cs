using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// A group and the hosts in it. Only these may accept its token: a host gets the token after the policy judged every live certificate with
/// the host in the group, and when a host leaves, the token is over.
/// </summary>
/// <param name="group">The group.</param>
/// <param name="nodes">Every node that exists; those that the group does not select are ignored.</param>
public sealed class GroupMembers(NodeGroup group, IEnumerable<Node> nodes)
{
    // Many certificates are judged by few denials.
    private readonly ConditionalWeakTable<LabelSelector, StrongBox<bool>> answers = [];

    private readonly Lazy<ImmutableDictionary<string, Node>> members =
        new(() => nodes.Where(group.Has).ToImmutableDictionary(node => node.Name, StringComparer.Ordinal));

    /// <summary>The group.</summary>
    public NodeGroup Group => group;

    /// <summary>The members, by name.</summary>
    public ImmutableDictionary<string, Node> Nodes => members.Value;

    /// <summary>Whether a selector matches any of the members.</summary>
    public bool HasAny(LabelSelector selector) =>
        answers.GetValue(selector, one => new StrongBox<bool>(Nodes.Values.Any(node => one.Matches(node.Labels)))).Value;

    /// <summary>
    /// Returns the logins that some roles grant on every member of a group, as principals of the group. A role grants them if its
    /// <c>allow.node_labels</c> is the selector of the group, no request narrows it, and nothing denies any member. A login with a domain
    /// is granted on single hosts only.
    /// </summary>
    /// <param name="roles">The reach of each of these roles.</param>
    /// <param name="denials">The denials of all roles in use, and of locks.</param>
    /// <param name="groups">Every group that exists.</param>
    internal static ImmutableArray<Principal> Principals(
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
                                    .Select(login => Reach.Principals.On(one.Group, login))))
                    .Distinct().OrderBy(one => one.ToString(), StringComparer.Ordinal)];
}
