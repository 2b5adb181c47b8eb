using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Formats requests as text.</summary>
public static class RequestText
{
    // A row must fit on one line of a terminal; the whole reason is shown with the single request.
    private const int LongestReason = 60;

    /// <summary>
    /// Returns one row for each request. The reason is the last column, so that scripts that count columns from the left find the others in
    /// the same place.
    /// </summary>
    /// <param name="requests">The requests.</param>
    /// <param name="withReason">Whether to show reasons, if there are any.</param>
    public static Table Table(IReadOnlyCollection<RequestResource> requests, bool withReason)
    {
        withReason &= requests.Any(request => request.Spec.RequestReason.Length > 0);
        string[] columns = ["Token", "Requestor", "Metadata", "Created At (UTC)", "Status"];
        var table = new Table(withReason ? [.. columns, "Reason"] : columns)
        {
            Nothing = "no requests",
            Ids = 0,
            Expendable = ["Reason", "Created At (UTC)", "Metadata"],
            Vital = "Metadata",
        };
        foreach (var (_, _, metadata, spec) in requests)
        {
            Cell[] row =
            [
                metadata.Name,
                spec.User,
                $"roles={string.Join(',', spec.Roles)}{(spec.Resources is [_, ..] some ? $" resources={Few(some)}" : "")}",
                new Cell(spec.Created.UtcDateTime.ToString("dd MMM yy HH:mm 'UTC'"), spec.Created),
                spec.State,
            ];
            table.Add(withReason ? [.. row, Short(spec.RequestReason)] : row);
        }
        return table;
    }

    /// <summary>Returns one line for each field and fact; empty ones are left out.</summary>
    /// <param name="request">The request.</param>
    /// <param name="answer">The command by which the caller answers a pending request, if they can.</param>
    public static IEnumerable<string> Details(RequestResource request, string answer)
    {
        var lines = Details(request.Metadata.Name, request.Spec, request.Facts);
        return request.Facts is { WhyNotYou: null } ? lines.Append($"to answer: {answer}") : lines;
    }

    /// <summary>Returns the request that would be filed, in the same fields, and what is missing.</summary>
    public static IEnumerable<string> Details(RequestPlan plan)
    {
        var lines = Details("(not filed)", plan.Spec, plan.Facts);
        return plan.ReasonRequired is null
            ? lines
            : lines.Append(
                $"missing: a reason: {string.Join("; ", plan.ReasonPrompts is [] ? [plan.ReasonRequired] : plan.ReasonPrompts)}");
    }

    /// <summary>
    /// Returns what the requester should know after filing: times that were shortened, and reviewers who cannot review it.
    /// </summary>
    public static IEnumerable<string> Warnings(RequestSpec spec) => [.. spec.Shortened, .. spec.Warnings ?? []];

    /// <summary>Returns the facts that a reviewer reads before they answer, one line each.</summary>
    public static IEnumerable<string> Facts(RequestSpec spec, RequestFacts facts) =>
        FactsText.Lines(spec, facts).Select(fact => $"{fact.Name}: {fact.Value}");

