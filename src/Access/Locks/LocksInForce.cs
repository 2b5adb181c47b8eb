using System.Collections.Immutable;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Locks;

/// <summary>The locks that stand at one instant. A decision asks them of everything that it draws on.</summary>
public sealed class LocksInForce
{
    /// <summary>Nothing is locked.</summary>
    public static readonly LocksInForce None = new([]);

    private readonly Dictionary<LockTarget, AccessLock> byTarget;

    private LocksInForce(ImmutableArray<AccessLock> all)
    {
        All = all;
        // Of several on one thing the one that stands longest is told.
        byTarget = all.GroupBy(one => one.Target)
            .ToDictionary(locks => locks.Key, locks => locks.MaxBy(one => one.Expires ?? DateTimeOffset.MaxValue)!);
    }

    /// <summary>Those whose time is not over.</summary>
    /// <param name="locks">Every lock that exists.</param>
    /// <param name="now">The instant of the decision, also where it looks back at something older.</param>
    public static LocksInForce At(IEnumerable<AccessLock> locks, DateTimeOffset now) =>
        locks.Where(one => !one.IsOver(now)).ToImmutableArray() is { IsEmpty: false } standing ? new(standing) : None;

    /// <summary>All of them.</summary>
    public ImmutableArray<AccessLock> All { get; }

    /// <summary>Whether any is on a node. Then nobody is granted a bare login, which would open that node too.</summary>
    public bool OnNodes => All.Any(one => one.Target.Kind == LockKind.Node);

    /// <summary>The lock on something; null where there is none.</summary>
    public AccessLock? On(LockKind kind, string name) => byTarget.GetValueOrDefault(new LockTarget(kind, name));

    /// <summary>The first lock on a user or on a role that they would have in use; null where there is none.</summary>
    public AccessLock? On(User user, IEnumerable<string> roles) =>
        On(LockKind.User, user.Name) ?? roles.Select(role => On(LockKind.Role, role)).FirstOrDefault(one => one is not null);

    /// <summary>The lock that takes a principal away; null where there is none.</summary>
    /// <param name="login">The login.</param>
    /// <param name="node">The only node where it counts; null for all hosts, and then any locked node takes it.</param>
    public AccessLock? On(string login, string? node) =>
        On(LockKind.Login, login)
        ?? (node is not null ? On(LockKind.Node, node) : All.FirstOrDefault(one => one.Target.Kind == LockKind.Node));
}
