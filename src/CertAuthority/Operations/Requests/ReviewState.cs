using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A request with its requester and its votes, as of one instant.</summary>
/// <param name="Persons">Tells which users are the same person.</param>
/// <param name="Request">The request.</param>
/// <param name="Requester">The user who requested; null if they no longer exist.</param>
/// <param name="Votes">The votes, in the order in which they were cast.</param>
internal sealed record ReviewState(Persons Persons, AccessRequest Request, User? Requester, IReadOnlyList<Vote> Votes)
{
    public static ReviewState Load(Persons persons, AccessRequest request, DateTimeOffset now)
    {
        var roles = persons.Snapshot.Policy().Roles;
        return new ReviewState(persons, request, persons.Snapshot.FindUser(request.UserId), [.. request.Reviews.Select(review => new Vote(
            review,
            persons.Snapshot.FindUser(review.AuthorId) is { } author ? Voter.From(author, roles, now) : null))]);
    }

    /// <summary>Tells which users are the same person, including what the request and its reviews recorded.</summary>
    public People People => Persons.Behind(Request, []);

    /// <summary>Counts the reviews.</summary>
    public Tally Tally() =>
        Access.Reviews.Tally.Count(Request, Votes.Count == 0 ? People.Strangers : People, Votes, Persons.Snapshot.Policy().Roles);

    /// <summary>Describes a review with everything that the decision about it depends on.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="by">The user that they review as.</param>
    /// <param name="review">The review.</param>
    /// <param name="limits">The limits of the site.</param>
    public ReviewQuestion Question(Caller caller, Voter by, Review review, SiteLimits limits)
    {
        IEnumerable<Alias> reviewer = [Alias.User(by.User.Id), .. caller.Aliases];
        var people = Persons.Behind(Request, reviewer).And([reviewer]);
        review = review with
        {
            AuthorId = by.User.Id,
            AuthorName = by.User.Name,
            AuthorUids = people.UidsOf(Alias.User(by.User.Id)),
            AuthorUsers = people.UsersOf(Alias.User(by.User.Id))
        };
        return new(Request, Requester, by, Votes, review, Persons.Snapshot.Policy().Roles, limits)
        {
            Locks = Persons.Snapshot.Policy().LocksAt(review.At),
            People = people
        };
    }
}

/// <summary>Converts requests to messages, with what pending ones still lack.</summary>
internal static class ReviewStates
{
    public static RequestResource Show(this Persons persons, AccessRequest request, DateTimeOffset now) =>
        request.Show(
            now, persons.Snapshot.Policy().Roles,
            request.StateAt(now) == RequestState.Pending ? ReviewState.Load(persons, request, now).Tally() : null);

    /// <summary>Converts the requests of a list.</summary>
    public static RequestResource[] ShowAll(this Persons persons, IReadOnlyCollection<AccessRequest> requests, DateTimeOffset now)
    {
        // All at once, because each growth of what is known costs as much as all that is known.
        persons.Behind(
            requests.Where(request => request.StateAt(now) == RequestState.Pending && !request.Reviews.IsEmpty).SelectMany(People.Aliases));
        return [.. requests.Select(request => persons.Show(request, now))];
    }
}
