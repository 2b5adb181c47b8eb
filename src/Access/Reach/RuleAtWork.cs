using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>The effect of one rule on a login.</summary>
public enum RuleEffect
{
    /// <summary>The rule grants the login.</summary>
    Allows,

    /// <summary>The rule grants logins, but does not match the question.</summary>
    Misses,

    /// <summary>The rule denies the login to every role in use.</summary>
    Denies,

    /// <summary>The rule limits the login: its duration, source addresses, command, or host.</summary>
    Limits,

    /// <summary>The role cannot be used, so nobody can log in with it.</summary>
    Refuses,
}

/// <summary>One rule that affects a decision.</summary>
/// <param name="Role">The ID of the role that contains the rule; null for the rule of a request, of the caller or of the site.</param>
/// <param name="Effect">The effect of the rule.</param>
/// <param name="Field">The field that contains the rule: <c>allow.node_labels</c>.</param>
/// <param name="Entry">The content of the field: <c>env: prod</c>; empty if there is none.</param>
/// <param name="Why">The meaning of the rule here.</param>
public sealed record RuleAtWork(Guid? Role, RuleEffect Effect, string Field, string Entry, string Why);

/// <summary>The decision of one part of the policy, with the rules behind it.</summary>
/// <param name="Outcome">The value, or why there is none.</param>
/// <param name="Rules">The rules that led to the value or to the refusal; computed on demand.</param>
public sealed record Decided<T>(Outcome<T> Outcome, IEnumerable<RuleAtWork> Rules)
    where T : class;
