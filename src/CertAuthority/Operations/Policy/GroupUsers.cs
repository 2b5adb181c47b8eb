using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Users that come from groups. They are stored, for requests and certificates need an id to refer to, and so that connections are
/// counted without asking anybody; and at each call, in the background, and with each configuration what is stored is brought in
/// line with what the groups make of the account. Each such change is a change of policy, with all that it takes back.
/// </summary>
internal static class GroupUsers
{
    /// <summary>
    /// The caller, after what is stored of them is what their groups make of them now; or with the reason why that is not known.
    /// Groups are asked for only where the answer can matter.
    /// </summary>
    public static async Task<Caller> Refresh(Authority ca, Caller by)
    {
        if (ca.UsersFromGroups.IsEmpty || by.Identity.Account is not { } account)
            return by;
        if (UsersFromGroups.AccountFault(account) is { } fault)
            return by with { NoGroups = fault };
        var stored = ca.Database.Read(snapshot => snapshot.FindUser(account));
        if (stored is { IsFromGroups: false })
            return by;
        var membership = await ca.Groups.Of(account, ca.UsersFromGroups.Groups, isUser: stored is not null);
        if (membership.Fault is not null)
            return by with
            {
                NoGroups = new Refusal(
                    $"the system does not say which groups {account} is in, so nothing is granted by them now",
                    "try again in a moment; an administrator runs id on the daemon's host to see what is wrong",
                    RefusalKind.Unavailable),
            };
        await Settle(ca, stored, account, membership.Groups);
        return by;
    }

    /// <summary>
    /// Looks at some users again, before something is decided that rests on what they are. Those with a resource are what it says.
    /// </summary>
    /// <param name="ca">What is worked on.</param>
    /// <param name="names">The names of users.</param>
    /// <returns>Why it is not known what one of them is; null when it is known of all.</returns>
    public static async Task<string?> LookAgain(Authority ca, IReadOnlyCollection<string> names)
    {
        if (ca.UsersFromGroups.IsEmpty)
            return null;
        var stored = ca.Database.Read(snapshot => names.Select(snapshot.FindUser).OfType<User>().Where(user => user.IsFromGroups).ToList());
        // All at once: where the system does not answer, each takes its time.
        var asked = stored.ConvertAll(user => ca.Groups.Of(user.Name, ca.UsersFromGroups.Groups, isUser: true, anew: true));
        string? unknown = null;
        foreach (var (user, answer) in stored.Zip(asked))
            if ((await answer).Fault is { } fault)
                unknown ??= $"the groups of {user.Name} are not known: {fault}";
            else
                await Settle(ca, user, user.Name, (await answer).Groups);
        return unknown;
    }

    /// <summary>
    /// Looks at every stored one again. Whoever is not known about stays as they are: a directory that is down must not revoke everybody.
    /// </summary>
    /// <returns>Those who are not known about, with why.</returns>
    public static async Task<List<(string Account, string Fault)>> Review(Authority ca, CancellationToken stopping)
    {
        var unknown = new List<(string, string)>();
        // Without a group that gives something, nobody has to be asked.
        foreach (var stored in ca.UsersFromGroups.IsEmpty ? [] : ca.Database.Read(snapshot => snapshot.UsersFromGroups()))
        {
            var membership = await ca.Groups.Of(stored.Name, ca.UsersFromGroups.Groups, isUser: true, anew: true).WaitAsync(stopping);
            if (membership.Fault is { } fault)
                unknown.Add((stored.Name, fault));
            else
                await Settle(ca, stored, stored.Name, membership.Groups);
        }
        return unknown;
    }

    /// <summary>
    /// Brings what is stored in line with a configuration: users from groups by the groups that they were last known to be in, since nobody
    /// has to
    /// be asked for what a group gives no more, and whatever lasts longer than its limits.
    /// </summary>
    public static async Task<Withdrawn> Reconfigure(Authority ca)
    {
        var now = ca.Now();
        var withdrawn = await ca.Database.Commit(
            transaction => Reconfigure(ca.Limits, ca.UsersFromGroups, transaction, now), takesAway: true);
        await Publish(ca, withdrawn);
        return withdrawn;
    }

    /// <summary>
    /// What a configuration takes back that another one gave: users whose groups give them nothing any more, and whatever is longer than
    /// its
    /// limits. Nothing else can have changed while the daemon was down or read its configuration again, so nothing else is looked at.
    /// </summary>
    public static Withdrawn Reconfigure(SiteLimits limits, UsersFromGroups groups, Transaction transaction, DateTimeOffset now)
    {
        var changes = transaction.UsersFromGroups().Select(stored => Change(groups, transaction, stored.Name, stored.FromGroups, now))
            .OfType<List<EndedRequest>>().ToList();
        if (changes.Count > 0 || transaction.HasCertificatesLongerThan(limits.Certificate, now))
            return Withdrawals.Review(limits, transaction, Caller.Daemon, now, [.. changes.SelectMany(each => each)]);
        return Withdrawals.ReviewLimits(limits, transaction, now);
    }

    private static async Task Settle(Authority ca, User? stored, string account, ImmutableArray<string> groups)
    {
        if (ca.UsersFromGroups.Of(account, groups) is { } user ? stored?.HasGroupsOf(user) == true : stored is null)
            return;
        var now = ca.Now();
        await Publish(ca, await ca.Database.Commit(transaction => Change(ca.UsersFromGroups, transaction, account, groups, now) is { } ended
            ? Withdrawals.Review(ca, transaction, Caller.Daemon, now, ended)
            : Withdrawn.Nothing, takesAway: true));
    }

    /// <summary>Makes, changes or removes the stored one.</summary>
    /// <returns>The requests that ended with it; null when nothing was to be changed.</returns>
    internal static List<EndedRequest>? Change(
        UsersFromGroups from, Transaction transaction, string account, ImmutableArray<string> groups, DateTimeOffset now)
    {
        var stored = transaction.FindUser(account);
        var user = from.Of(account, groups);
        if (stored is { IsFromGroups: false } || (user is null ? stored is null : stored?.HasGroupsOf(user) == true))
            return null;
        if (user is null)
        {
            var ended = RequestChanges.EndAllOf(
                transaction, Caller.Daemon, stored!.Id, "the account is in no group any more that makes it a user", now);
            UserRow.Table.Remove(transaction, stored);
            Audit(stored, null);
            return ended;
        }
        user = user with { Id = stored?.Id ?? Guid.NewGuid(), Revision = (stored?.Revision ?? 0) + 1 };
        UserRow.Table.Put(transaction, user);
        Audit(stored, user);
        return [];

        void Audit(User? before, User? after) => transaction.Audit(ResourceChanges.Entry(Caller.Daemon, before, after, now) with
        {
            Granted = [.. (after ?? before)!.Roles],
            Reason = $"groups: {string.Join(", ", (after ?? before)!.FromGroups)}",
        });
    }

    private static async Task Publish(Authority ca, Withdrawn withdrawn)
    {
        try
        {
            await Withdrawals.Publish(ca, withdrawn);
        }
        catch (ProblemException)
        {
            // The publisher has logged why, and tries again by itself; who called has nothing to do with it.
        }
    }
}
