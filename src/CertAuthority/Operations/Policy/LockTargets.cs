using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Checks the targets of locks.</summary>
internal static class LockTargets
{
    /// <summary>
    /// Warns about a lock whose target does not exist, or that has already expired. Both are allowed, but a typing mistake looks the same.
    /// </summary>
    /// <exception cref="ProblemException">No such login can exist.</exception>
    public static string[] Warnings(Snapshot snapshot, AccessLock one, DateTimeOffset now)
    {
        LoginDomains.Expect(snapshot, one.Target);
        var exists = one.Target switch
        {
            (LockKind.User, var name) => snapshot.FindUser(name) is not null,
            (LockKind.Role, var name) => snapshot.Policy().Roles.ContainsKey(name),
            (LockKind.Node, var name) => snapshot.Policy().Nodes.ContainsKey(name),
            (LockKind.Request, var id) => snapshot.FindRequest(Guid.Parse(id)) is not null,
            _ => true,
        };
        return
        [
            .. exists ? (string[])[] : [Missing(snapshot, one)],
            .. one.IsOver(now) ? (string[])[$"lock '{one.Name}' is over since {Instants.Show(one.Expires!.Value)}"] : [],
        ];
    }

    private static string Missing(Snapshot snapshot, AccessLock one)
    {
        IEnumerable<string> known = one.Target.Kind switch
        {
            LockKind.User => snapshot.Users().Select(user => user.Name),
            LockKind.Role => snapshot.Policy().Roles.Keys,
            LockKind.Node => snapshot.Policy().Nodes.Keys,
            _ => [],
        };
        var meant = NextSteps.Nearest(one.Target.Name, known) is { } near ? $" (did you mean '{near}'?)" : "";
        return $"there is no {one.Target}{meant}; lock '{one.Name}' counts as soon as there is";
    }
}
