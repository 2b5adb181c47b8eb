using CertAuthority.Protocol;

namespace CertAuthority.Tctl.Reports;

/// <summary>
/// Which roles and logins the certificates of each user contained, put together from the entries of the audit, oldest first.
/// </summary>
/// <param name="since">The first instant that counts.</param>
internal sealed class RoleUse(DateTimeOffset since)
{
    /// <summary>No certificate named the role.</summary>
    public const string NoCertificate = "no certificate";

    /// <summary>Certificates named the role, and none contained a login that it opens.</summary>
    public const string NoLogin = "no login of it in any certificate";

    // By user and role, the logins of the certificates that name the role.
    private readonly Dictionary<string, Dictionary<string, HashSet<string>>> used = new(StringComparer.Ordinal);

    /// <summary>Adds an entry.</summary>
    public void Take(AuditEntry entry)
    {
        // A user who was removed and created again under the same name is another person.
        if (entry is { Event: "user.removed" or "user.created", Resource: { } resource })
            used.Remove(resource[(resource.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        if (entry.Event != "certificate.issued" || entry.Time < since || entry.User is not { } user)
            return;
        if (!used.TryGetValue(user, out var roles))
            used[user] = roles = new(StringComparer.Ordinal);
        foreach (var role in entry.Granted ?? [])
        {
            if (!roles.TryGetValue(role, out var logins))
                roles[role] = logins = new(StringComparer.Ordinal);
            foreach (var principal in entry.Principals ?? [])
                logins.Add(LoginOf(principal));
        }
    }

    /// <summary>Returns the standing roles that were not in use.</summary>
    /// <param name="standing">The logins that each role opens to each user who holds it. Roles that open nothing are not judged.</param>
    public UnusedRow[] Unused(IReadOnlyDictionary<(string User, string Role), SortedSet<string>> standing) =>
    [
        .. standing.Select(one => (one.Key.User, one.Key.Role, Logins: one.Value, Why: WhyUnused(one.Key.User, one.Key.Role, one.Value)))
            .Where(one => one.Why is not null)
            .OrderBy(one => one.Role, StringComparer.Ordinal).ThenBy(one => one.User, StringComparer.Ordinal)
            .Select(one => new UnusedRow(one.User, one.Role, [.. one.Logins], one.Why!)),
    ];

    private string? WhyUnused(string user, string role, SortedSet<string> opened) =>
        used.GetValueOrDefault(user)?.GetValueOrDefault(role) is not { } logins ? NoCertificate
        : logins.Overlaps(opened) ? null
        : NoLogin;

    // The last @ separates the login from the host: a login with a domain contains one itself, and is never without a host.
    private static string LoginOf(string principal) => principal.LastIndexOf('@') is var at and >= 0 ? principal[..at] : principal;
}
