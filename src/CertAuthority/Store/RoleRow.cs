using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A role as it is stored.</summary>
/// <param name="Version">The version of the file that it comes from.</param>
internal sealed record RoleRow(string Version)
{
    private const string RolePrefix = "role:";

    public string? Description { get; init; }

    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>When the role expires, in Unix seconds; null for never.</summary>
    public long? Expires { get; init; }

    /// <summary>What the role grants; null for nothing.</summary>
    public RoleSideRow? Allow { get; init; }

    /// <summary>What the role takes away; null for nothing.</summary>
    public RoleSideRow? Deny { get; init; }

    public RoleOptionsRow? Options { get; init; }

    /// <summary>The names of users, and <c>role:NAME</c>.</summary>
    public string[]? Reviewers { get; init; }

    public static readonly ResourceTable<Role> Table = ResourceTable.Of(
        ResourceKinds.Role, RoleRowJson.Default.RoleRow, From, (row, name) => row.Read(name), Touch) with
    { InPolicy = (policy, next, name, role) => policy.With(next, name, role) };

    // Users can hold a role that is new: from groups, or in the same file.
    private static void Touch(Transaction transaction, Role? before, Role? after) =>
        transaction.Touched.Role((before ?? after)!.Name);

    private static RoleRow From(Role role) => new(role.Version)
    {
        Description = role.Description.Length > 0 ? role.Description : null,
        Labels = role.Labels.IsEmpty ? null : new Dictionary<string, string>(role.Labels, StringComparer.Ordinal),
        Expires = role.Expires?.ToUnixTimeSeconds(),
        Allow = RoleSideRow.From(role.Allow),
        Deny = RoleSideRow.From(role.Deny),
        Options = RoleOptionsRow.From(role.Options),
        Reviewers = RowParts.Texts(role.Reviewers),
    };

    private Role Read(string name) => new(
        Guid.Empty,
        name,
        Version,
        0,
        Description ?? "",
        (Labels ?? []).ToImmutableSortedDictionary(StringComparer.Ordinal),
        Expires is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null,
        (Allow ?? new RoleSideRow()).Read(),
        (Deny ?? new RoleSideRow()).Read(),
        (Options ?? new RoleOptionsRow()).Read())
    {
        Reviewers = [
            .. (Reviewers ?? []).Select(
                text => text.StartsWith(RolePrefix, StringComparison.Ordinal)
                    ? new ReviewerEntry(text[RolePrefix.Length..], true)
                    : new ReviewerEntry(text, false))],
    };
}

/// <summary>One side of a role as it is stored, <c>allow</c> or <c>deny</c>. A null field sets nothing.</summary>
internal sealed record RoleSideRow
{
    public string[]? Logins { get; init; }

    public Dictionary<string, string[]>? NodeLabels { get; init; }

    public string[]? RequestRoles { get; init; }

    public string[]? SearchAsRoles { get; init; }

    /// <summary>The longest request, in seconds.</summary>
    public long? MaxRequestDuration { get; init; }

    /// <summary>Whether the requested duration counts from the approval instead of the request.</summary>
    public bool CountsFromApproval { get; init; }

    public ThresholdRow[]? Thresholds { get; init; }

    public bool RequireAllThresholds { get; init; }

    public string[]? SuggestedReviewers { get; init; }

    public bool ReasonRequired { get; init; }

    public string? ReasonPrompt { get; init; }

    public Dictionary<string, string[]>? Annotations { get; init; }

    public string[]? ReviewRoles { get; init; }

    public string? ReviewWhere { get; init; }

    public static RoleSideRow? From(RoleConditions side)
    {
        var row = new RoleSideRow
        {
            Logins = RowParts.Texts(side.Logins),
            NodeLabels = RowParts.Lists(side.NodeLabels.Entries),
            RequestRoles = RowParts.Texts(side.RequestRoles),
            SearchAsRoles = RowParts.Texts(side.SearchAsRoles),
            MaxRequestDuration = (long?)side.MaxRequestDuration?.TotalSeconds,
            CountsFromApproval = side.RequestClock == RequestClock.Approval,
            Thresholds = side.Asking.Thresholds.IsEmpty
                ? null
                : [.. side.Asking.Thresholds.Select(one => new ThresholdRow(one.Name, one.Filter?.Text, one.Approve, one.Deny))],
            RequireAllThresholds = side.Asking.RequireAll,
            SuggestedReviewers = RowParts.Texts(side.Asking.SuggestedReviewers),
            ReasonRequired = side.Asking.ReasonRequired,
            ReasonPrompt = side.Asking.ReasonPrompt.Length > 0 ? side.Asking.ReasonPrompt : null,
            Annotations = RowParts.Lists(side.Asking.Annotations),
            ReviewRoles = RowParts.Texts(side.Reviewing.Roles),
            ReviewWhere = side.Reviewing.Where?.Text,
        };
        return row == new RoleSideRow() ? null : row;
    }

