using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reviews;

/// <summary>A review on its way, and everything that it depends on, as it stood in one transaction.</summary>
/// <param name="Request">What is reviewed, with the reviews that it has.</param>
/// <param name="Requester">Its user as they are now, or null.</param>
/// <param name="By">Who reviews.</param>
/// <param name="Earlier">The votes that were cast, with their authors as they are now.</param>
/// <param name="Review">What they say; with an empty list of roles an approval grants what was asked for.</param>
/// <param name="Roles">Every role that exists.</param>
/// <param name="Limits">The bounds of the site.</param>
public sealed record ReviewQuestion(
    AccessRequest Request,
    User? Requester,
    Voter By,
    IReadOnlyList<Vote> Earlier,
    Review Review,
    IReadOnlyDictionary<string, Role> Roles,
    SiteLimits Limits)
{
    /// <summary>The locks that stand.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Which users are one person, with what the request and its earlier reviews recorded.</summary>
    public required People People { get; init; }
}

/// <summary>A review that was let through, and what it made of its request.</summary>
/// <param name="Request">The request as it is now, with the review.</param>
/// <param name="Review">The review as it is kept.</param>
/// <param name="Step">The step that the request took; null while it stays pending.</param>
public sealed record Reviewed(AccessRequest Request, Review Review, Transition? Step)
{
    /// <summary>How far the votes are with this one, threshold by threshold: approvals after an approval, denials after a denial.</summary>
    public ImmutableArray<string> Standing { get; init; } = [];
}

/// <summary>Who may say what to a request, and what becomes of it then.</summary>
public static class Reviewing
{
    // Of those who can review a request a warning names so many.
    private const int MostNamed = 5;

    /// <summary>
    /// For each person whom a requester names as a reviewer and who cannot review the request: why, and who can. They would wait for an
    /// answer that cannot come.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="named">The names that the requester gave.</param>
    /// <param name="users">Every user who exists.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="now">The instant at which roles count.</param>
    public static ImmutableArray<string> CannotReview(
        AccessRequest request, IEnumerable<string> named, IReadOnlyCollection<User> users, IReadOnlyDictionary<string, Role> roles,
        DateTimeOffset now)
    {
        var able = users.Where(user => user.Id != request.UserId && Voter.From(user, roles, now).MayReview(request, roles))
            .Select(user => user.Name).Order(StringComparer.Ordinal).ToList();
        var who = able.Count switch
        {
            0 => "nobody can review it, only an administrator can answer",
            <= MostNamed => $"reviewers of it: {string.Join(", ", able)}",
            _ => $"reviewers of it: {string.Join(", ", able.Take(MostNamed))} and {able.Count - MostNamed} more",
        };
        return [.. named.Distinct(StringComparer.Ordinal).Except(able).Select(name => $"{Why(name)}; {who}")];

        string Why(string name) => users.FirstOrDefault(user => user.Name == name) switch
        {
            null => $"no user \"{name}\" is known, so nobody of that name is notified",
            { } user when user.Id == request.UserId => "nobody reviews their own request",
            _ => $"user \"{name}\" cannot review this request",
        };
    }

    /// <summary>
    /// Whether the request waits for a word of theirs: it is pending, not their own, and they may review it and have not.
    /// </summary>
    public static bool IsAwaited(ReviewQuestion question, DateTimeOffset now) =>
        question.Request.StateAt(now) == RequestState.Pending && question.By.MayReview(question.Request, question.Roles)
        && !IsOwn(question) && !question.Earlier.Any(vote => IsBySame(question, vote));

