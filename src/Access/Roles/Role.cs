using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>A named set of permissions. A role pairs its own logins with its own node labels; pairs never form across roles.</summary>
/// <param name="Id">Immutable: a role that is removed and created again under its name is another role.</param>
/// <param name="Name">The name; <see cref="Names.IsName"/> says which are allowed.</param>
/// <param name="Version">The version of the resource as written, <c>v3</c> to <c>v8</c>.</param>
/// <param name="Revision">Counts changes of the spec, from 1. Requests pin this number.</param>
/// <param name="Description">Free text for people; has no effect on decisions.</param>
/// <param name="Labels">Labels of the resource itself, for people; they have no effect on decisions.</param>
/// <param name="Expires">The first instant at which the role grants nothing more; null for never. Its denials stay in force.</param>
/// <param name="Allow">What the role grants.</param>
/// <param name="Deny">What the role denies; this applies to every role in use together with it.</param>
/// <param name="Options">The limits and permissions of its sessions.</param>
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
    /// <summary>Users and roles that may review requests for this role, in addition to those whose own roles allow it.</summary>
    public ImmutableArray<ReviewerEntry> Reviewers { get; init; } = [];

    /// <summary>Whether it denies anything: logins or nodes of the roles in use with it, or requests or reviews.</summary>
    public bool DeniesAnything =>
        Deny.Logins.Length + Deny.RequestRoles.Length + Deny.SearchAsRoles.Length + Deny.Reviewing.Roles.Length > 0
            || !Deny.NodeLabels.IsNone;

    /// <summary>Whether the role has expired.</summary>
    public bool IsOver(DateTimeOffset now) => now >= Expires;

    /// <summary>Returns the role as it counts at an instant: an expired role keeps only its denials and limits.</summary>
    public Role At(DateTimeOffset now) => IsOver(now) ? this with { Allow = RoleConditions.Empty, Options = Options.Bounds } : this;

    /// <summary>Whether what it grants or denies depends on the traits of the user.</summary>
    public bool HasTemplates =>
        Allow.Logins.Concat(Deny.Logins).Concat(Options.Extensions.Values).Any(template => !template.IsLiteral);

    /// <summary>Returns the role as a request records it.</summary>
    public PinnedRole Pin() => new(Id, Name, Revision);
}

/// <summary>One side of a role, <c>allow</c> or <c>deny</c>.</summary>
/// <param name="Logins">Unix logins, or templates of them; in <c>deny</c> also the sole pattern <c>*</c>, which denies every login.</param>
/// <param name="NodeLabels">Which hosts the logins are on.</param>
/// <param name="RequestRoles">Which roles may, or may not, be requested.</param>
public sealed record RoleConditions(ImmutableArray<Template> Logins, LabelSelector NodeLabels, ImmutableArray<NamePattern> RequestRoles)
{
    /// <summary>Empty conditions.</summary>
    public static readonly RoleConditions Empty = new([], LabelSelector.None, []);

    /// <summary>
    /// How long the access of a request that this role allows lasts; null means as long as the sessions of the requested roles.
    /// </summary>
    public TimeSpan? MaxRequestDuration { get; init; }

    /// <summary>The instant from which that duration is counted.</summary>
    public RequestClock RequestClock { get; init; }

    /// <summary>The other rules for requests that this role allows.</summary>
    public RequestRules Asking { get; init; } = RequestRules.None;

    /// <summary>Which requests may, or may not, be reviewed.</summary>
    public ReviewConditions Reviewing { get; init; } = ReviewConditions.None;

    /// <summary>Roles through which nodes may, or may not, be requested by name.</summary>
    public ImmutableArray<NamePattern> SearchAsRoles { get; init; } = [];

    /// <summary>Whether its logins concern a node with these labels, before anything else takes or adds some.</summary>
    public bool Reach(ImmutableSortedDictionary<string, string> labels) => !Logins.IsEmpty && NodeLabels.Matches(labels);

    /// <summary>Whether a role is among those that may, or may not, be requested in a request of this kind.</summary>
    public bool LetsRequest(string role, RequestKind kind) =>
        (kind == RequestKind.Roles ? RequestRoles : SearchAsRoles).Any(pattern => pattern.Matches(role));
}

/// <summary>The limits of a role's sessions, and what they may do in addition to running commands.</summary>
public sealed record RoleOptions
{
    /// <summary>No limits and no permissions.</summary>
    public static readonly RoleOptions None = new();

    /// <summary>Returns only the limits, without the permissions.</summary>
    public RoleOptions Bounds =>
        this with { ForwardAgent = false, PortForwarding = false, X11Forwarding = false, Extensions = None.Extensions };

    /// <summary>The longest lifetime of a certificate; null leaves it to the site.</summary>
    public TimeSpan? MaxSessionTtl { get; init; }

    /// <summary>Whether an agent may be forwarded.</summary>
    public bool ForwardAgent { get; init; }

    /// <summary>Whether ports may be forwarded.</summary>
    public bool PortForwarding { get; init; }

    /// <summary>Whether X11 may be forwarded.</summary>
    public bool X11Forwarding { get; init; }

    /// <summary>
    /// The conditions that every session must meet: values as certificates contain them, by the names of
    /// <see cref="SessionCondition.All"/>.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Conditions { get; init; } = SessionConditions.None;

    /// <summary>The only command that runs, whatever the user asks for; null for any. One of <see cref="Conditions"/>.</summary>
    public string? ForceCommand
    {
        get => Conditions.GetValueOrDefault(SessionCondition.ForceCommand.Name);
        init => Conditions = Conditions.With(SessionCondition.ForceCommand, value);
    }

    /// <summary>The addresses from which logins are accepted; empty for any. One of <see cref="Conditions"/>.</summary>
    public ImmutableArray<AddressRange> SourceAddresses
    {
        get => Conditions.TryGetValue(SessionCondition.SourceAddress.Name, out var ranges) ? [.. AddressRange.List(ranges)] : [];
        init => Conditions = Conditions.With(SessionCondition.SourceAddress, value.IsEmpty ? null : string.Join(',', value));
    }

    /// <summary>
    /// Whether certificates are issued only for security keys that have verified their user. One of <see cref="Conditions"/>.
    /// </summary>
    public bool VerifyRequired
    {
        get => Conditions.ContainsKey(SessionCondition.VerifyRequired.Name);
        init => Conditions = Conditions.With(SessionCondition.VerifyRequired, value ? "" : null);
    }

    /// <summary>What a plain login, one that does not mention requests, does.</summary>
    public RequestAccess RequestAccess { get; init; }

    /// <summary>The text that asks for the reason of a request made by a login; may be empty.</summary>
    public string RequestPrompt { get; init; } = "";

    /// <summary>Extensions that OpenSSH does not define, <c>name@domain</c>, with their values.</summary>
    public ImmutableSortedDictionary<string, Template> Extensions { get; init; } =
        ImmutableSortedDictionary<string, Template>.Empty.WithComparers(StringComparer.Ordinal);
}
