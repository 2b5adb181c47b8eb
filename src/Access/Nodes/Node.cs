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

    /// <summary>Whether the daemon writes to it what its sshd goes by; else it fetches, or something else carries it there.</summary>
    public bool Push { get; init; }

    /// <summary>The parts of <see cref="Address"/>; no port means 22. <c>[2001:db8::1]:22</c>, <c>2001:db8::1</c>, <c>db1.example.com:22</c>, <c>db1.example.com</c>.</summary>
    public (string Host, int? Port) Endpoint
    {
        get
        {
            if (Address.StartsWith('['))
                return Address.IndexOf(']') is var end and > 0 ? (Address[1..end], Number(Address[(end + 1)..].TrimStart(':'))) : (Address[1..], null);
            var colon = Address.IndexOf(':');
            return colon < 0 || Address.IndexOf(':', colon + 1) >= 0 ? (Address, null) : (Address[..colon], Number(Address[(colon + 1)..]));
        }
    }

    private static int? Number(string port) => ushort.TryParse(port, out var number) ? number : null;
}
