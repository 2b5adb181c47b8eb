using System.Collections.Immutable;
using CertAuthority.Access.Predicates;

namespace CertAuthority.Access.Roles;

/// <summary>How many reviews of one sort decide. A count of 0 never does.</summary>
/// <param name="Name">For people; may be empty.</param>
/// <param name="Filter">Which reviews count for it; null for all.</param>
/// <param name="Approve">So many approvals meet it.</param>
/// <param name="Deny">So many denials deny the request.</param>
public sealed record ReviewThreshold(string Name, Predicate? Filter, int Approve, int Deny)
{
    /// <summary>How many reviews a threshold can want.</summary>
    public const int MaxReviews = 100;

    /// <summary>What a role has that names none: one review decides.</summary>
    public static readonly ReviewThreshold One = new("", null, 1, 1);

    /// <summary><c>2 approvals from proletariat</c>.</summary>
    /// <param name="missing">How many.</param>
    /// <param name="more">Whether there are some already.</param>
    internal string Wants(int missing, bool more) =>
        $"{missing} {(more ? "more " : "")}approval{(missing == 1 ? "" : "s")}{Whose}";

    /// <summary><c>1 of 2 approvals from proletariat</c>.</summary>
    /// <param name="given">How many there are.</param>
    /// <param name="needed">How many it takes.</param>
    /// <param name="decision">Approvals, or denials.</param>
    internal string Counts(int given, int needed, ReviewDecision decision) =>
        $"{given} of {needed} {(decision == ReviewDecision.Approve ? "approval" : "denial")}{(needed == 1 ? "" : "s")}{Whose}";

    private string Whose => Name.Length > 0 ? $" from {Name}" : Filter is null ? "" : $" where {Filter}";
}

/// <summary>The thresholds that one role of the requester puts before what is asked for, as they stood when it was asked.</summary>
/// <param name="By">That role. When it changes, reviewers do not know any more what they decide on.</param>
/// <param name="RequireAll">Whether every threshold that can approve must be met; else any of them suffices.</param>
/// <param name="Thresholds">At least one.</param>
public sealed record ThresholdSet(PinnedRole By, bool RequireAll, ImmutableArray<ReviewThreshold> Thresholds);
