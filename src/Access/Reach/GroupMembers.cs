using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;

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
}
