namespace CertAuthority.Access.Predicates;

/// <summary>An error in a predicate, and its position.</summary>
/// <param name="Column">The position, in characters, from 1.</param>
/// <param name="What">The error, in words for people.</param>
public sealed record PredicateFault(int Column, string What);
