using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;

namespace CertAuthority.Store;

/// <summary>
/// All roles, nodes and locks of one generation. A node that cannot be read is left out, so that the other nodes still get their revocation
/// list. A role or a lock that cannot be read may be one that denies, so nothing is decided until it can be read.
/// </summary>
/// <param name="generation">The number of the generation, which is never used again.</param>
/// <param name="roles">The readable roles.</param>
/// <param name="nodes">The readable nodes.</param>
/// <param name="locks">The readable locks.</param>
/// <param name="fault">The fault of the first unreadable role or lock; null if all can be read.</param>
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

    /// <summary>Returns the locks in force at an instant. They end with time alone, without another change.</summary>
    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public LocksInForce LocksAt(DateTimeOffset now) => LocksInForce.At(Locks.Values, now);

    private T Whole<T>(T table) => fault is null ? table : throw new StoreException(fault.Message, fault);
}

/// <summary>
/// Caches the last generation that was read. A generation number is never used twice, so a cached one can be outdated but not wrong.
/// </summary>
internal sealed class PolicyCache
{
    public volatile Policy? Latest;
}
