using System.Collections.Immutable;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Locks;

/// <summary>The locks in force at one instant. Every decision checks them for everything that it uses.</summary>
public sealed class LocksInForce
{
    /// <summary>Nothing is locked.</summary>
    public static readonly LocksInForce None = new([]);

    private readonly Dictionary<LockTarget, AccessLock> byTarget;

    private LocksInForce(ImmutableArray<AccessLock> all)
    {
        All = all;
        // If several locks have the same target, the messages name the one that lasts longest.
        byTarget = all.GroupBy(one => one.Target)
            .ToDictionary(locks => locks.Key, locks => locks.MaxBy(one => one.Expires ?? DateTimeOffset.MaxValue)!);
    }

    /// <summary>Selects the locks that have not expired.</summary>
    /// <param name="locks">Every lock that exists.</param>
    /// <param name="now">The instant of the decision, even if the decision examines an earlier instant.</param>
    public static LocksInForce At(IEnumerable<AccessLock> locks, DateTimeOffset now) =>
        locks.Where(one => !one.IsOver(now)).ToImmutableArray() is { IsEmpty: false } standing ? new(standing) : None;

    /// <summary>All locks in force.</summary>
    public ImmutableArray<AccessLock> All { get; }

    /// <summary>Whether any lock is on a node. If so, nobody is granted a bare login, because it would open that node too.</summary>
    public bool OnNodes => All.Any(one => one.Target.Kind == LockKind.Node);

    /// <summary>Finds the lock on a target; null if there is none.</summary>
    public AccessLock? On(LockKind kind, string name) => byTarget.GetValueOrDefault(new LockTarget(kind, name));

    /// <summary>Finds the first lock on a user or on a role that they would have in use; null if there is none.</summary>
    public AccessLock? On(User user, IEnumerable<string> roles) =>
        On(LockKind.User, user.Name) ?? roles.Select(role => On(LockKind.Role, role)).FirstOrDefault(one => one is not null);

    /// <summary>Finds the lock that takes a principal away; null if there is none.</summary>
    /// <param name="login">The login.</param>
    /// <param name="node">The only node where the login counts; null for all hosts, in which case a lock on any node takes it away.</param>
    public AccessLock? On(string login, string? node) =>
        On(LockKind.Login, login)
        ?? (node is not null ? On(LockKind.Node, node) : All.FirstOrDefault(one => one.Target.Kind == LockKind.Node));
}