    // Where there are facts, they say the same as some fields and more.
    private static IEnumerable<string> Details(string id, RequestSpec spec, RequestFacts? facts)
    {
        (string Name, string? Value)[] fields =
        [
            ("id", id),
            ("user", spec.User),
            ("state", spec.State),
            ("roles", string.Join(", ", spec.Roles)),
            ("only on", string.Join(", ", spec.Resources ?? [])),
            ("granted roles", string.Join(", ", spec.GrantedRoles)),
            ("conditions", facts is null ? string.Join("; ", spec.Conditions ?? []) : null),
            ("reason", spec.RequestReason),
            ("suggested reviewers", string.Join(", ", spec.SuggestedReviewers)),
            ("created", Wording.Time(spec.Created)),
            ("answer expected until", spec.State == RequestStates.Pending ? Wording.Time(spec.Expires) : null),
            ("access begins", spec.AssumeStartTime is { } begins ? Wording.Time(begins) : null),
            ("access ends", facts?.Period is null ? AccessEnds(spec) : null),
            ("certificates", spec.SessionTtl is { } session ? $"at most {session}" : null),
            ("shortened", string.Join("; ", spec.Shortened)),
            ("warning", string.Join("; ", spec.Warnings ?? [])),
            ("annotations", string.Join("; ", (spec.SystemAnnotations ?? []).Select(one => $"{one.Key}={string.Join(',', one.Value)}"))),
            .. (spec.Reviews ?? []).Select(review => ($"reviewed by {review.Author}", (string?)Review(review))),
            ("approval", facts is null ? string.Join("; ", spec.Missing ?? []) : null),
            ("overridden", string.Join("; ", spec.Overridden ?? [])),
            ("resolved by", spec.ResolvedBy),
            ("resolve reason", spec.ResolveReason),
        ];
        return fields.Where(field => !string.IsNullOrEmpty(field.Value)).Select(field => $"{field.Name}: {field.Value}")
            .Concat(facts is null ? [] : Facts(spec, facts));
    }

    // Null where there is no access any more, or never was.
    private static string? AccessEnds(RequestSpec spec)
    {
        if (spec.State is RequestStates.Denied or RequestStates.Cancelled)
            return null;
        var end = spec is { State: RequestStates.Pending, Clock: RequestClocks.Approval }
            ? $"{spec.AccessLasts} after the approval"
            : Wording.Time(spec.AccessExpires);
        return $"{end}, limited by {spec.AccessLimitedBy}";
    }

    private static string Short(string reason) =>
        reason.Length <= LongestReason ? reason : $"{string.Concat(reason.EnumerateRunes().Take(LongestReason - 1))}…";

    // A row must fit on one line; the single request shows all of them.
    private static string Few(string[] resources) =>
        resources.Length <= 3 ? string.Join(',', resources) : $"{string.Join(',', resources[..2])} and {resources.Length - 2} more";

    // A vote is not the state of the request.
    private static string Vote(RequestReview review) => review.ProposedState == RequestStates.Approved ? "approves" : "denies";

    private static string Review(RequestReview review) =>
        $"{string.Join(' ', [Vote(review), .. review.Roles is [] ? (string[])[] : [string.Join(", ", review.Roles)]])}, {Wording.Time(review.Created)}"
        + (review.AssumeStartTime is { } begins ? $", from {Wording.Time(begins)}" : "")
        + (review.MaxDuration is { } longest ? $", for at most {longest}" : "")
        + (review.Counts == false ? ", does not count any more" : "")
        + (review.Reason.Length > 0 ? $": {review.Reason}" : "");

    /// <summary>
    /// <c>request 3f… has been approved</c>, or that a vote was counted and what is still missing: a vote alone approves nothing.
    /// </summary>
    /// <param name="reviewed">The daemon's answer to a review.</param>
    /// <param name="approves">Whether the review approves.</param>
    public static string Reviewed(RequestResolved reviewed, bool approves)
    {
        var (id, spec, facts) = (reviewed.Request.Metadata.Name, reviewed.Request.Spec, reviewed.Request.Facts);
        return spec.State != RequestStates.Pending ? Done(reviewed, spec.State.ToLowerInvariant())
            : string.Concat(
                $"request {id}: vote counted: {(approves ? "" : "a denial, which does not decide it; ")}",
                facts is null ? string.Join("; ", spec.Needs ?? []) : FactsText.Next(spec, facts));
    }

    /// <summary><c>request 3f… has been denied, 1 certificate revoked</c>.</summary>
    /// <param name="resolved">The daemon's answer.</param>
    /// <param name="what">What was done to the request.</param>
    public static string Done(RequestResolved resolved, string what) =>
        $"request {resolved.Request.Metadata.Name} has been {what}"
        + (resolved.Revoked.Length > 0 ? $", {Wording.Count(resolved.Revoked.Length, "certificate")} revoked" : "")
        + (resolved.Request.Spec.Conditions is { } conditions ? $" ({string.Join("; ", conditions)})" : "");
}
