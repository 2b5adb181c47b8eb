namespace CertAuthority.Protocol;

/// <summary>Locks a user, a role, a login, a node or a request, and revokes certificates issued to it.</summary>
/// <param name="User">The name of a user.</param>
/// <param name="Role">The name of a role.</param>
/// <param name="Login">A Unix login.</param>
/// <param name="Node">The name of a node.</param>
/// <param name="Request">A request, as an ID or a unique prefix.</param>
/// <param name="Message">The reason, shown to anyone who is refused.</param>
/// <param name="Ttl">How long it is in force, as a duration; without it and <paramref name="Expires"/>, until it is removed.</param>
/// <param name="Expires">When it expires: a time of RFC 3339.</param>
public sealed record CreateLock(
    string? User = null,
    string? Role = null,
    string? Login = null,
    string? Node = null,
    string? Request = null,
    string Message = "",
    string? Ttl = null,
    string? Expires = null);

/// <summary>A new lock.</summary>
/// <param name="Name">The name for listing and removing it, as a resource of the kind <c>lock</c>.</param>
/// <param name="Warnings">Warnings for the administrator.</param>
/// <param name="Revoked">The serials of the revoked certificates.</param>
public sealed record Locked(string Name, string[] Warnings, string[] Revoked);

/// <summary>A lock behind a verdict.</summary>
/// <param name="Name">The name of the lock.</param>
/// <param name="Target">The target of the lock: <c>user alice</c>.</param>
/// <param name="Effect"><c>refuses</c> everything, <c>denies</c> a login or a node, or <c>limits</c>, which excludes bare logins.</param>
/// <param name="Message">The reason; may be empty.</param>
/// <param name="Expires">When it expires; null if it stays until it is removed.</param>
public sealed record LockExplained(string Name, string Target, string Effect, string Message, DateTimeOffset? Expires = null);
