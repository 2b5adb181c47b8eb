using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>A host that trusts the CA.</summary>
/// <param name="Id">Immutable: a node that is removed and created again under the same name is another node.</param>
/// <param name="Name">The host half of a principal, <c>login@name</c>; <see cref="Names.IsNodeName"/> says which are allowed.</param>
/// <param name="Revision">Counts changes of address and labels, from 1.</param>
/// <param name="Address">The address of its sshd, as <see cref="NodeAddress"/> writes it.</param>
/// <param name="Labels">The labels by which roles select it.</param>
public sealed record Node(Guid Id, string Name, long Revision, string Address, ImmutableSortedDictionary<string, string> Labels)
    : Resource(Id, Name, Revision)
{
    /// <summary>
    /// The age, in whole minutes, at which a revocation list on the host makes it refuse all certificates. Null for no limit.
    /// </summary>
    public TimeSpan? KrlMaxAge { get; init; }

    /// <summary>
    /// The domain that the host's directory appends to accounts after the <c>@</c>: if this is <c>corp.example.com</c>, the account
    /// <c>adam@corp.example.com</c> can exist here and is granted only here. Null if accounts have plain names only.
    /// </summary>
    public string? LoginDomain { get; init; }

    /// <summary>Whether a login can exist on the node.</summary>
    /// <param name="login">Without a domain, or with one.</param>
    public bool CanHave(string login) => Names.DomainOf(login) is not { } domain || domain == LoginDomain;

    /// <summary>
    /// Whether the daemon writes sshd's files to the host; otherwise the host fetches them, or another tool copies them there.
    /// </summary>
    public bool Push { get; init; }

    /// <summary>
    /// Whether the host goes on accepting the plain keys in <c>authorized_keys</c>, as a pilot. Nothing limits or revokes those.
    /// </summary>
    public bool KeepKeys { get; init; }

    /// <summary>The name of the jump host through which the node is reached; null if it is reached directly.</summary>
    public string? Via { get; init; }

    /// <summary>Whether the host forwards connections to the nodes that are reached through it.</summary>
    public bool Jump { get; init; }

    /// <summary>
    /// The first instant at which the node opens nothing any more; null for never. No certificate for the node is valid longer.
    /// </summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Whether the node has ended.</summary>
    public bool IsOver(DateTimeOffset now) => now >= Expires;

    /// <summary>The refusal for anyone who asks something of a node that has ended.</summary>
    public Refusal Ended => new($"node \"{Name}\" has ended: its spec.expires is {Instants.Show(Expires!.Value)}");

    /// <summary>The CA keys of other authorities that the host trusts in addition to ours, one public key per entry.</summary>
    public ImmutableArray<string> OtherCas { get; init; } = [];

    /// <summary>The parts of <see cref="Address"/>; null if an earlier version accepted an address that ssh cannot use.</summary>
    public NodeAddress? Endpoint => NodeAddress.Parse(Address).Holds(out var endpoint, out _) ? endpoint : null;
}
