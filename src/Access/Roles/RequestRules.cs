using System.Collections.Immutable;

namespace CertAuthority.Access.Roles;

/// <summary>What a role says to those who ask by it.</summary>
/// <param name="Thresholds">How many reviews decide; empty for one of each.</param>
/// <param name="RequireAll">Whether all of them must be met; else any.</param>
/// <param name="SuggestedReviewers">Who is told, where the requester names nobody.</param>
/// <param name="ReasonRequired">Whether a request must have a reason.</param>
/// <param name="ReasonPrompt">How the reason is asked for; may be empty.</param>
/// <param name="Annotations">What it says about the request to the predicates of others.</param>
public sealed record RequestRules(
    ImmutableArray<ReviewThreshold> Thresholds,
    bool RequireAll,
    ImmutableArray<string> SuggestedReviewers,
    bool ReasonRequired,
    string ReasonPrompt,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations)
{
    /// <summary>Says nothing.</summary>
    public static readonly RequestRules None = new(
        [], false, [], false, "", ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal));
}

/// <summary>What a login without a word about requests does.</summary>
public enum RequestAccess
{
    /// <summary>It logs in.</summary>
    Optional,

    /// <summary>It asks for all that can be asked for.</summary>
    Always,

    /// <summary>It asks, with a reason; and whatever the holder asks for has one.</summary>
    Reason,
}
