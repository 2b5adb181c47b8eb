using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// A group of hosts, which a certificate can name instead of naming each host. Its members are the nodes that its selector matches now.
/// </summary>
/// <param name="Id">Immutable: a group that is removed and created again under the same name is another one.</param>
/// <param name="Name">The name that people use.</param>
/// <param name="Revision">Counts changes of the selector, from 1.</param>
/// <param name="Selector">Selects the members. It never selects every host: that is what bare logins are for.</param>
public sealed record NodeGroup(Guid Id, string Name, long Revision, LabelSelector Selector) : Resource(Id, Name, Revision)
{
    /// <summary>How many groups a host can be in, as far as certificates name groups; the host ignores a longer file.</summary>
    public const int MostOfAHost = 16;

    /// <summary>How many hexadecimal digits a token ends with.</summary>
    public const int TokenDigits = 16;

    /// <summary>
    /// What hosts and certificates call the group: its name, a dot and random digits. As soon as a host leaves the group, the group gets
    /// another token, and the old one is never used again: so a host that still accepts the old one opens nothing by it.
    /// </summary>
    public string Token { get; init; } = "";

    /// <summary>
    /// Whether a node is a member. One that ends is none: certificates that last longer must not open it, and the others must not do
    /// without the group because of it.
    /// </summary>
    public bool Has(Node node) => node.Expires is null && Selector.Matches(node.Labels);

    /// <summary>Returns the token of a group.</summary>
    /// <param name="name">The name of the group.</param>
    /// <param name="random">A random number that was not drawn before.</param>
    public static string TokenOf(string name, ulong random) => $"{name}.{random:x16}";
}
