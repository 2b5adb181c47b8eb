using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Users that come from groups. They are stored because requests and certificates need an ID to refer to, and so that connections can be
/// counted without a query to the system. At each call, in the background and with each configuration, the stored users are brought in line
/// with what the groups make of the accounts. Each such change is a policy change and takes back everything that no longer holds.
/// </summary>
internal static class GroupUsers
{
    /// <summary>
    /// Returns the caller after bringing the stored user in line with their current groups, or with the reason why those are unknown. The
    /// groups are queried only if the answer can matter.
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
    /// Checks some users again before a decision that depends on them. Users with a resource are as the resource defines them.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="names">The names of the users.</param>
    /// <returns>Why one of the users could not be checked; null if all could.</returns>
    public static async Task<string?> LookAgain(Authority ca, IReadOnlyCollection<string> names)
    {
        if (ca.UsersFromGroups.IsEmpty)
            return null;
        var stored = ca.Database.Read(snapshot => names.Select(snapshot.FindUser).OfType<User>().Where(user => user.IsFromGroups).ToList());
        // Queries all users at once: if the system does not answer, each query waits for its timeout.
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
    /// Checks every stored user again. A user whose groups are unknown stays as they are: a directory that is down must not revoke
    /// everybody.
    /// </summary>
    /// <returns>The accounts whose groups are unknown, with the reasons.</returns>
    public static async Task<List<(string Account, string Fault)>> Review(Authority ca, CancellationToken stopping)
    {
        var unknown = new List<(string, string)>();
        // If no group gives anything, there is nobody to query.
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
    /// Brings the stored state in line with a configuration: users from groups, by the groups that they were last known to be in, and
    /// everything that lasts longer than its limits. Nobody is queried, because no query is needed for a group that gives nothing any more.
    /// </summary>
    public static async Task<Withdrawn> Reconfigure(Authority ca)
    {
        var now = ca.Now();
        return await Finish(
            ca,
            await ca.Database.Commit(
                transaction => Reconfigure(ca.Limits, ca.UsersFromGroups, transaction, now, ca.ReviewedAtOnce), takesAway: true));
    }

    /// <summary>
    /// Takes back what another configuration gave and this one does not: users whose groups give them nothing any more, and everything that
    /// lasts longer than its limits. Nothing else can have changed while the daemon was down or reloaded its configuration, so nothing else
    /// is checked.
    /// </summary>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="groups">What the groups give.</param>
    /// <param name="transaction">The transaction.</param>
    /// <param name="now">The current time.</param>
    /// <param name="atOnce">How much this transaction may review; the rest is owed.</param>
    public static Withdrawn Reconfigure(
        SiteLimits limits, UsersFromGroups groups, Transaction transaction, DateTimeOffset now, int atOnce)
    {
        var changes = transaction.UsersFromGroups().Select(stored => Change(groups, transaction, stored.Name, stored.FromGroups, now))
            .OfType<List<EndedRequest>>().ToList();
        Withdrawals.TouchByLimits(limits, transaction, now);
        return changes.Count == 0
            ? Withdrawals.ReviewTouched(limits, transaction, Caller.Daemon, now, [], atOnce)
            : Withdrawals.Review(limits, transaction, Caller.Daemon, now, [.. changes.SelectMany(each => each)], atOnce);
    }

    private static async Task Settle(Authority ca, User? stored, string account, ImmutableArray<string> groups)
    {
        if (ca.UsersFromGroups.Of(account, groups) is { } user ? stored?.HasGroupsOf(user) == true : stored is null)
            return;
        var now = ca.Now();
        await Finish(ca, await ca.Database.Commit(transaction => Change(ca.UsersFromGroups, transaction, account, groups, now) is { } ended
            ? Withdrawals.Review(ca, transaction, Caller.Daemon, now, ended)
            : Withdrawn.Nothing, takesAway: true));
    }

    /// <summary>Creates, changes or removes the stored user.</summary>
    /// <returns>The requests that ended with it; null if nothing had to change.</returns>
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

    private static async Task<Withdrawn> Finish(Authority ca, Withdrawn withdrawn)
    {
        try
        {
            return await OwedWithdrawals.Finish(ca, Caller.Daemon, withdrawn);
        }
        catch (ProblemException)
        {
            // The publisher has logged the reason, and what is left is tried again; it does not concern the caller.
            return withdrawn;
        }
    }
}
