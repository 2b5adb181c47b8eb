namespace CertAuthority.Access.Predicates;

/// <summary>What is wrong with a predicate, and where in it.</summary>
/// <param name="Column">From 1, in characters.</param>
/// <param name="What">For people.</param>
public sealed record PredicateFault(int Column, string What);
