using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reviews;

/// <summary>A review to be decided, and everything that the decision depends on, read in one transaction.</summary>
/// <param name="Request">The request under review, with the reviews that it already has.</param>
/// <param name="Requester">The requester's user as it is now; null if it no longer exists.</param>
/// <param name="By">The reviewer.</param>
/// <param name="Earlier">The earlier votes, with their authors as they are now.</param>
/// <param name="Review">The new review. An approval with an empty list of roles grants the requested ones.</param>
/// <param name="Roles">Every role that exists.</param>
/// <param name="Limits">The limits of the site.</param>
public sealed record ReviewQuestion(
    AccessRequest Request,
    User? Requester,
    Voter By,
    IReadOnlyList<Vote> Earlier,
    Review Review,
    IReadOnlyDictionary<string, Role> Roles,
    SiteLimits Limits)
{
    /// <summary>The locks in force.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Which users are the same person, including the links that the request and its earlier reviews recorded.</summary>
    public required People People { get; init; }
}

/// <summary>An accepted review, and its effect on the request.</summary>
/// <param name="Request">The request as it is now, with the review.</param>
/// <param name="Review">The review as it is stored.</param>
/// <param name="Step">The transition of the request; null while it stays pending.</param>
public sealed record Reviewed(AccessRequest Request, Review Review, Transition? Step)
{
    /// <summary>
    /// The vote count including this review, one sentence for each threshold: approvals after an approval, denials after a denial.
    /// </summary>
    public ImmutableArray<string> Standing { get; init; } = [];
}

/// <summary>Decides who may review a request, and what a review changes.</summary>
public static class Reviewing
{
    // A warning names at most this many of the users who can review a request.
    private const int MostNamed = 5;

    /// <summary>
    /// Explains, for each named reviewer who cannot review the request, why they cannot and who can. Otherwise the requester would wait for
    /// an answer that never comes.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="named">The names that the requester gave.</param>
    /// <param name="users">The users whom <see cref="Candidates"/> finds, and those who are named.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="now">The instant at which the roles are evaluated.</param>
    public static ImmutableArray<string> CannotReview(
        AccessRequest request, IEnumerable<string> named, IReadOnlyCollection<User> users, IReadOnlyDictionary<string, Role> roles,
        DateTimeOffset now)
    {
        var able = Able(request, users, roles, now).Select(user => user.Name).Order(StringComparer.Ordinal).ToList();
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
    /// Returns those of some users whose roles let them review a request, without the requester and the users that were the same person
    /// when it was filed.
    /// </summary>
    public static IEnumerable<User> Able(
        AccessRequest request, IEnumerable<User> users, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now) =>
        users.Where(
            user => user.Id != request.UserId && !request.RequesterUsers.Contains(user.Id)
                && Voter.From(user, roles, now).MayReview(request, roles));

    /// <summary>
    /// Returns where all users who may review a request can be found: they hold one of these roles, or have one of these names. Each
    /// reviewer covers every requested role, so those who cover the first one are enough.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="roles">Every role that exists.</param>
    public static (ImmutableArray<string> Roles, ImmutableArray<string> Users) Candidates(
        AccessRequest request, IReadOnlyDictionary<string, Role> roles)
    {
        if (request.Roles is not [var asked, ..])
            return ([], []);
        ImmutableArray<ReviewerEntry> named = roles.TryGetValue(asked.Name, out var role) ? role.Reviewers : [];
        return (
            [
                .. roles.Values.Where(one => one.Allow.Reviewing.Roles.Any(pattern => pattern.Matches(asked.Name))).Select(one => one.Name)
                    .Concat(named.Where(entry => entry.IsRole).Select(entry => entry.Name)).Distinct(StringComparer.Ordinal)],
            [.. named.Where(entry => !entry.IsRole).Select(entry => entry.Name)]);
    }

    /// <summary>
    /// Whether the request waits for this user's review: it is pending, it is not their own, they may review it, and they have not done so
    /// yet.
    /// </summary>
    public static bool IsAwaited(ReviewQuestion question, DateTimeOffset now) =>
        question.Request.StateAt(now) == RequestState.Pending && question.By.MayReview(question.Request, question.Roles)
        && !IsOwn(question) && !question.Earlier.Any(vote => IsBySame(question, vote));

    /// <summary>
    /// Adds a review to the request and resolves the request if a threshold is reached; or returns why the review is not accepted.
    /// </summary>
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
            // An approval can resolve a request as denied: it may meet a condition under which earlier denials begin to count.
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
                            tally.Granted, tally.Limit), approval);
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

    // A person who acts under several uids links these uids by this very review.
    private static People Everybody(ReviewQuestion question) =>
        question.People.And(question.Review with { AuthorId = question.By.User.Id });

    private static Outcome<Review> Denied(Review review)
    {
        if (!review.Roles.IsEmpty)
            return new Refusal("a denial names no roles", Kind: RefusalKind.Invalid);
        if (review.AssumeFrom is not null)
            return new Refusal("a denial does not say when the access begins", Kind: RefusalKind.Invalid);
        return review.AtMost is null ? review : new Refusal("a denial does not say how long the access lasts", Kind: RefusalKind.Invalid);
    }

    /// <summary>
    /// Builds the approval to store: for everything requested or for less, and only for roles unchanged since the request was filed.
    /// </summary>
    private static Outcome<Review> Narrow(ReviewQuestion question)
    {
        var (request, review) = (question.Request, question.Review);
        if (NotAskedFor(request, review.Roles) is { } more)
            return more;
        if (question.Requester is null || question.Requester.Id != request.UserId)
            return Gone(request);
        // The reviewer reads what was requested, so the roles that they would grant must still be the same.
        if (RequestUse.FirstChanged(request, question.Roles) is { } changed)
            return new Refusal(
                $"the role {changed.Name} changed after this request was made",
                "the requester can ask again, and an administrator can look at it", RefusalKind.Conflict);
        if (review.AssumeFrom is { } from
            && AccessWindow.TooEarlyOrLate(from, review.At, request.AccessUntil, question.Limits) is { } refusal)
            return refusal;
        if (AccessWindow.NotLess(request, review.AtMost) is { } notLess)
            return notLess;
        return review with
        {
            Roles = review.Roles.IsEmpty
                ? [.. request.Roles.Select(role => role.Name)]
                : [.. review.Roles.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]
        };
    }

    /// <summary>
    /// Returns why a review cannot be about some roles: one of them was not asked for. Nobody but an administrator learns what such a role
    /// opens.
    /// </summary>
    public static Refusal? NotAskedFor(AccessRequest request, IEnumerable<string> names) =>
        names.FirstOrDefault(name => !request.Roles.Any(asked => asked.Name == name)) is { } other
            ? new Refusal(
                $"role \"{other}\" was not asked for",
                $"a review grants what was asked for, or less: {string.Join(", ", request.Roles.Select(asked => asked.Name))}",
                RefusalKind.Invalid)
            : null;

    private static Refusal Gone(AccessRequest request) =>
        new($"user \"{request.UserName}\", who asked, is gone", Kind: RefusalKind.Conflict);
}
