using System.Collections.Immutable;

namespace CertAuthority.Access.Predicates;

/// <summary>The field that contains a predicate, which decides the facts that it can read.</summary>
public enum PredicateScope
{
    /// <summary><c>where</c> of review_requests: whether somebody may review, before they have voted.</summary>
    Where,

    /// <summary><c>filter</c> of a threshold: whether a review counts for it.</summary>
    Filter,
}

/// <summary>The facts that predicates can read.</summary>
/// <param name="ReviewerRoles">The names of the reviewer's assigned roles that are in force.</param>
/// <param name="ReviewerTraits">Their traits.</param>
/// <param name="RequestRoles">The names of the requested roles.</param>
/// <param name="RequestReason">The reason of the request.</param>
/// <param name="SystemAnnotations">The annotations that the requester's roles add to the request.</param>
/// <param name="ReviewReason">The reason of the review; only in <see cref="PredicateScope.Filter"/>.</param>
public sealed record ReviewFacts(
    ImmutableArray<string> ReviewerRoles,
    ImmutableSortedDictionary<string, ImmutableArray<string>> ReviewerTraits,
    ImmutableArray<string> RequestRoles,
    string RequestReason,
    ImmutableSortedDictionary<string, ImmutableArray<string>> SystemAnnotations,
    string ReviewReason = "");
