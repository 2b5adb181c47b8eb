using System.Globalization;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Finds out which users are the same person, at one instant. This reads every user, so it is done only when needed.</summary>
/// <param name="snapshot">The database; it holds the users.</param>
/// <param name="accounts">The uids of the users' accounts.</param>
internal sealed class Persons(Snapshot snapshot, AccountUids accounts)
{
    private People? people;

    public Snapshot Snapshot => snapshot;

    public People All => people ??= People.From(snapshot.Users(), accounts.Of);

    /// <summary>
    /// Returns the people behind some users, and the links between them and others: it follows the accounts that some of them share with
    /// anybody, directly or through others, and reads nobody else. For display.
    /// </summary>
    /// <param name="followed">The users whose links are followed.</param>
    /// <param name="others">More users; only what they share directly counts.</param>
    public People Near(IEnumerable<User> followed, IEnumerable<User> others)
    {
        var (near, queue) = (new Dictionary<Guid, User>(), new Queue<User>(followed));
        while (queue.TryDequeue(out var user))
            if (near.TryAdd(user.Id, user))
                foreach (var other in user.UnixUsers.SelectMany(Identities).SelectMany(snapshot.UsersOf))
                    queue.Enqueue(other);
        return People.From([.. near.Values.Concat(others).DistinctBy(user => user.Id)], accounts.Of);
    }

    // Everything that the kernel could say of a caller whom the entry lets act as its user.
    private IEnumerable<UnixIdentity> Identities(UnixUser entry)
    {
        var text = entry.ToString();
        if ((entry.IsUid ? uint.Parse(text, CultureInfo.InvariantCulture) : accounts.Of(text)) is not { } uid)
            return [new UnixIdentity(uint.MaxValue, text)];
        return accounts.With(uid).Select(account => new UnixIdentity(uid, account))
            .Prepend(new UnixIdentity(uid, entry.IsUid ? null : text));
    }

    /// <summary>Asks the system for the uids of all accounts, within a time limit. Use it for decisions.</summary>
    public static Task<AccountUids> Ask(Authority ca) => ca.Uids.Ask(ca.Database.Read(snapshot => snapshot.UserAccounts()));

    /// <summary>Uses the last uids that the system returned, and waits for nothing. Use it for display only.</summary>
    public static Persons Last(Authority ca, Snapshot snapshot) => new(snapshot, ca.Uids.Last);
}

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
    public People People => Persons.All.And(Request);

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

/// <summary>Converts requests to messages, with what pending ones still lack.</summary>
internal static class ReviewStates
{
    public static RequestResource Show(this Persons persons, AccessRequest request, DateTimeOffset now) =>
        request.Show(
            now, persons.Snapshot.Policy().Roles,
            request.StateAt(now) == RequestState.Pending ? ReviewState.Load(persons, request, now).Tally() : null);
}
