using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>The second part of the issuance policy: how long.</summary>
public static class Lifetime
{
    /// <summary>The shortest of all limits, named. A wish beyond a role's limit is shortened; beyond the site's, or not positive, it is refused.</summary>
    /// <param name="now">The instant of issue; whole seconds.</param>
    /// <param name="roles">All roles in use, base and granted.</param>
    /// <param name="requests">The requests in use.</param>
    /// <param name="wish">What the caller asked for, or null.</param>
    /// <param name="limits">The bounds of the site.</param>
    /// <param name="sessionEnds">When the login session ends that the certificate belongs to; null for one that begins a session.</param>
    public static Outcome<Validity> Decide(
        DateTimeOffset now, IEnumerable<Role> roles, IEnumerable<AccessRequest> requests, TimeSpan? wish, SiteLimits limits, DateTimeOffset? sessionEnds = null)
    {
        if (Durations.Beyond("ttl", wish, limits.Certificate) is { } beyond)
            return beyond;

        var ends = new List<(DateTimeOffset End, string Rule)>();
        if (wish is { } ttl)
            ends.Add((now + ttl, "the requested ttl"));
        // Before the roles: used in the second it was filed, a request ends with its role, and is what decides from then on.
        ends.AddRange(requests.Select(request => (request.AccessUntil, $"request {request.Id}")));
        foreach (var role in roles)
        {
            if (role.Options.MaxSessionTtl is { } longest)
                ends.Add((now + longest, $"role {role.Name}"));
            if (role.Expires is { } last && !role.IsOver(now))
                ends.Add((last, $"the end of role {role.Name}"));
        }
        // After the roles: where one of them shortened it, the role decides.
        foreach (var request in requests)
            if (request.Terms.SessionTtl is { } session)
                ends.Add((now + session, $"the session ttl of request {request.Id}"));
        if (sessionEnds is { } over)
            ends.Add((over, "the login that it belongs to"));
        ends.Add((now + limits.Certificate, "the site's maximum"));

        var (end, rule) = ends.MinBy(limit => limit.End);
        return end > now ? new Validity(now - Validity.ClockSkew, end, rule) : new Refusal($"no time is left under {rule}", Kind: RefusalKind.Expired);
    }
}
