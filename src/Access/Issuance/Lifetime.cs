using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>The second part of the issuance policy: the lifetime of a certificate.</summary>
public static class Lifetime
{
    /// <summary>
    /// Decides the lifetime by the shortest of all limits, and names that limit. A requested lifetime beyond a role's limit is shortened;
    /// one beyond the site's limit, or one that is not positive, is refused.
    /// </summary>
    /// <param name="now">The instant of issue; whole seconds.</param>
    /// <param name="roles">All roles in use, assigned and granted.</param>
    /// <param name="requests">The requests in use.</param>
    /// <param name="wish">The lifetime that the caller requested; null for none.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="sessionEnds">When the login session that the certificate belongs to ends; null if this login begins a session.</param>
    /// <param name="node">The only node that the certificate is for; null for all that the roles reach.</param>
    public static Decided<Validity> Decide(
        DateTimeOffset now, IReadOnlyCollection<Role> roles, IReadOnlyCollection<AccessRequest> requests, TimeSpan? wish,
        SiteLimits limits, DateTimeOffset? sessionEnds = null, Node? node = null)
    {
        var ends = Ends(now, roles, requests, wish, limits, sessionEnds, node).ToList();
        return new Decided<Validity>(
            Outcome(now, ends, wish, limits), roles.Where(role => role.IsOver(now)).Select(Over).Concat(ends.Select(end => end.AtWork())));
    }

    private static Outcome<Validity> Outcome(DateTimeOffset now, List<Limit> ends, TimeSpan? wish, SiteLimits limits)
    {
        if (Durations.Beyond("ttl", wish, limits.Certificate) is { } beyond)
            return beyond;
        var first = ends.MinBy(limit => limit.End)!;
        return first.End > now
            ? new Validity(now - Validity.ClockSkew, first.End, first.Name)
            : new Refusal($"no time is left under {first.Name}", Kind: RefusalKind.Expired);
    }

    /// <summary>Returns everything that ends the certificate. If two ends fall on the same instant, the first one decides.</summary>
    private static IEnumerable<Limit> Ends(
        DateTimeOffset now, IReadOnlyCollection<Role> roles, IReadOnlyCollection<AccessRequest> requests, TimeSpan? wish,
        SiteLimits limits, DateTimeOffset? sessionEnds, Node? node)
    {
        if (wish is { } ttl && Durations.Beyond("ttl", wish, limits.Certificate) is null)
            yield return new Limit(now + ttl, "the requested ttl");
        // These come before the roles: a request that is used in the second of its filing ends together with its role, and must be the rule
        // named.
        foreach (var request in requests)
            yield return new Limit(request.AccessUntil, $"request {request.Id}");
        foreach (var role in roles)
        {
            if (role.Options.MaxSessionTtl is { } longest)
                yield return new Limit(
                    now + longest, $"role {role.Name}", role, "options.max_session_ttl", Durations.Show(longest),
                    "no certificate is longer");
            if (role.Expires is { } last && !role.IsOver(now))
                yield return new Limit(
                    last, $"the end of role {role.Name}", role, Expires, Instants.Show(last), "no certificate outlives it");
        }
        // These come after the roles: if a role shortened the request, the role is the rule named.
        foreach (var request in requests)
            if (request.Terms.SessionTtl is { } session)
                yield return new Limit(now + session, $"the session ttl of request {request.Id}");
        if (sessionEnds is { } over)
            yield return new Limit(over, "the login that it belongs to");
        if (node?.Expires is { } gone)
            yield return new Limit(gone, EndOf(node));
        yield return new Limit(now + limits.Certificate, "the site's maximum");
    }

    /// <summary>Returns the name of the limit that a node sets.</summary>
    internal static string EndOf(Node node) => $"the end of node {node.Name}";

    private static RuleAtWork Over(Role role) =>
        new(
            role.Id, RuleEffect.Misses, Expires, Instants.Show(role.Expires!.Value),
            "it is over: it allows nothing any more; what it denies and limits stays");

    internal const string Expires = "metadata.expires";

    /// <summary>One end of the certificate, and the rule that sets it.</summary>
    /// <param name="End">The first instant at which the certificate is not valid.</param>
    /// <param name="Name">The name of the rule, as certificates state their limit.</param>
    /// <param name="Role">The role that contains the rule; null for the rule of a request, of the caller or of the site.</param>
    /// <param name="Field">The field of the role that contains the rule.</param>
    /// <param name="Entry">The content of the field.</param>
    /// <param name="Why">The meaning of the rule.</param>
    private sealed record Limit(DateTimeOffset End, string Name, Role? Role = null, string Field = "", string Entry = "", string Why = "")
    {
        public RuleAtWork AtWork() => new(Role?.Id, RuleEffect.Limits, Field, Entry, Role is null ? Name : Why);
    }
}
