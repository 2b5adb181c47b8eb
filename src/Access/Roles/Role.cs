using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>A named set of permissions. A role pairs its own logins with its own node labels; pairs never form across roles.</summary>
/// <param name="Id">Immutable: a role that is removed and created again under its name is another role.</param>
/// <param name="Name">As <see cref="Names.IsName"/> allows.</param>
/// <param name="Version">The version of the resource as written, <c>v3</c> to <c>v8</c>.</param>
/// <param name="Revision">Counts changes of the spec, from 1. Requests pin it.</param>
/// <param name="Description">Free text for people; decides nothing.</param>
/// <param name="Labels">Labels of the resource itself, for people; they decide nothing.</param>
/// <param name="Expires">The first instant at which it grants nothing more; null for never. What it denies, it denies on.</param>
/// <param name="Allow">What it grants.</param>
/// <param name="Deny">What it takes away, from every role in use beside it.</param>
/// <param name="Options">How sessions under it are bounded.</param>
public sealed record Role(
    Guid Id,
    string Name,
    string Version,
    long Revision,
    string Description,
    ImmutableSortedDictionary<string, string> Labels,
    DateTimeOffset? Expires,
    RoleConditions Allow,
    RoleConditions Deny,
    RoleOptions Options)
    : Resource(Id, Name, Revision)
{
    /// <summary>Who may review requests for it, beside those whose roles say so.</summary>
    public ImmutableArray<ReviewerEntry> Reviewers { get; init; } = [];

    /// <summary>Whether it takes something away from the roles in use beside it, or from what may be asked for or reviewed.</summary>
    public bool DeniesAnything =>
        Deny.Logins.Length + Deny.RequestRoles.Length + Deny.SearchAsRoles.Length + Deny.Reviewing.Roles.Length > 0
            || !Deny.NodeLabels.IsNone;

    /// <summary>Whether its time is over.</summary>
    public bool IsOver(DateTimeOffset now) => now >= Expires;

    /// <summary>The role as it counts at an instant: once it is over, nothing is left but what it denies and bounds.</summary>
    public Role At(DateTimeOffset now) => IsOver(now) ? this with { Allow = RoleConditions.Empty, Options = Options.Bounds } : this;

    /// <summary>The role as a request remembers it.</summary>
    public PinnedRole Pin() => new(Id, Name, Revision);
}

/// <summary>One side of a role, <c>allow</c> or <c>deny</c>.</summary>
/// <param name="Logins">Unix logins, or templates of them; in <c>deny</c> also the sole pattern <c>*</c>, which denies every login.</param>
/// <param name="NodeLabels">Which hosts.</param>
/// <param name="RequestRoles">Which roles may, or may not, be asked for.</param>
public sealed record RoleConditions(ImmutableArray<Template> Logins, LabelSelector NodeLabels, ImmutableArray<NamePattern> RequestRoles)
{
    /// <summary>Says nothing.</summary>
    public static readonly RoleConditions Empty = new([], LabelSelector.None, []);

    /// <summary>How long the access lasts that is asked for by it; null leaves that to the sessions of the roles asked for.</summary>
    public TimeSpan? MaxRequestDuration { get; init; }

    /// <summary>From when that counts.</summary>
    public RequestClock RequestClock { get; init; }

    /// <summary>What else it says to those who ask by it.</summary>
    public RequestRules Asking { get; init; } = RequestRules.None;

    /// <summary>Requests for which roles may, or may not, be reviewed.</summary>
    public ReviewConditions Reviewing { get; init; } = ReviewConditions.None;

    /// <summary>Roles through which nodes may, or may not, be asked for by name.</summary>
    public ImmutableArray<NamePattern> SearchAsRoles { get; init; } = [];

    /// <summary>Whether a role is among those that may, or may not, be asked for in such a request.</summary>
    public bool LetsRequest(string role, RequestKind kind) =>
        (kind == RequestKind.Roles ? RequestRoles : SearchAsRoles).Any(pattern => pattern.Matches(role));
}

/// <summary>How sessions under a role are bounded, and what they may do beside running commands.</summary>
public sealed record RoleOptions
{
    /// <summary>Bounds nothing, and permits nothing.</summary>
    public static readonly RoleOptions None = new();

    /// <summary>Only what bounds: without what permits.</summary>
    public RoleOptions Bounds =>
        this with { ForwardAgent = false, PortForwarding = false, X11Forwarding = false, Extensions = None.Extensions };

    /// <summary>The longest certificate; null leaves it to the site.</summary>
    public TimeSpan? MaxSessionTtl { get; init; }

    /// <summary>Whether an agent may be forwarded.</summary>
    public bool ForwardAgent { get; init; }

    /// <summary>Whether ports may be forwarded.</summary>
    public bool PortForwarding { get; init; }

    /// <summary>Whether X11 may be forwarded.</summary>
    public bool X11Forwarding { get; init; }

    /// <summary>
    /// What every session has to meet: values by the names of <see cref="SessionCondition.All"/>, as certificates have them.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Conditions { get; init; } = SessionConditions.None;

    /// <summary>The only command that runs, whatever was asked for; null for any. One of <see cref="Conditions"/>.</summary>
    public string? ForceCommand
    {
        get => Conditions.GetValueOrDefault(SessionCondition.ForceCommand.Name);
        init => Conditions = Conditions.With(SessionCondition.ForceCommand, value);
    }

    /// <summary>From where logins may come; empty for anywhere. One of <see cref="Conditions"/>.</summary>
    public ImmutableArray<AddressRange> SourceAddresses
    {
        get => Conditions.TryGetValue(SessionCondition.SourceAddress.Name, out var ranges) ? [.. AddressRange.List(ranges)] : [];
        init => Conditions = Conditions.With(SessionCondition.SourceAddress, value.IsEmpty ? null : string.Join(',', value));
    }

    /// <summary>Whether only security keys that have verified their user are certified. One of <see cref="Conditions"/>.</summary>
    public bool VerifyRequired
    {
        get => Conditions.ContainsKey(SessionCondition.VerifyRequired.Name);
        init => Conditions = Conditions.With(SessionCondition.VerifyRequired, value ? "" : null);
    }

    /// <summary>What a login does that says nothing about requests.</summary>
    public RequestAccess RequestAccess { get; init; }

    /// <summary>How the reason for what a login asks for is asked for; may be empty.</summary>
    public string RequestPrompt { get; init; } = "";

    /// <summary>Extensions of others, <c>name@domain</c>, with their values.</summary>
    public ImmutableSortedDictionary<string, Template> Extensions { get; init; } =
        ImmutableSortedDictionary<string, Template>.Empty.WithComparers(StringComparer.Ordinal);
}