    public RoleConditions Read() => new(
        [.. (Logins ?? []).Select(RowParts.Template)],
        NodeLabels is null
            ? LabelSelector.None
            : new LabelSelector(
                NodeLabels.ToImmutableSortedDictionary(
                    entry => entry.Key, entry => RowParts.Patterns(entry.Value), StringComparer.Ordinal)),
        RowParts.Patterns(RequestRoles))
    {
        SearchAsRoles = RowParts.Patterns(SearchAsRoles),
        MaxRequestDuration = MaxRequestDuration is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        RequestClock = CountsFromApproval ? RequestClock.Approval : RequestClock.Creation,
        Asking = new RequestRules(
            [
                .. (Thresholds ?? []).Select(
                    one => new ReviewThreshold(one.Name, RowParts.Predicate(one.Filter, PredicateScope.Filter), one.Approve, one.Deny))],
            RequireAllThresholds,
            [.. SuggestedReviewers ?? []],
            ReasonRequired,
            ReasonPrompt ?? "",
            (Annotations ?? []).ToImmutableSortedDictionary(one => one.Key, one => one.Value.ToImmutableArray(), StringComparer.Ordinal)),
        Reviewing = new ReviewConditions(RowParts.Patterns(ReviewRoles), RowParts.Predicate(ReviewWhere, PredicateScope.Where)),
    };
}

/// <summary>A number of reviews that decides, as it is stored.</summary>
internal sealed record ThresholdRow(string Name, string? Filter = null, int Approve = 0, int Deny = 0);

/// <summary>The options of a role as they are stored. A field that is null or false limits and permits nothing.</summary>
internal sealed record RoleOptionsRow
{
    /// <summary>The longest lifetime of a certificate, in seconds.</summary>
    public long? MaxSessionTtl { get; init; }

    public bool ForwardAgent { get; init; }

    public bool PortForwarding { get; init; }

    public bool X11Forwarding { get; init; }

    /// <summary>Values by the name of their critical option; a flag has an empty value.</summary>
    public Dictionary<string, string>? Conditions { get; init; }

    /// <summary><c>always</c> or <c>reason</c>; null for <c>optional</c>.</summary>
    public string? RequestAccess { get; init; }

    public string? RequestPrompt { get; init; }

    /// <summary>Values by the name of their extension.</summary>
    public Dictionary<string, string>? Extensions { get; init; }

    public static RoleOptionsRow? From(RoleOptions options)
    {
        var row = new RoleOptionsRow
        {
            MaxSessionTtl = (long?)options.MaxSessionTtl?.TotalSeconds,
            ForwardAgent = options.ForwardAgent,
            PortForwarding = options.PortForwarding,
            X11Forwarding = options.X11Forwarding,
            Conditions = options.Conditions.IsEmpty ? null : new Dictionary<string, string>(options.Conditions, StringComparer.Ordinal),
            RequestAccess = options.RequestAccess == Access.Roles.RequestAccess.Optional
                ? null
                : options.RequestAccess.ToString().ToLowerInvariant(),
            RequestPrompt = options.RequestPrompt.Length > 0 ? options.RequestPrompt : null,
            Extensions = options.Extensions.IsEmpty
                ? null
                : options.Extensions.ToDictionary(one => one.Key, one => one.Value.Text, StringComparer.Ordinal),
        };
        return row == new RoleOptionsRow() ? null : row;
    }

    public RoleOptions Read() => new()
    {
        MaxSessionTtl = MaxSessionTtl is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        ForwardAgent = ForwardAgent,
        PortForwarding = PortForwarding,
        X11Forwarding = X11Forwarding,
        Conditions = (Conditions ?? []).ToImmutableSortedDictionary(
            one => one.Key, one => Condition(one.Key, one.Value), StringComparer.Ordinal),
        RequestAccess = RequestAccess switch
        {
            null => Access.Roles.RequestAccess.Optional,
            "always" => Access.Roles.RequestAccess.Always,
            "reason" => Access.Roles.RequestAccess.Reason,
            _ => throw new FormatException($"\"{RequestAccess}\" is not a way to ask for access"),
        },
        RequestPrompt = RequestPrompt ?? "",
        Extensions = (Extensions ?? []).ToImmutableSortedDictionary(
            one => one.Key, one => RowParts.Template(one.Value), StringComparer.Ordinal),
    };

    // A condition that the daemon does not understand would not be enforced.
    private static string Condition(string name, string value)
    {
        var condition = SessionCondition.All.FirstOrDefault(one => one.Name == name)
            ?? throw new FormatException($"there is no condition \"{name}\"");
        string[] entries = condition.Form switch { ConditionForm.Flag => [], ConditionForm.List => value.Split(','), _ => [value] };
        return Array.Find(entries, entry => condition.Read(entry) is null) is { } odd
            ? throw new FormatException($"\"{odd}\" is not {condition.Takes}")
            : value;
    }
}

/// <summary>
/// Reads parts that several fields have in common. Only a value that cannot be evaluated is a fault; the rules for people's files do not
/// apply here.
/// </summary>
internal static class RowParts
{
    public static string[]? Texts<T>(ImmutableArray<T> items) => items.IsEmpty ? null : [.. items.Select(item => $"{item}")];

    public static Dictionary<string, string[]>? Lists<T>(ImmutableSortedDictionary<string, ImmutableArray<T>> lists) =>
        lists.IsEmpty ? null : lists.ToDictionary(list => list.Key, list => Texts(list.Value) ?? [], StringComparer.Ordinal);

    public static Template Template(string text) =>
        Access.Roles.Template.TryParse(text, out var fault) ?? throw new FormatException($"\"{text}\": {fault}");

    public static ImmutableArray<NamePattern> Patterns(string[]? texts) =>
        [.. (texts ?? []).Select(text => NamePattern.TryParse(text, out var fault) ?? throw new FormatException($"\"{text}\": {fault}"))];

    public static Predicate? Predicate(string? text, PredicateScope scope) => text is null
        ? null
        : Access.Predicates.Predicate.TryParse(text, scope, out var fault)
            ?? throw new FormatException($"\"{text}\", column {fault!.Column}: {fault.What}");
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(RoleRow))]
internal sealed partial class RoleRowJson : JsonSerializerContext;
