using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>A host that trusts the CA.</summary>
/// <param name="Id">Immutable: a node that is removed and created again under the name is another node.</param>
/// <param name="Name">The host half of a principal, <c>login@name</c>; as <see cref="Names.IsNodeName"/> allows.</param>
/// <param name="Revision">Counts changes of address and labels, from 1.</param>
/// <param name="Address">Where its sshd listens: <c>host[:port]</c>.</param>
/// <param name="Labels">What roles select it by.</param>
public sealed record Node(Guid Id, string Name, long Revision, string Address, ImmutableSortedDictionary<string, string> Labels)
{
    /// <summary>How old a revocation list may be there before the host lets nobody in by certificate; whole minutes. Null lets an old one do.</summary>
    public TimeSpan? KrlMaxAge { get; init; }
}
