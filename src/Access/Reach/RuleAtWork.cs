using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>What one rule does to a login.</summary>
public enum RuleEffect
{
    /// <summary>It grants.</summary>
    Allows,

    /// <summary>It would grant, and does not fit what was asked.</summary>
    Misses,

    /// <summary>It takes away, from every role in use.</summary>
    Denies,

    /// <summary>It bounds: how long, from where, which command, on one host only.</summary>
    Limits,

    /// <summary>The role cannot be used, and so nobody logs in with it.</summary>
    Refuses,
}

/// <summary>One rule at work.</summary>
/// <param name="Role">The id of the role that states it; null for the rule of a request, of the caller or of the site.</param>
/// <param name="Effect">What it does.</param>
/// <param name="Field">Where it stands: <c>allow.node_labels</c>.</param>
/// <param name="Entry">What it says: <c>env: prod</c>; empty where it says nothing.</param>
/// <param name="Why">What that means here.</param>
public sealed record RuleAtWork(Guid? Role, RuleEffect Effect, string Field, string Entry, string Why);

/// <summary>What one part of the policy decides, with the rules that made it.</summary>
/// <param name="Outcome">The value, or why there is none.</param>
/// <param name="Rules">The rules that the value is made of, and those that it is refused for; computed when somebody asks.</param>
public sealed record Decided<T>(Outcome<T> Outcome, IEnumerable<RuleAtWork> Rules)
    where T : class;
