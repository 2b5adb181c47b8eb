using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;

namespace CertAuthority.Store;

/// <summary>
/// All roles, nodes and locks of one generation. A node that cannot be read is left out, so that the others still get their revocation
/// list. A role or a lock
/// that cannot be read may be one that denies, so nothing is decided until it can.
/// </summary>
/// <param name="generation">Unique for ever.</param>
/// <param name="roles">Those that can be read.</param>
/// <param name="nodes">Those that can be read.</param>
/// <param name="locks">Those that can be read.</param>
/// <param name="fault">The first role or lock that cannot be read; null when all can.</param>
internal sealed class Policy(
    string generation, ImmutableSortedDictionary<string, Role> roles, ImmutableSortedDictionary<string, Node> nodes,
    ImmutableSortedDictionary<string, AccessLock> locks, StoreException? fault)
{
    public string Generation => generation;

    /// <summary>Whether every role and every lock can be read.</summary>
    public bool IsWhole => fault is null;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, Role> Roles => Whole(roles);

    public ImmutableSortedDictionary<string, Node> Nodes => nodes;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, AccessLock> Locks => Whole(locks);

    /// <summary>The locks that stand at an instant: the clock ends them, and nothing else has to.</summary>
    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public LocksInForce LocksAt(DateTimeOffset now) => LocksInForce.At(Locks.Values, now);

    private T Whole<T>(T table) => fault is null ? table : throw new StoreException(fault.Message, fault);
}

/// <summary>The last generation read. A generation is never used twice, so a cached one can be outdated but not wrong.</summary>
internal sealed class PolicyCache
{
    public volatile Policy? Latest;
}
