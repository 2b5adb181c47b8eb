using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Reviews;

/// <summary>A review with its author as they are now; the author is null if they no longer exist.</summary>
public sealed record Vote(Review Review, Voter? Author)
{
    /// <summary>The user who voted, whether or not they still exist.</summary>
    internal Alias By => Alias.User(Review.AuthorId);
}

/// <summary>The result of counting the reviews of a pending request.</summary>
/// <param name="State">The resulting state: PENDING, APPROVED or DENIED.</param>
/// <param name="Granted">The names of the roles that are granted; empty unless approved.</param>
/// <param name="AssumeFrom">The latest start that the request or an approval names.</param>
/// <param name="Limit">The shortest limit on the access that an approval sets; null if none does.</param>
/// <param name="Counted">The reviews that count.</param>
/// <param name="Missing">One sentence for each vote that is missing while the request is pending.</param>
public sealed record Tally(
    RequestState State, ImmutableArray<string> Granted, DateTimeOffset? AssumeFrom, AccessLimit? Limit, ImmutableArray<Review> Counted,
    ImmutableArray<string> Missing)
{
    /// <summary>
    /// The state of each set of thresholds that is not met while the request is pending: <c>1 of 2 approvals from team or 0 of 1 approval
    /// from a lead</c>. Where no vote helps, the sentence says who can answer instead.
    /// </summary>
    public ImmutableArray<string> Needs { get; init; } = [];

    /// <summary>While the request is pending: the requested roles that all counted approvals would grant.</summary>
    public ImmutableArray<string> InCommon { get; init; } = [];

    /// <summary>The approvals so far, one sentence for each threshold that can approve: <c>1 of 2 approvals from a lead</c>.</summary>
    public ImmutableArray<string> Approvals { get; init; } = [];

    /// <summary>The denials so far, one sentence for each threshold that can deny.</summary>
    public ImmutableArray<string> Denials { get; init; } = [];

    /// <summary>
    /// The thresholds that an administrator would override by approving now: one sentence for each role of the requester whose thresholds
    /// are not met. The administrator's approval counts as one that anybody could give. It therefore meets a threshold that needs one
    /// approval and has no filter, which is the default of a role without thresholds.
    /// </summary>
    public ImmutableArray<string> Overridden { get; init; } = [];

    /// <summary>
    /// Counts the votes. A vote counts while its author may still review, and each person counts once. A threshold of denials that is
    /// reached denies the request, whatever the other votes are. The request is approved with the roles that every set of thresholds lets
    /// pass and that all counted approvals have in common.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="people">Which users are the same person, including the links that the request and its reviews recorded.</param>
    /// <param name="votes">The reviews of the request, in the order in which they were made.</param>
    /// <param name="roles">Every role that exists.</param>
    public static Tally Count(AccessRequest request, People people, IEnumerable<Vote> votes, IReadOnlyDictionary<string, Role> roles)
    {
        var counted = new List<Vote>();
        foreach (var vote in votes)
            if (vote.Author is { } author && author.MayReview(request, roles) && !people.AreOne(vote.By, Alias.User(request.UserId))
                && !counted.Exists(other => people.AreOne(other.By, vote.By)))
                counted.Add(vote);
        var approvals = counted.FindAll(vote => vote.Review.Decision == ReviewDecision.Approve);
        ImmutableArray<Review> reviews = [.. counted.Select(vote => vote.Review)];
        var assumeFrom = approvals.Select(vote => vote.Review.AssumeFrom).Append(request.Terms.AssumeFrom).Max();
        var limit = approvals.Where(vote => vote.Review.AtMost is not null).MinBy(vote => vote.Review.AtMost) is { Review: var shortest }
            ? new AccessLimit(shortest.AtMost!.Value, $"the review of {shortest.AuthorName}")
            : null;

        if (request.Thresholds.Any(
            set => set.Thresholds.Any(threshold => threshold.Deny > 0 && Count(threshold, ReviewDecision.Deny) >= threshold.Deny)))
            return Counted(new Tally(RequestState.Denied, [], assumeFrom, limit, reviews, []));

        var missing = Unmet("needs ", (threshold, given) => threshold.Wants(threshold.Approve - given, given > 0));
        var needs = Unmet("", (threshold, given) => threshold.Counts(given, threshold.Approve, ReviewDecision.Approve));
        // Without thresholds, no number of votes is defined as enough.
        if (request.Thresholds.IsEmpty)
            Add("it was filed without thresholds: an administrator answers it");
        ImmutableArray<string> granted =
            [.. request.Roles.Select(role => role.Name).Where(name => approvals.TrueForAll(vote => vote.Review.Roles.Contains(name)))];
        if (missing.Count == 0 && granted.IsEmpty)
            Add("the approvals have no role in common: an administrator answers it");
        return Counted(missing.Count == 0
            ? new Tally(RequestState.Approved, granted, assumeFrom, limit, reviews, [])
            : new Tally(RequestState.Pending, [], assumeFrom, limit, reviews, [.. missing]) { Needs = [.. needs], InCommon = granted });

        void Add(string why)
        {
            missing.Add(why);
            needs.Add(why);
        }

        Tally Counted(Tally tally) => tally with
        {
            Approvals = Standing(ReviewDecision.Approve, threshold => threshold.Approve),
            Denials = Standing(ReviewDecision.Deny, threshold => threshold.Deny),
            Overridden = [.. request.Thresholds.Select(Overridden).OfType<string>().Distinct(StringComparer.Ordinal)],
        };

        ImmutableArray<string> Standing(ReviewDecision decision, Func<ReviewThreshold, int> needed) =>
        [
            .. request.Thresholds.SelectMany(set => set.Thresholds).Where(threshold => needed(threshold) > 0)
                .Select(threshold => threshold.Counts(Count(threshold, decision), needed(threshold), decision))
                .Distinct(StringComparer.Ordinal),
        ];

        string? Overridden(ThresholdSet set)
        {
            var approving = set.Thresholds.Where(threshold => threshold.Approve > 0)
                .Select(threshold => (Threshold: threshold, Approvals: Count(threshold, ReviewDecision.Approve))).ToList();
            var unmet = approving.FindAll(
                one => one.Approvals < one.Threshold.Approve && one.Threshold is not { Approve: 1, Filter: null });
            // If no threshold can approve, an administrator must answer.
            return (set.RequireAll ? unmet.Count == 0 : unmet.Count < approving.Count || approving.Count == 0)
                ? null
                : string.Join(
                    set.RequireAll ? " and " : " or ",
                    unmet.Select(one => one.Threshold.Counts(one.Approvals, one.Threshold.Approve, ReviewDecision.Approve)));
        }

        int Count(ReviewThreshold threshold, ReviewDecision decision) =>
            counted.Count(
                vote => vote.Review.Decision == decision
                    && threshold.Filter?.Holds(vote.Author!.Facts(request, vote.Review.Reason)) != false);

        // One sentence for each set of thresholds that is not met.
        List<string> Unmet(string before, Func<ReviewThreshold, int, string> words) =>
            [.. request.Thresholds.Select(set => UnmetOf(set, before, words)).OfType<string>().Distinct(StringComparer.Ordinal)];

        string? UnmetOf(ThresholdSet set, string before, Func<ReviewThreshold, int, string> words)
        {
            // The result does not wait for a threshold that can only deny.
            var approving = set.Thresholds.Where(threshold => threshold.Approve > 0)
                .Select(threshold => (Threshold: threshold, Approvals: Count(threshold, ReviewDecision.Approve))).ToList();
            var unmet = approving.FindAll(one => one.Approvals < one.Threshold.Approve);
            if (approving.Count == 0)
                return $"no threshold of role {set.By.Name} approves: an administrator answers it";
            if (set.RequireAll ? unmet.Count == 0 : unmet.Count < approving.Count)
                return null;
            return before + string.Join(set.RequireAll ? " and " : " or ", unmet.Select(one => words(one.Threshold, one.Approvals)));
        }
    }
}
