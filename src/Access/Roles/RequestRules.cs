using System.Collections.Immutable;

namespace CertAuthority.Access.Roles;

/// <summary>The rules of a role for requests that it allows.</summary>
/// <param name="Thresholds">How many reviews decide; empty for one approval or one denial.</param>
/// <param name="RequireAll">Whether all thresholds must be met; otherwise any one suffices.</param>
/// <param name="SuggestedReviewers">The users to notify if the requester names nobody.</param>
/// <param name="ReasonRequired">Whether a request must have a reason.</param>
/// <param name="ReasonPrompt">The text that asks for the reason; may be empty.</param>
/// <param name="Annotations">Facts about the request that the predicates of other roles can read.</param>
public sealed record RequestRules(
    ImmutableArray<ReviewThreshold> Thresholds,
    bool RequireAll,
    ImmutableArray<string> SuggestedReviewers,
    bool ReasonRequired,
    string ReasonPrompt,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations)
{
    /// <summary>No rules.</summary>
    public static readonly RequestRules None = new(
        [], false, [], false, "", ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal));
}

/// <summary>What a plain login, one that does not mention requests, does.</summary>
public enum RequestAccess
{
    /// <summary>It logs in directly.</summary>
    Optional,

    /// <summary>It requests everything that the user may request.</summary>
    Always,

    /// <summary>It requests everything that the user may request, with a reason; every request of the user needs a reason.</summary>
    Reason,
}
