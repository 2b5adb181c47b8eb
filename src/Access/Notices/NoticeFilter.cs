using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Notices;

/// <summary>What a receiver wants to be told of.</summary>
/// <param name="Events">Of <see cref="NoticeEvents"/>; all of them when empty.</param>
/// <param name="Roles">One of them fits a role that was asked for or granted; any role will do when empty.</param>
public sealed record NoticeFilter(ImmutableArray<string> Events, ImmutableArray<NamePattern> Roles)
{
    /// <summary>Everything.</summary>
    public static readonly NoticeFilter Everything = new([], []);

    /// <summary>Whether an event of a request passes.</summary>
    public bool Lets(string what, AccessRequest request) =>
        (Events.IsEmpty || Events.Contains(what))
        && (Roles.IsEmpty || request.Roles.Concat(request.GrantedRoles).Any(role => Roles.Any(pattern => pattern.Matches(role.Name))));

    /// <summary>
    /// Whether an event of the site passes. It is about no role, so who wants to hear of certain roles does not hear of it.
    /// </summary>
    public bool LetsOfSite(string what) => (Events.IsEmpty || Events.Contains(what)) && Roles.IsEmpty;
}
