using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>How a role's file writes a condition.</summary>
public enum ConditionForm
{
    /// <summary><c>true</c> or <c>false</c>; the certificate contains only its name.</summary>
    Flag,

    /// <summary>One line of text.</summary>
    Text,

    /// <summary>A list of texts; the certificate contains them separated by commas.</summary>
    List,
}

/// <summary>
/// A condition that a role attaches to every session of its logins: a critical option of the certificate. The reader of files, the policy,
/// the check after a change of policy, and the explanation iterate over <see cref="All"/>, so a new condition is one row here and one in
/// the table of what OpenSSH reads.
/// </summary>
/// <param name="Name">The name of the critical option, as sshd knows it.</param>
/// <param name="Field">The field of <c>spec.options</c>.</param>
/// <param name="Form">How the field is written.</param>
public sealed record SessionCondition(string Name, string Field, ConditionForm Form)
{
    private const int LongestCommand = 1024;

    /// <summary><c>force-command</c>: the command that runs instead of the one that the user asks for.</summary>
    public static readonly SessionCondition ForceCommand = new("force-command", "force_command", ConditionForm.Text)
    {
        Takes = $"one line of 1 to {LongestCommand} characters, all of them visible",
        Read = command => command.Length is 0 or > LongestCommand ? null : command,
        Means = "runs, whatever is asked for",
        InWords = command => $"runs only {command}",
        Exceeded = "another command is forced now",
        Apart = (one, other) => $"role {one} and role {other} force different commands",
    };

    /// <summary><c>source-address</c>: the addresses from which logins are accepted.</summary>
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
    /// <c>verify-required</c>: a security key must have verified its user. sshd ignores this option for other keys, so no certificate is
    /// issued for them.
    /// </summary>
    public static readonly SessionCondition VerifyRequired = new("verify-required", "verify_required", ConditionForm.Flag)
    {
        Means = "only a security key that verifies its user is certified",
        InWords = _ => "only with a verified security key",
        Exceeded = "the security key must verify its user now",
        IsForSecurityKeys = true,
    };

    /// <summary>All conditions, in the order in which people read them.</summary>
    public static readonly ImmutableArray<SessionCondition> All = [ForceCommand, SourceAddress, VerifyRequired];

    /// <summary>What the field accepts, for the error message; for a list, what each entry must be.</summary>
    public string Takes { get; init; } = "";

    /// <summary>The meaning of leaving out a list, for the error message about an empty one.</summary>
    public string Absent { get; init; } = "no condition";

    /// <summary>Reads a text, or an entry of a list, into the form used in certificates; null if it cannot be in one.</summary>
    public Func<string, string?> Read { get; init; } = text => text.Length == 0 ? null : text;

    /// <summary>The effect on a login, for an explanation.</summary>
    public required string Means { get; init; }

    /// <summary>Returns the condition in words, from a value as people read it.</summary>
    public required Func<string, string> InWords { get; init; }

    /// <summary>Why a certificate that does not meet the condition is revoked.</summary>
    public required string Exceeded { get; init; }

    /// <summary>Whether only keys in FIDO authenticators can meet the condition.</summary>
    public bool IsForSecurityKeys { get; init; }

    /// <summary>Returns the value under which both conditions are met; null if no value meets both.</summary>
    public Func<string, string, string?> Both { get; init; } = (one, other) => one == other ? one : null;

    /// <summary>Explains why the conditions of two roles, given by name, cannot be met together.</summary>
    public Func<string, string, string> Apart { get; init; } = (one, other) => $"role {one} and role {other} attach different conditions";

    /// <summary>Whether the value in an issued certificate is at least as strict as the one required now.</summary>
    public Func<string, string, bool> Covers { get; init; } = (now, issued) => now == issued;

    /// <summary>Returns a value for people, on one line, as its field would contain it.</summary>
    public string Show(string value) => Form switch
    {
        ConditionForm.Flag => "true",
        ConditionForm.List => value.Replace(",", ", ", StringComparison.Ordinal),
        _ => value,
    };
}

/// <summary>
/// Conditions by the names of their critical options, with their values as certificates contain them. A flag has an empty value.
/// </summary>
public static class SessionConditions
{
    /// <summary>No conditions.</summary>
    public static readonly ImmutableSortedDictionary<string, string> None = ImmutableSortedDictionary<string, string>.Empty.WithComparers(
        StringComparer.Ordinal);

    /// <summary>Returns these conditions with one added, or with that one removed if the value is null.</summary>
    public static ImmutableSortedDictionary<string, string> With(
        this ImmutableSortedDictionary<string, string> conditions, SessionCondition condition, string? value) =>
        value is null ? conditions.Remove(condition.Name) : conditions.SetItem(condition.Name, value);

    /// <summary>
    /// Returns the conditions for people, <c>runs only /usr/bin/restore</c>; null if there are none. The entries of a list are sorted.
    /// </summary>
    public static string? InWords(ImmutableSortedDictionary<string, string> conditions) =>
        SessionCondition.All.Where(condition => conditions.ContainsKey(condition.Name))
            .Select(condition => condition.InWords(condition.Show(Sorted(condition, conditions[condition.Name]))))
            .ToList() is { Count: > 0 } words ? string.Join(", ", words) : null;

    /// <summary>Returns a text that is equal exactly for equal conditions, whatever the order of entries in lists.</summary>
    internal static string Key(ImmutableSortedDictionary<string, string> conditions) => string.Concat(
        SessionCondition.All.Where(condition => conditions.ContainsKey(condition.Name))
            .Select(condition => $"{condition.Name}={Sorted(condition, conditions[condition.Name])}\n"));

    private static string Sorted(SessionCondition condition, string value) =>
        condition.Form == ConditionForm.List
            ? string.Join(',', value.Split(',').Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            : value;
}
