using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What locks are on.</summary>
internal static class LockTargets
{
    /// <summary>A lock may come before what it is on, and be one that nothing meets any more; a slip of the pen looks the same.</summary>
    /// <exception cref="ProblemException">There can be no such login.</exception>
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
            .. exists ? (string[])[] : [$"there is no {one.Target}; lock '{one.Name}' counts as soon as there is"],
            .. one.IsOver(now) ? (string[])[$"lock '{one.Name}' is over since {Instants.Show(one.Expires!.Value)}"] : [],
        ];
    }
}
