using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A request, who asked, and who has had a say: all as they are at one instant.</summary>
/// <param name="Request">The request.</param>
/// <param name="Requester">Its user, null when he is gone.</param>
/// <param name="RequesterPerson">Who stands behind him.</param>
/// <param name="Votes">In the order in which they were cast.</param>
internal sealed record Hearing(AccessRequest Request, User? Requester, Person RequesterPerson, IReadOnlyList<Vote> Votes)
{
    public static Hearing Of(Snapshot snapshot, AccessRequest request, AccountUids accounts, DateTimeOffset now)
    {
        var roles = snapshot.Policy().Roles;
        var requester = snapshot.FindUser(request.UserId);
        var person = requester is null ? new Person(request.UserId, []) : Person.Of(requester, accounts.Of);
        uint[] then = request.CreatorLoginUid is { } login ? [request.CreatorUid, login] : [request.CreatorUid];
        return new Hearing(request, requester, person.And(then).And(request.RequesterUids), [.. request.Reviews.Select(review => new Vote(
            review,
            snapshot.FindUser(review.AuthorId) is { } author ? Voter.Of(author, Person.Of(author, accounts.Of), roles, now) : null))]);
    }

    /// <summary>What the reviews amount to.</summary>
    public Tally Tally(Snapshot snapshot) => Access.Tally.Of(Request, RequesterPerson, Votes, snapshot.Policy().Roles);

    /// <summary>A word of somebody's, with everything that it depends on.</summary>
    public ReviewQuestion Question(Snapshot snapshot, Voter by, Review review, SiteLimits limits) =>
        new(Request, Requester, RequesterPerson, by, Votes, review, snapshot.Policy().Roles, limits) { Locks = snapshot.Policy().LocksAt(review.At) };
}

/// <summary>Requests as messages, with what is still missing to those that wait.</summary>
internal static class Hearings
{
    public static RequestResource Show(this Snapshot snapshot, AccessRequest request, AccountUids accounts, DateTimeOffset now) =>
        request.Show(now, snapshot.Policy().Roles, request.StateAt(now) == RequestState.Pending ? Hearing.Of(snapshot, request, accounts, now).Tally(snapshot) : null);
}
