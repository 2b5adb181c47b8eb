namespace CertAuthority.Protocol;

/// <summary>Locks one thing: a user, a role, a login, a node or a request. What was issued to it is revoked.</summary>
/// <param name="User">The name of a user.</param>
/// <param name="Role">The name of a role.</param>
/// <param name="Login">A Unix login.</param>
/// <param name="Node">The name of a node.</param>
/// <param name="Request">A request, an id or a unique prefix.</param>
/// <param name="Message">Why, shown to whoever is refused.</param>
/// <param name="Ttl">How long it stands, as a duration; without it and <paramref name="Expires"/>, until it is removed.</param>
/// <param name="Expires">Until when it stands: a time of RFC 3339.</param>
public sealed record CreateLock(
    string? User = null,
    string? Role = null,
    string? Login = null,
    string? Node = null,
    string? Request = null,
    string Message = "",
    string? Ttl = null,
    string? Expires = null);

/// <summary>A lock that was made.</summary>
/// <param name="Name">Under which it is listed, and removed, as a resource of the kind <c>lock</c>.</param>
/// <param name="Warnings">What deserves a second look.</param>
/// <param name="Revoked">The serials of the certificates that were issued to what is locked.</param>
public sealed record Locked(string Name, string[] Warnings, string[] Revoked);

/// <summary>A lock behind a verdict.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Target">What it is on: <c>user alice</c>.</param>
/// <param name="Effect"><c>refuses</c> everything, <c>denies</c> a login or a node, or <c>limits</c>: no bare login beside it.</param>
/// <param name="Message">Why; may be empty.</param>
/// <param name="Expires">Until when it stands; null for until it is removed.</param>
public sealed record LockExplained(string Name, string Target, string Effect, string Message, DateTimeOffset? Expires = null);
