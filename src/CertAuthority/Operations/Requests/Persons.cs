using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Linux;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Finds out which users are the same person, at one instant. It follows the accounts and uids that users share, and reads nobody who
/// shares nothing with the people in question: the cost does not depend on how many users there are.
/// </summary>
/// <param name="snapshot">The database; it holds the users.</param>
/// <param name="accounts">The uids of the users' accounts.</param>
internal sealed class Persons(Snapshot snapshot, AccountUids accounts)
{
    private readonly HashSet<Alias> followed = [];
    private readonly List<Alias[]> links = [];
    private People people = People.Strangers;

    public Snapshot Snapshot => snapshot;

    /// <summary>Returns the people behind a request and some aliases, including the links that the request recorded.</summary>
    public People Behind(AccessRequest request, IEnumerable<Alias> others) =>
        Behind([.. People.Aliases(request), .. others]).And(request);

    /// <summary>
    /// Returns the people behind some aliases, with everybody whom a chain of shared accounts, uids and users joins to one of them. Whether
    /// anybody is one person with one of these aliases is the same as among the people behind all users.
    /// </summary>
    public People Behind(IEnumerable<Alias> aliases)
    {
        var (queue, known) = (new Queue<Alias>(aliases), links.Count);
        while (queue.TryDequeue(out var alias))
        {
            if (!followed.Add(alias))
                continue;
            Alias[] next = [.. Next(alias)];
            links.Add([alias, .. next]);
            foreach (var one in next)
                queue.Enqueue(one);
        }
        return links.Count == known ? people : people = People.Strangers.And(links);
    }

    /// <summary>
    /// Asks the system for the uids that a decision about some people needs, within a time limit. The decision itself may find that others
    /// are needed; then they count as unknown.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="whose">Returns the aliases of the people whom the decision is about.</param>
    public static async Task<AccountUids> Ask(Authority ca, Func<Snapshot, IEnumerable<Alias>> whose)
    {
        var others = await KnowAll(ca, ca.Uids.Known);
        while (true)
        {
            var last = ca.Uids.Last;
            var accounts = ca.Database.Read(snapshot =>
            {
                var persons = new Persons(snapshot, last);
                persons.Behind(whose(snapshot));
                return persons.followed.Select(alias => alias.Name).OfType<string>().ToList();
            });
            var before = accounts.ConvertAll(last.Of);
            var uids = await ca.Uids.Ask(accounts);
            if (others is not null)
                return uids.With(others);
            // Another answer can lead to further accounts.
            if (uids.Fault is not null || accounts.ConvertAll(uids.Of).SequenceEqual(before))
                return uids;
        }
    }

    /// <summary>Makes sure that the uids of all accounts are known, and not older than an age.</summary>
    /// <returns>Why one is not known; null if all are.</returns>
    public static Task<string?> KnowAll(Authority ca, TimeSpan age) =>
        ca.Uids.Know(
            ca.Database.Read(snapshot => snapshot.AccountsVersion()), () => ca.Database.Read(snapshot => snapshot.UserAccounts()), age);

    /// <summary>Uses the last uids that the system returned, and waits for nothing. Use it for display only.</summary>
    public static Persons Last(Authority ca, Snapshot snapshot) => new(snapshot, ca.Uids.Last);

    private IEnumerable<Alias> Next(Alias alias)
    {
        if (alias.Id is { } user)
            return snapshot.AccountsOf(user).Select(entry => entry.Alias);
        var users = snapshot.UsersWith(alias).Select(Alias.User);
        return alias switch
        {
            { Number: { } uid } => [
                .. users, .. accounts.With(uid.Stored).Select(Alias.Account).Where(account => snapshot.UsersWith(account) is not [])],
            // An account that no user has joins nobody, and the system is not asked about it.
            { Name: { } name } when users.Any() && accounts.Of(name) is { } uid => users.Append(Alias.Uid(Uid.FromStored(uid))),
            _ => users,
        };
    }
}
