using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>A named set of permissions. A role pairs its own logins with its own node labels; pairs never form across roles.</summary>
/// <param name="Id">Immutable: a role that is removed and created again under its name is another role.</param>
/// <param name="Name">As <see cref="Names.IsName"/> allows.</param>
/// <param name="Version">The version of the resource as written, <c>v3</c> to <c>v8</c>.</param>
/// <param name="Revision">Counts changes of the spec, from 1. Requests pin it.</param>
/// <param name="Description">Free text for people; decides nothing.</param>
/// <param name="Labels">Labels of the resource itself, for people; they decide nothing.</param>
/// <param name="Allow">What it grants.</param>
/// <param name="Deny">What it takes away, from every role in use beside it.</param>
/// <param name="MaxSessionTtl">The longest certificate under this role; null leaves it to the site.</param>
public sealed record Role(
    Guid Id,
    string Name,
    string Version,
    long Revision,
    string Description,
    ImmutableSortedDictionary<string, string> Labels,
    RoleConditions Allow,
    RoleConditions Deny,
    TimeSpan? MaxSessionTtl)
{
    /// <summary>The role as a request remembers it.</summary>
    public PinnedRole Pin() => new(Id, Name, Revision);
}

/// <summary>One side of a role, <c>allow</c> or <c>deny</c>.</summary>
/// <param name="Logins">Unix logins; in <c>deny</c> also the sole pattern <c>*</c>, which denies every login.</param>
/// <param name="NodeLabels">Which hosts.</param>
/// <param name="RequestRoles">Which roles may, or may not, be asked for.</param>
public sealed record RoleConditions(ImmutableArray<string> Logins, LabelSelector NodeLabels, ImmutableArray<NamePattern> RequestRoles)
{
    /// <summary>Says nothing.</summary>
    public static readonly RoleConditions Empty = new([], LabelSelector.None, []);
}

/// <summary>A role at one revision: what a request asked for, or was granted, is that and nothing that later bears the name.</summary>
public sealed record PinnedRole(Guid Id, string Name, long Revision);
