using System.Collections.Immutable;
using CertAuthority.Access.Predicates;

namespace CertAuthority.Access.Roles;

/// <summary>How many reviews of one kind decide a request. A count of 0 never decides.</summary>
/// <param name="Name">A name for people; may be empty.</param>
/// <param name="Filter">Which reviews count; null for all.</param>
/// <param name="Approve">The number of approvals that meets the threshold.</param>
/// <param name="Deny">The number of denials that denies the request.</param>
public sealed record ReviewThreshold(string Name, Predicate? Filter, int Approve, int Deny)
{
    /// <summary>The largest number of reviews that a threshold can require.</summary>
    public const int MaxReviews = 100;

    /// <summary>The default for a role without thresholds: one review decides.</summary>
    public static readonly ReviewThreshold One = new("", null, 1, 1);

    /// <summary><c>2 approvals from proletariat</c>.</summary>
    /// <param name="missing">How many reviews are missing.</param>
    /// <param name="more">Whether some reviews have been made already.</param>
    internal string Wants(int missing, bool more) =>
        $"{missing} {(more ? "more " : "")}approval{(missing == 1 ? "" : "s")}{Whose}";

    /// <summary><c>1 of 2 approvals from proletariat</c>.</summary>
    /// <param name="given">How many reviews there are.</param>
    /// <param name="needed">How many reviews are needed.</param>
    /// <param name="decision">Whether to count approvals or denials.</param>
    internal string Counts(int given, int needed, ReviewDecision decision) =>
        $"{given} of {needed} {(decision == ReviewDecision.Approve ? "approval" : "denial")}{(needed == 1 ? "" : "s")}{Whose}";

    private string Whose => Name.Length > 0 ? $" from {Name}" : Filter is null ? "" : $" where {Filter}";
}

/// <summary>The thresholds that one role of the requester sets for a request, as they were when the request was filed.</summary>
/// <param name="By">The role that sets them. If it has changed since, reviewers cannot know any more what they decide on.</param>
/// <param name="RequireAll">Whether every threshold that can approve must be met; otherwise any one suffices.</param>
/// <param name="Thresholds">The thresholds; at least one.</param>
public sealed record ThresholdSet(PinnedRole By, bool RequireAll, ImmutableArray<ReviewThreshold> Thresholds);
