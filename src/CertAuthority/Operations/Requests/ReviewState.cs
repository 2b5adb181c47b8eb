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
        var near = Follow(followed);
        return People.From([.. near.Values.Concat(others).DistinctBy(user => user.Id)], accounts.Of);
    }

    /// <summary>
    /// Returns the people behind everybody whom some requests recorded, and behind a caller. Among these it gives the same answers as
    /// <see cref="All"/>, because it follows every link that one of them has, and it reads nobody else.
    /// </summary>
    /// <param name="requests">The requests, with their reviews.</param>
    /// <param name="by">The caller; null if the question is not about them.</param>
    /// <param name="user">The user that the caller acts as; null if there is none.</param>
    public People Around(IReadOnlyCollection<AccessRequest> requests, Caller? by = null, User? user = null)
    {
        var users = requests.SelectMany(
            request => request.RequesterUsers.Concat(request.Reviews.SelectMany(review => review.AuthorUsers.Append(review.AuthorId)))
                .Append(request.UserId));
        var uids = requests.SelectMany(
            request => request.RequesterUids.Concat(request.Reviews.SelectMany(review => review.AuthorUids)).Append(request.CreatorUid)
                .Concat(request.CreatorLoginUid is { } login ? [login] : []));
        var callers = ((UnixIdentity?[])[by?.Identity, by?.Login]).OfType<UnixIdentity>();
        var near = Follow(
            users.Distinct().Select(id => snapshot.FindUser(id)).Append(user).OfType<User>()
                .Concat(uids.Distinct().SelectMany(Identities).Concat(callers).SelectMany(snapshot.UsersOf)));
        return People.From(near.Values, accounts.Of);
    }

    // The users that share accounts with some users, directly or through others, and these themselves.
    private Dictionary<Guid, User> Follow(IEnumerable<User> followed)
    {
        var (near, queue) = (new Dictionary<Guid, User>(), new Queue<User>(followed));
        while (queue.TryDequeue(out var user))
            if (near.TryAdd(user.Id, user))
                foreach (var other in user.UnixUsers.SelectMany(Identities).SelectMany(snapshot.UsersOf))
                    queue.Enqueue(other);
        return near;
    }

    // Everything that the kernel could say of a caller whom the entry lets act as its user.
    private IEnumerable<UnixIdentity> Identities(UnixUser entry)
    {
        var text = entry.ToString();
        if ((entry.IsUid ? uint.Parse(text, CultureInfo.InvariantCulture) : accounts.Of(text)) is not { } uid)
            return [new UnixIdentity(uint.MaxValue, text)];
        return entry.IsUid ? Identities(uid) : Identities(uid).Prepend(new UnixIdentity(uid, text));
    }

    private IEnumerable<UnixIdentity> Identities(uint uid) =>
        accounts.With(uid).Select(account => new UnixIdentity(uid, account)).Prepend(new UnixIdentity(uid, null));

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
    /// <param name="persons">Tells which users are the same person.</param>
    /// <param name="request">The request, with its reviews.</param>
    /// <param name="now">The instant at which the roles are evaluated.</param>
    /// <param name="near">The people among whom the answer is sought; null for everybody.</param>
    public static ReviewState Load(Persons persons, AccessRequest request, DateTimeOffset now, People? near = null)
    {
        var roles = persons.Snapshot.Policy().Roles;
        return new ReviewState(persons, request, persons.Snapshot.FindUser(request.UserId), [.. request.Reviews.Select(review => new Vote(
            review,
            persons.Snapshot.FindUser(review.AuthorId) is { } author ? Voter.From(author, roles, now) : null))])
        { Near = near };
    }

    /// <summary>The people among whom the answer is sought; null for everybody.</summary>
    private People? Near { get; init; }

    /// <summary>Tells which users are the same person, including what the request and its reviews recorded.</summary>
    public People People => (Near ?? Persons.All).And(Request);

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

    /// <summary>Converts the requests of a list. It reads no more users than the votes on pending ones concern.</summary>
    public static RequestResource[] ShowAll(this Persons persons, IReadOnlyCollection<AccessRequest> requests, DateTimeOffset now)
    {
        var pending = requests.Where(request => request.StateAt(now) == RequestState.Pending && !request.Reviews.IsEmpty).ToList();
        var near = pending is [] ? People.Strangers : persons.Around(pending);
        return [
            .. requests.Select(request => request.Show(
                now, persons.Snapshot.Policy().Roles,
                request.StateAt(now) == RequestState.Pending ? ReviewState.Load(persons, request, now, near).Tally() : null))];
    }
}
