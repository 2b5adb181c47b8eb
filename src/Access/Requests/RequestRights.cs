using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Requests;

/// <summary>Decides who may request which role or node.</summary>
public static class RequestRights
{
    /// <summary>
    /// Whether a user with these <b>assigned</b> roles may request a role: some allow names it and no deny does. Roles gained by a request
    /// never count, because one approval could otherwise lead to the next. A role that may not be requested cannot be requested through a
    /// node either.
    /// </summary>
    public static bool MayRequest(IEnumerable<Role> assigned, string roleName, RequestKind kind)
    {
        var allowed = false;
        foreach (var role in assigned)
        {
            if (role.Deny.LetsRequest(roleName, RequestKind.Roles) || role.Deny.LetsRequest(roleName, kind))
                return false;
            allowed |= role.Allow.LetsRequest(roleName, kind);
        }
        return allowed;
    }

    /// <summary>
    /// Returns the names of the existing roles that the user may request, by name or through nodes; sorted, without locked ones.
    /// </summary>
    /// <param name="user">The user who might request.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="now">The instant at which the roles are evaluated.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="kind">The kind of request.</param>
    /// <param name="among">The only roles of interest; null for all.</param>
    public static ImmutableArray<string> Requestable(
        User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now, LocksInForce locks, RequestKind kind = RequestKind.Roles,
        IEnumerable<Role>? among = null)
    {
        var assigned = user.AssignedAt(now, roles);
        return [
            .. (among ?? roles.Values).Where(
                role => !role.IsOver(now) && MayRequest(assigned, role.Name, kind) && locks.On(LockKind.Role, role.Name) is null)
                .Select(role => role.Name).Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Returns what a plain login of the user, one that does not mention requests, does: what the strictest of their roles says, if there
    /// is something to request.
    /// </summary>
    public static RequestAccess AccessOf(User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now)
    {
        var access = user.AssignedAt(now, roles).Select(role => role.Options.RequestAccess).DefaultIfEmpty().Max();
        // Locks do not count here: the error at filing names them, and a locked role must not turn the login into one without a request.
        return access == RequestAccess.Optional || Requestable(user, roles, now, LocksInForce.None).All(user.Roles.Contains)
            ? RequestAccess.Optional
            : access;
    }
}
