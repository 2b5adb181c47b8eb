using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Reviews requests. For a caller, a request exists only if it is their own, or if they may review it or have reviewed it. For any other
/// request, they get the same answer as for an ID that does not exist.
/// </summary>
internal static class Reviews
{
    // How many requests of other people with the same prefix are examined to find the right one.
    private const int MostAlike = 50;

    public static async Task<RequestResolved> Review(Authority ca, Caller by, ReviewRequest ask)
    {
        var now = ask.Decision == ReviewDecisions.Deny ? ca.Now() : ca.NowToGrant();
        var said = Said(ask, now);
        // A denial grants nothing, so the user last known to be a reviewer can deny even while the directory does not answer.
        if (said.Decision == ReviewDecision.Deny)
            by = by with { NoGroups = null };
        // Resolves the prefix once, because other requests may come to share it, and finds the users on whose votes the decision can
        // depend.
        var (id, names) = ca.Database.Read(snapshot =>
        {
            var request = FindToReview(snapshot, ask.Id, Voter(snapshot, by, ask.User, now));
            return (request.Id.ToString(),
                ((string[])[snapshot.ActingUser(by, ask.User).Name, request.UserName,
                    .. request.Reviews.Select(review => review.AuthorName)]).Distinct().ToList());
        });
        var accounts = await Persons.Ask(ca, snapshot =>
        {
            var voter = Voter(snapshot, by, ask.User, now);
            return [.. People.Aliases(FindToReview(snapshot, id, voter)), Alias.User(voter.User.Id), .. by.Aliases];
        });
        var unknown = await GroupUsers.LookAgain(ca, names);
        var (request, shown, warnings) = await ca.Database.Commit(transaction =>
        {
            var roles = transaction.Policy().Roles;
            var persons = new Persons(transaction, accounts);
            var voter = Voter(transaction, by, ask.User, now);
            var state = ReviewState.Load(persons, FindToReview(transaction, id, voter), now);
            var reviewed = Reviewing.Decide(state.Question(by, voter, said, ca.Limits)).OrRefuse();
            if (reviewed.Step?.To == RequestState.Approved && (unknown ?? accounts.Fault) is { } why)
                throw Problems.Refused(Uncertain($"request {id} cannot be approved now, for it is not certain whose votes count", why));

            var next = transaction.UpdateRequest(state.Request, reviewed.Request);
            transaction.InsertReview(next, next.Reviews.Length, reviewed.Review);
            transaction.Audit(by.Did(AuditEvents.RequestReviewed, now) with
            {
                Reviewer = voter.User.Name,
                User = next.UserName,
                Request = next.Id.ToString(),
                Vote = reviewed.Review.Decision == ReviewDecision.Approve ? ReviewDecisions.Approve : ReviewDecisions.Deny,
                // A vote is not the decision: the request may still be pending.
                State = RequestTransitions.Word(next.StoredState),
                Tally = reviewed.Standing.IsEmpty ? null : [.. reviewed.Standing],
                Asked = Shown.Names(next.Roles),
                Resources = Shown.Names(next.Resources),
                Granted = [.. reviewed.Review.Roles],
                MaxDuration = reviewed.Review.AtMost is { } longest ? Durations.Show(longest) : null,
                Reason = reviewed.Review.Reason,
            });
            if (reviewed.Step is { } step)
            {
                var what = RequestChanges.EventOf(step.To);
                transaction.Audit(RequestChanges.Resolved(by, what, next, state.People, now) with
                {
                    Reviewer = voter.User.Name,
                    Tally = reviewed.Standing.IsEmpty ? null : [.. reviewed.Standing],
                });
                transaction.Tell(by, what.Name, next, now);
            }
            else
                transaction.Tell(
                    by, NoticeEvents.Reviewed, next, now,
                    () => persons.Show(next, now) with { Facts = Facts.Of(ca, persons, next, FactsWish.Notice, now) });
            return (next, persons.Show(next, now),
                reviewed.Step?.To == RequestState.Approved
                    ? RequestChanges.Warnings(ca, state.Request, next, state.Requester!, roles)
                    : []);
        }, takesAway: said.Decision == ReviewDecision.Deny);
        ca.Watch.Changed(Guid.Parse(id));
        // While the request stays pending, its facts say who can give the next vote.
        return new RequestResolved(shown with { Facts = Facts.AfterCommit(ca, accounts, request, now) }, [], warnings);
    }

    /// <summary>Finds the requests of other people that a user may see, newest first.</summary>
    /// <param name="persons">Tells which users are the same person; it holds the database.</param>
    /// <param name="by">The caller.</param>
    /// <param name="ask">The call; <c>show</c> selects the requests.</param>
    /// <param name="filter">What else must be true of them.</param>
    /// <param name="most">The largest number of requests.</param>
    /// <param name="after">The place after which the page begins.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="now">The present instant.</param>
    public static List<AccessRequest> Find(
        Persons persons, Caller by, ListMyRequests ask, RequestFilter filter, int most, RequestPlace? after, SiteLimits limits,
        DateTimeOffset now)
    {
        var snapshot = persons.Snapshot;
        var voter = Voter(snapshot, by, ask.User, now);
        var (isSuggested, isReviewed) = (ask.Show == RequestViews.Suggested, ask.Show == RequestViews.Reviewed);
        List<AccessRequest> pending = isReviewed ? [] : Pending(snapshot, voter, now).FindAll(request => filter.Lets(request, now));
        var found = isSuggested ? pending.Where(request => request.SuggestedReviewers.Contains(voter.User.Name))
            : Awaiting(persons, by, voter, pending, limits, now);
        if (isSuggested || isReviewed)
            found = found.Concat(snapshot.RequestsReviewedBy(voter.User, isSuggested, filter, now, most, after)).DistinctBy(
                request => request.Id);
        return [
            .. found.Where(request => after is null || after.IsBefore(request)).OrderByDescending(request => request.Created)
                .ThenByDescending(request => request.Id.ToString(), StringComparer.Ordinal).Take(most)];
    }

