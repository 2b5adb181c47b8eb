using System.Collections.Immutable;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>Which requests may, or may not, be reviewed: those for certain roles, under a condition.</summary>
/// <param name="Roles">The requested roles; empty for none.</param>
/// <param name="Where">The condition; null for always.</param>
public sealed record ReviewConditions(ImmutableArray<NamePattern> Roles, Predicate? Where)
{
    /// <summary>No requests.</summary>
    public static readonly ReviewConditions None = new([], null);

    /// <summary>Whether these conditions cover a requested role.</summary>
    public bool Cover(string role, ReviewFacts facts) => Roles.Any(pattern => pattern.Matches(role)) && Where?.Holds(facts) != false;
}

/// <summary>An entry that lets somebody review requests for a role: one user by name, or every user with a role.</summary>
/// <param name="Name">The name of the user, or of the role.</param>
/// <param name="IsRole">Whether the name is that of a role.</param>
public readonly record struct ReviewerEntry(string Name, bool IsRole)
{
    private const string RolePrefix = "role:";

    /// <summary>Reads <c>bob</c> or <c>role:dba-leads</c>; null if the text is neither.</summary>
    public static ReviewerEntry? TryParse(string text)
    {
        var isRole = text.StartsWith(RolePrefix, StringComparison.Ordinal);
        var name = isRole ? text[RolePrefix.Length..] : text;
        return Names.IsName(name) ? new ReviewerEntry(name, isRole) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => IsRole ? RolePrefix + Name : Name;
}
