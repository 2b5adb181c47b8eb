using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Notices;

/// <summary>The events that a receiver wants.</summary>
/// <param name="Events">Names from <see cref="NoticeEvents"/>; empty for all events.</param>
/// <param name="Roles">At least one of these must match a requested or granted role; empty for any role.</param>
public sealed record NoticeFilter(ImmutableArray<string> Events, ImmutableArray<NamePattern> Roles)
{
    /// <summary>Lets every event pass.</summary>
    public static readonly NoticeFilter Everything = new([], []);

    /// <summary>Whether the filter lets an event of a request pass.</summary>
    public bool Lets(string what, AccessRequest request) =>
        (Events.IsEmpty || Events.Contains(what))
        && (Roles.IsEmpty || request.Roles.Concat(request.GrantedRoles).Any(role => Roles.Any(pattern => pattern.Matches(role.Name))));

    /// <summary>
    /// Whether the filter lets an event of the site pass. Such an event is about no role, so a receiver that names roles does not get it.
    /// </summary>
    public bool LetsOfSite(string what) => (Events.IsEmpty || Events.Contains(what)) && Roles.IsEmpty;
}
