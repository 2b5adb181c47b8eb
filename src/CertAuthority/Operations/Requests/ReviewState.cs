using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Which users are one person, at one instant. Worked out from every user, and so only when it is needed.</summary>
/// <param name="snapshot">Has the users.</param>
/// <param name="accounts">Has the uids of their accounts.</param>
internal sealed class Persons(Snapshot snapshot, AccountUids accounts)
{
    private People? people;

    public Snapshot Snapshot => snapshot;

    public People All => people ??= People.From(snapshot.Users(), accounts.Of);

    /// <summary>For what decides: asks the system for the uids of all accounts, within a time limit.</summary>
    public static Task<AccountUids> Ask(Authority ca) => ca.Uids.Ask(ca.Database.Read(snapshot => snapshot.UserAccounts()));

    /// <summary>For what is only shown: goes by what the system said last, and waits for nothing.</summary>
    public static Persons Last(Authority ca, Snapshot snapshot) => new(snapshot, ca.Uids.Last);
}

/// <summary>A request, who asked, and who has had a say: all as they are at one instant.</summary>
/// <param name="Persons">Who is who.</param>
/// <param name="Request">The request.</param>
/// <param name="Requester">Its user, null when they are gone.</param>
/// <param name="Votes">In the order in which they were cast.</param>
internal sealed record ReviewState(Persons Persons, AccessRequest Request, User? Requester, IReadOnlyList<Vote> Votes)
{
    public static ReviewState Load(Persons persons, AccessRequest request, DateTimeOffset now)
    {
        var roles = persons.Snapshot.Policy().Roles;
        return new ReviewState(persons, request, persons.Snapshot.FindUser(request.UserId), [.. request.Reviews.Select(review => new Vote(
            review,
            persons.Snapshot.FindUser(review.AuthorId) is { } author ? Voter.From(author, roles, now) : null))]);
    }

    /// <summary>Which users are one person, with what the request and its reviews recorded.</summary>
    public People People => Persons.All.And(Request);

    /// <summary>What the reviews amount to.</summary>
    public Tally Tally() =>
        Access.Reviews.Tally.Count(Request, Votes.Count == 0 ? People.Strangers : People, Votes, Persons.Snapshot.Policy().Roles);

    /// <summary>A review by somebody, with everything that it depends on.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="by">The user as whom they review.</param>
    /// <param name="review">What they say.</param>
    /// <param name="limits">The bounds of the site.</param>
    public ReviewQuestion Question(Caller caller, Voter by, Review review, SiteLimits limits)
    {
        var people = People.And([caller.Aliases.Prepend(Alias.User(by.User.Id))]);
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

/// <summary>Requests as messages, with what is still missing to those that wait.</summary>
internal static class ReviewStates
{
    public static RequestResource Show(this Persons persons, AccessRequest request, DateTimeOffset now) =>
        request.Show(
            now, persons.Snapshot.Policy().Roles,
            request.StateAt(now) == RequestState.Pending ? ReviewState.Load(persons, request, now).Tally() : null);
}