    /// <summary>The request with one review more, resolved where that reaches a threshold; or why the review is not taken.</summary>
    public static Outcome<Reviewed> Decide(ReviewQuestion question)
    {
        var (request, by, review) = (question.Request, question.By, question.Review);
        var approves = review.Decision == ReviewDecision.Approve;
        if (IsOwn(question))
            return new Refusal("nobody reviews their own request", "somebody else who may review it can");
        if (!RequestTransitions.Find(request, approves ? RequestAction.Approve : RequestAction.Deny, RequestActor.Reviewer, review.At)
            .Holds(out var step, out var refusal))
            return refusal;
        if (question.Earlier.FirstOrDefault(vote => IsBySame(question, vote)) is { } earlier)
            return new Refusal(
                $"user \"{earlier.Review.AuthorName}\" has already reviewed this request",
                earlier.Review.AuthorId == by.User.Id ? null : $"each person reviews once, and \"{by.User.Name}\" is the same person",
                RefusalKind.Conflict);
        if (!by.MayReview(request, question.Roles))
            return new Refusal($"user \"{by.User.Name}\" cannot review this request");
        if (Names.ReasonFault(review.Reason) is { } fault)
            return fault;
        if (!(approves ? Narrow(question) : Denied(review)).Holds(out var kept, out refusal))
            return refusal;

        var tally = Tally.Count(request, question.People.And(kept), [.. question.Earlier, new Vote(kept, by)], question.Roles);
        var reviewed = request with { Reviews = request.Reviews.Add(kept) };
        var resolution = new RequestResolution(by.User.Name, review.At, review.Reason);
        switch (tally.State)
        {
            case RequestState.Pending:
                return new Reviewed(reviewed, kept, null) { Standing = Standing() };
            // The vote that is cast may be for what others have denied, and were not counted for until now.
            case RequestState.Denied when approves:
                return Resolved(Resolving.End(reviewed, Step(RequestAction.Deny), resolution), Step(RequestAction.Deny));
            case RequestState.Denied:
                return Resolved(Resolving.End(reviewed, step, resolution), step);
            default:
                var approval = Step(RequestAction.Approve);
                var until = reviewed with { Terms = reviewed.Terms with { AssumeFrom = tally.AssumeFrom } };
                return question.Requester is null
                    ? Gone(request)
                    : Resolved(
                        Resolving.Grant(
                            until, approval, question.Requester, question.Roles, resolution, question.Limits, question.Locks,
                            tally.Granted), approval);
        }

        static Transition Step(RequestAction action) =>
            RequestTransitions.Table.Single(t => t.Action == action && t.By == RequestActor.Reviewer);

        Outcome<Reviewed> Resolved(Outcome<AccessRequest> outcome, Transition taken) =>
            outcome.Holds(out var next, out var why) ? new Reviewed(next, kept, taken) { Standing = Standing() } : why;

        ImmutableArray<string> Standing() => approves ? tally.Approvals : tally.Denials;
    }

    private static bool IsOwn(ReviewQuestion question) => Everybody(question).AreOne(By(question), Alias.User(question.Request.UserId));

    private static bool IsBySame(ReviewQuestion question, Vote vote) => Everybody(question).AreOne(By(question), vote.By);

    private static Alias By(ReviewQuestion question) => Alias.User(question.By.User.Id);

    // Whoever acts under several uids joins them by this very review.
    private static People Everybody(ReviewQuestion question) =>
        question.People.And(question.Review with { AuthorId = question.By.User.Id });

    private static Outcome<Review> Denied(Review review)
    {
        if (!review.Roles.IsEmpty)
            return new Refusal("a denial names no roles", Kind: RefusalKind.Invalid);
        return review.AssumeFrom is null ? review : new Refusal("a denial does not say when the access begins", Kind: RefusalKind.Invalid);
    }

    /// <summary>An approval as it is kept: of what was asked for, or of less; of roles that are as they were asked for.</summary>
    private static Outcome<Review> Narrow(ReviewQuestion question)
    {
        var (request, review) = (question.Request, question.Review);
        var asked = request.Roles.Select(role => role.Name).ToList();
        if (review.Roles.FirstOrDefault(name => !asked.Contains(name)) is { } other)
            return new Refusal(
                $"role \"{other}\" was not asked for", $"a review grants what was asked for, or less: {string.Join(", ", asked)}",
                RefusalKind.Invalid);
        if (question.Requester is null || question.Requester.Id != request.UserId)
            return Gone(request);
        // What the reviewer reads is what was asked; what they would grant must be that.
        if (RequestUse.FirstChanged([.. request.Roles, .. request.Thresholds.Select(set => set.By)], question.Roles) is { } changed)
            return new Refusal(
                $"the role {changed.Name} changed after this request was made",
                "the requester can ask again, and an administrator can look at it", RefusalKind.Conflict);
        if (review.AssumeFrom is { } from
            && AccessWindow.TooEarlyOrLate(from, review.At, request.AccessUntil, question.Limits) is { } refusal)
            return refusal;
        return review with
        {
            Roles = review.Roles.IsEmpty ? [.. asked] : [.. review.Roles.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]
        };
    }

    private static Refusal Gone(AccessRequest request) =>
        new($"user \"{request.UserName}\", who asked, is gone", Kind: RefusalKind.Conflict);
}