    /// <summary>
    /// Counts the requests that wait for a user's review. It examines what is pending, and reads no other users than the requests concern.
    /// </summary>
    public static int CountAwaiting(Persons persons, Caller by, string? asked, SiteLimits limits, DateTimeOffset now)
    {
        var voter = Voter(persons.Snapshot, by, asked, now);
        return Awaiting(persons, by, voter, Pending(persons.Snapshot, voter, now), limits, now).Count();
    }

    // What other people wait for and the user's roles let them review. Most users have no such role, and nothing is read for them.
    private static List<AccessRequest> Pending(Snapshot snapshot, Voter voter, DateTimeOffset now)
    {
        var roles = snapshot.Policy().Roles;
        return voter.MayReviewAnything(roles)
            ? snapshot.PendingRequests(now, request => request.UserId != voter.User.Id && voter.MayReview(request, roles))
            : [];
    }

    // By the rule that decides about a review.
    private static IEnumerable<AccessRequest> Awaiting(
        Persons persons, Caller by, Voter voter, List<AccessRequest> pending, SiteLimits limits, DateTimeOffset now)
    {
        if (pending is [])
            return [];
        // All at once, because each growth of what is known costs as much as all that is known.
        persons.Behind([.. pending.SelectMany(People.Aliases), Alias.User(voter.User.Id), .. by.Aliases]);
        return pending.Where(
            request => Reviewing.IsAwaited(ReviewState.Load(persons, request, now).Question(by, voter, Nothing, limits), now));
    }

    /// <summary>Finds a request that the user may see: their own, or one that they may review or have reviewed.</summary>
    public static AccessRequest FindVisible(Snapshot snapshot, string prefix, Voter voter)
    {
        // Whoever waits gives the whole ID each time.
        if (Guid.TryParseExact(prefix, "D", out var id) && snapshot.FindRequest(id) is { } whole && $"{id}" == prefix)
            return RequestTable.Only(whole.UserId == voter.User.Id || IsOthers(snapshot, whole, voter) ? [whole] : [], prefix);
        var own = snapshot.RequestsStarting(prefix, 2, voter.User.Id);
        return RequestTable.Only(own.Count > 0 ? own : Others(snapshot, prefix, voter), prefix);
    }

    public static Voter Voter(Snapshot snapshot, Caller by, string? asked, DateTimeOffset now) =>
        Access.Reviews.Voter.From(snapshot.ActingUser(by, asked), snapshot.Policy().Roles, now);

    /// <summary>Explains why nothing is approved while the system cannot identify people. A denial is still valid.</summary>
    public static Refusal Uncertain(string what, string why) =>
        new(
            $"{what}: {why}",
            "try again in a moment, or deny it; an administrator runs getent and id on the daemon's host to see what is wrong",
            RefusalKind.Unavailable);

    // Looks for the caller's own request last, so that the error can explain why they cannot review it.
    private static AccessRequest FindToReview(Snapshot snapshot, string prefix, Voter voter)
    {
        var others = Others(snapshot, prefix, voter);
        return RequestTable.Only(others.Count > 0 ? others : snapshot.RequestsStarting(prefix, 2, voter.User.Id), prefix);
    }

    private static List<AccessRequest> Others(Snapshot snapshot, string prefix, Voter voter)
    {
        var alike = snapshot.RequestsStarting(prefix, MostAlike);
        // If there are too many, the answer must not depend on which ones were examined.
        return alike.Count == MostAlike ? alike : alike.FindAll(request => IsOthers(snapshot, request, voter));
    }

    private static bool IsOthers(Snapshot snapshot, AccessRequest request, Voter voter) =>
        request.UserId != voter.User.Id
        && (request.Reviews.Any(review => review.AuthorId == voter.User.Id) || voter.MayReview(request, snapshot.Policy().Roles));

    private static readonly Review Nothing = new(Guid.Empty, "", [], ReviewDecision.Approve, [], "", default);

    private static Review Said(ReviewRequest ask, DateTimeOffset now)
    {
        var decision = ask.Decision switch
        {
            ReviewDecisions.Approve => ReviewDecision.Approve,
            ReviewDecisions.Deny => ReviewDecision.Deny,
            var other => throw Problems.Invalid($"a review says approve or deny, not \"{other}\""),
        };
        if (ask.Roles is [])
            throw Problems.Invalid("a review that names roles names at least one");
        return Nothing with
        {
            Decision = decision,
            Roles = [.. ask.Roles ?? []],
            Reason = ask.Reason,
            At = now,
            AssumeFrom = ask.AssumeStartTime is { } from ? Problems.Instant("assume_start_time", from) : null,
            AtMost = Problems.DurationIfAny("max_duration", ask.MaxDuration),
        };
    }
}
