using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>A host that trusts the CA.</summary>
/// <param name="Id">Immutable: a node that is removed and created again under the name is another node.</param>
/// <param name="Name">The host half of a principal, <c>login@name</c>; as <see cref="Names.IsNodeName"/> allows.</param>
/// <param name="Revision">Counts changes of address and labels, from 1.</param>
/// <param name="Address">Where its sshd listens, as <see cref="NodeAddress"/> writes it.</param>
/// <param name="Labels">What roles select it by.</param>
public sealed record Node(Guid Id, string Name, long Revision, string Address, ImmutableSortedDictionary<string, string> Labels)
    : Resource(Id, Name, Revision)
{
    /// <summary>
    /// How old a revocation list may be there before the host lets nobody in by certificate; whole minutes. Null lets an old one do.
    /// </summary>
    public TimeSpan? KrlMaxAge { get; init; }

    /// <summary>
    /// What its directory puts behind the <c>@</c> of accounts: the account <c>adam@corp.example.com</c> exists where this is
    /// <c>corp.example.com</c>, and only there is it granted. Null where accounts have plain names only.
    /// </summary>
    public string? LoginDomain { get; init; }

    /// <summary>Whether a login can exist there.</summary>
    /// <param name="login">Without a domain, or with one.</param>
    public bool CanHave(string login) => Names.DomainOf(login) is not { } domain || domain == LoginDomain;

    /// <summary>Whether the daemon writes to it what its sshd goes by; else it fetches, or something else carries it there.</summary>
    public bool Push { get; init; }

    /// <summary>The CA keys of other authorities that the host trusts beside ours, a public key a line.</summary>
    public ImmutableArray<string> OtherCas { get; init; } = [];

    /// <summary><see cref="Address"/> in its parts; null where an earlier version let one in that ssh cannot use.</summary>
    public NodeAddress? Endpoint => NodeAddress.Parse(Address).Holds(out var endpoint, out _) ? endpoint : null;
}
