using System.Collections.Immutable;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Requests;

/// <summary>
/// Determines which users, accounts and uids are the same person: all those that links join, directly or through any chain. Users that
/// share an account are one person, and so are accounts that share a user.
/// </summary>
public sealed class People
{
    /// <summary>No aliases are joined.</summary>
    public static readonly People Strangers = new(null, []);

    private readonly People? known;

    // Maps each alias to the one that represents its person; complete, so that one lookup is enough.
    private readonly Dictionary<Alias, Alias> joined = [];
    private readonly HashSet<Alias> seen = [];

    private People(People? known, IEnumerable<IEnumerable<Alias>> links)
    {
        this.known = known;
        foreach (var link in links)
        {
            Alias? first = null;
            foreach (var alias in link)
            {
                seen.Add(alias);
                var root = Root(alias);
                if (first is null)
                    first = root;
                else if (root != first)
                    joined[root] = first.Value;
            }
        }
        foreach (var alias in joined.Keys.ToList())
            joined[alias] = Root(alias);
    }

    /// <summary>Returns the people behind all users, as they are now.</summary>
    /// <param name="users">Every user who exists.</param>
    /// <param name="uidOf">Returns the uid of an account; null for one that does not exist.</param>
    public static People From(IReadOnlyCollection<User> users, Func<string, Uid?> uidOf)
    {
        var accounts = users.SelectMany(user => user.UnixUsers).Where(entry => !entry.IsUid).Select(entry => entry.ToString())
            .Distinct(StringComparer.Ordinal);
        return Strangers.And(
        [
            .. users.Select(user => user.UnixUsers.Select(entry => entry.Alias).Prepend(Alias.User(user.Id))),
            .. accounts.Where(account => uidOf(account) is not null)
                .Select(account => (Alias[])[Alias.Account(account), Alias.Uid(uidOf(account)!.Value)]),
        ]);
    }

    /// <summary>Returns the same people, with more links between them.</summary>
    /// <param name="links">Each link joins all aliases in it.</param>
    public People And(params IEnumerable<IEnumerable<Alias>> links) => new(this, links);

    /// <summary>
    /// Adds the links that were recorded when a request was filed and reviewed: aliases that were one person then still are for this
    /// request.
    /// </summary>
    public People And(AccessRequest request) => And(Links(request));

    /// <summary>Returns every alias that a request recorded: of its requester, and of the author of each review.</summary>
    public static IEnumerable<Alias> Aliases(AccessRequest request) => Links(request).SelectMany(link => link);

    private static IEnumerable<IEnumerable<Alias>> Links(AccessRequest request) =>
    [
        [Alias.User(request.UserId), Alias.Uid(request.CreatorUid),
            .. request.CreatorLoginUid is { } login ? (Alias[])[Alias.Uid(login)] : [], .. request.RequesterUids.Select(Alias.Uid),
            .. request.RequesterUsers.Select(Alias.User)],
        .. request.Reviews.Select(Link),
    ];

    /// <summary>Adds the links of one more review.</summary>
    public People And(Review review) => And([Link(review)]);

    /// <summary>Whether two aliases belong to the same person.</summary>
    public bool AreOne(Alias one, Alias other) => Root(one) == Root(other);

    /// <summary>Returns every uid of a person, sorted.</summary>
    public ImmutableArray<Uid> UidsOf(Alias person)
    {
        var root = Root(person);
        return
        [
            .. All().Where(alias => Root(alias) == root).Select(alias => alias.Number).OfType<Uid>().Distinct().OrderBy(uid => uid.Stored),
        ];
    }

    /// <summary>Returns every user of a person, sorted.</summary>
    public ImmutableArray<Guid> UsersOf(Alias person)
    {
        var root = Root(person);
        return [.. All().Where(alias => Root(alias) == root).Select(alias => alias.Id).OfType<Guid>().Distinct().Order()];
    }

    private static IEnumerable<Alias> Link(Review review) =>
        review.AuthorUids.Select(Alias.Uid).Concat(review.AuthorUsers.Select(Alias.User)).Prepend(Alias.User(review.AuthorId));

    private IEnumerable<Alias> All() => known is null ? seen : known.All().Concat(seen);

    private Alias Root(Alias alias)
    {
        var root = known?.Root(alias) ?? alias;
        while (joined.TryGetValue(root, out var next))
            root = next;
        return root;
    }
}
