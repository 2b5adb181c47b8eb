using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>How the file of a role writes a condition.</summary>
public enum ConditionForm
{
    /// <summary><c>true</c> or <c>false</c>; the certificate has its name alone.</summary>
    Flag,

    /// <summary>One line of text.</summary>
    Text,

    /// <summary>A list of texts; the certificate has them with commas between them.</summary>
    List,
}

/// <summary>
/// A condition that a role attaches to every session of its logins: a critical option of the certificate. The reader of files, the policy,
/// the check
/// after a change of policy and the explanation walk <see cref="All"/>, so a new condition is one row here and one in the table of what
/// OpenSSH reads.
/// </summary>
/// <param name="Name">The name of the critical option, as servers know it.</param>
/// <param name="Field">The field of <c>spec.options</c>.</param>
/// <param name="Form">How the field is written.</param>
public sealed record SessionCondition(string Name, string Field, ConditionForm Form)
{
    private const int LongestCommand = 1024;

    /// <summary><c>force-command</c>: what runs instead of whatever was asked for.</summary>
    public static readonly SessionCondition ForceCommand = new("force-command", "force_command", ConditionForm.Text)
    {
        Takes = $"one line of 1 to {LongestCommand} characters, all of them visible",
        Read = command => command.Length is 0 or > LongestCommand ? null : command,
        Means = "runs, whatever is asked for",
        InWords = command => $"runs only {command}",
        Exceeded = "another command is forced now",
        Apart = (one, other) => $"role {one} and role {other} force different commands",
    };

    /// <summary><c>source-address</c>: from where logins may come.</summary>
    public static readonly SessionCondition SourceAddress = new("source-address", "source_address", ConditionForm.List)
    {
        Takes = "an address or a prefix such as 10.0.0.0/8 or 2001:db8::/32, without bits beyond the prefix",
        Absent = "all addresses",
        Read = text => AddressRange.TryParse(text, out var range) ? range.ToString() : null,
        Means = "logins come from there only",
        InWords = addresses => $"only from {addresses}",
        Exceeded = "it may not be used from everywhere any more",
        Apart = (_, other) => $"role {other} and the other roles in use have no source address in common",
        Both = (one, other) => AddressRange.Common(AddressRange.List(one), AddressRange.List(other)).ToList() is { Count: > 0 } common
            ? string.Join(',', common)
            : null,
        Covers = (now, issued) => AddressRange.List(issued).All(range => AddressRange.List(now).Any(wider => wider.Contains(range))),
    };

    /// <summary>
    /// <c>verify-required</c>: a security key must have verified its user. sshd ignores it for other keys, so they are not certified.
    /// </summary>
    public static readonly SessionCondition VerifyRequired = new("verify-required", "verify_required", ConditionForm.Flag)
    {
        Means = "only a security key that verifies its user is certified",
        InWords = _ => "only with a verified security key",
        Exceeded = "the security key must verify its user now",
        IsForSecurityKeys = true,
    };

    /// <summary>Every condition there is, in the order in which people read them.</summary>
    public static readonly ImmutableArray<SessionCondition> All = [ForceCommand, SourceAddress, VerifyRequired];

    /// <summary>What its field takes, for whoever wrote something else; of a list, what each entry is.</summary>
    public string Takes { get; init; } = "";

    /// <summary>What leaving out a list means, for whoever wrote an empty one.</summary>
    public string Absent { get; init; } = "no condition";

    /// <summary>Reads a text, or an entry of a list, as certificates have it; null for what cannot be in one.</summary>
    public Func<string, string?> Read { get; init; } = text => text.Length == 0 ? null : text;

    /// <summary>What it means to a login, for an explanation.</summary>
    public required string Means { get; init; }

    /// <summary>The condition in words, of a value as people read it.</summary>
    public required Func<string, string> InWords { get; init; }

    /// <summary>Why a certificate is revoked that does not meet it.</summary>
    public required string Exceeded { get; init; }

    /// <summary>Whether other keys than those in FIDO authenticators cannot meet it.</summary>
    public bool IsForSecurityKeys { get; init; }

    /// <summary>The value under which both conditions are met; null where nothing meets both.</summary>
    public Func<string, string, string?> Both { get; init; } = (one, other) => one == other ? one : null;

    /// <summary>Why the conditions of two roles, by their names, are not met together.</summary>
    public Func<string, string, string> Apart { get; init; } = (one, other) => $"role {one} and role {other} attach different conditions";

    /// <summary>Whether what a certificate says already is no less than what is demanded now.</summary>
    public Func<string, string, bool> Covers { get; init; } = (now, issued) => now == issued;

    /// <summary>A value of it for people: as its field would hold it, on one line.</summary>
    public string Show(string value) => Form switch
    {
        ConditionForm.Flag => "true",
        ConditionForm.List => value.Replace(",", ", ", StringComparison.Ordinal),
        _ => value,
    };
}

/// <summary>
/// Conditions by the names of their critical options, with their values as certificates have them. A flag has an empty value.
/// </summary>
public static class SessionConditions
{
    /// <summary>No condition at all.</summary>
    public static readonly ImmutableSortedDictionary<string, string> None = ImmutableSortedDictionary<string, string>.Empty.WithComparers(
        StringComparer.Ordinal);

    /// <summary>These with a condition, or without it where the value is null.</summary>
    public static ImmutableSortedDictionary<string, string> With(
        this ImmutableSortedDictionary<string, string> conditions, SessionCondition condition, string? value) =>
        value is null ? conditions.Remove(condition.Name) : conditions.SetItem(condition.Name, value);

    /// <summary>For people, <c>runs only /usr/bin/restore</c>; null where there is none. The entries of a list are sorted.</summary>
    public static string? InWords(ImmutableSortedDictionary<string, string> conditions) =>
        SessionCondition.All.Where(condition => conditions.ContainsKey(condition.Name))
            .Select(condition => condition.InWords(condition.Show(Sorted(condition, conditions[condition.Name]))))
            .ToList() is { Count: > 0 } words ? string.Join(", ", words) : null;

    /// <summary>A text that is the same for the same conditions, in whatever order the entries of lists are, and for no others.</summary>
    internal static string Key(ImmutableSortedDictionary<string, string> conditions) => string.Concat(
        SessionCondition.All.Where(condition => conditions.ContainsKey(condition.Name))
            .Select(condition => $"{condition.Name}={Sorted(condition, conditions[condition.Name])}\n"));

    private static string Sorted(SessionCondition condition, string value) =>
        condition.Form == ConditionForm.List
            ? string.Join(',', value.Split(',').Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            : value;
}
