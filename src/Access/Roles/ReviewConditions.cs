using System.Collections.Immutable;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>Requests for which roles may, or may not, be reviewed, and under which condition.</summary>
/// <param name="Roles">The roles asked for; empty for none.</param>
/// <param name="Where">The condition; null for always.</param>
public sealed record ReviewConditions(ImmutableArray<NamePattern> Roles, Predicate? Where)
{
    /// <summary>None.</summary>
    public static readonly ReviewConditions None = new([], null);

    /// <summary>Whether they speak of a role that is asked for.</summary>
    public bool Cover(string role, ReviewFacts facts) => Roles.Any(pattern => pattern.Matches(role)) && Where?.Holds(facts) != false;
}

/// <summary>Somebody who may review requests for a role: a user by name, or whoever holds a role.</summary>
/// <param name="Name">The name of the user, or of the role.</param>
/// <param name="IsRole">Which of the two.</param>
public readonly record struct ReviewerEntry(string Name, bool IsRole)
{
    private const string RolePrefix = "role:";

    /// <summary>Reads <c>bob</c> or <c>role:dba-leads</c>; null when that is not a name.</summary>
    public static ReviewerEntry? TryParse(string text)
    {
        var isRole = text.StartsWith(RolePrefix, StringComparison.Ordinal);
        var name = isRole ? text[RolePrefix.Length..] : text;
        return Names.IsName(name) ? new ReviewerEntry(name, isRole) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => IsRole ? RolePrefix + Name : Name;
}
