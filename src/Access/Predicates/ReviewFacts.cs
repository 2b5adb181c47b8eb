using System.Collections.Immutable;

namespace CertAuthority.Access.Predicates;

/// <summary>Where a predicate stands; that decides what it can speak of.</summary>
public enum PredicateScope
{
    /// <summary><c>where</c> of review_requests: whether somebody may review, before they have said anything.</summary>
    Where,

    /// <summary><c>filter</c> of a threshold: whether a review counts for it.</summary>
    Filter,
}

/// <summary>What predicates speak of.</summary>
/// <param name="ReviewerRoles">The names of the reviewer's assigned roles that are in force.</param>
/// <param name="ReviewerTraits">Their traits.</param>
/// <param name="RequestRoles">The names of the roles asked for.</param>
/// <param name="RequestReason">Why they were asked for.</param>
/// <param name="SystemAnnotations">What the requester's roles say about the request.</param>
/// <param name="ReviewReason">The reviewer's words; in <see cref="PredicateScope.Filter"/> only.</param>
public sealed record ReviewFacts(
    ImmutableArray<string> ReviewerRoles,
    ImmutableSortedDictionary<string, ImmutableArray<string>> ReviewerTraits,
    ImmutableArray<string> RequestRoles,
    string RequestReason,
    ImmutableSortedDictionary<string, ImmutableArray<string>> SystemAnnotations,
    string ReviewReason = "");
