using System.Collections.Immutable;
using CertAuthority.Access;
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
    /// The caller, after what is stored of him is what his groups make of him now; or with the reason why that is not known.
    /// Groups are asked for only where the answer can matter.
    /// </summary>
    public static async Task<Caller> Of(Ca ca, Caller by)
    {
        if (ca.UsersFromGroups.IsEmpty || by.Identity.Account is not { } account)
            return by;
        if (UsersFromGroups.AccountFault(account) is { } fault)
            return by with { NoGroups = fault };
        var stored = ca.Database.Read(snapshot => snapshot.FindUser(account));
        if (stored is { IsFromGroups: false })
            return by;
        var membership = await ca.Groups.Of(account, isUser: stored is not null);
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

    /// <summary>Looks at every stored one again. Whoever is not known about stays as he is: a directory that is down must not revoke everybody.</summary>
    /// <returns>Those who are not known about, with why.</returns>
    public static async Task<List<(string Account, string Fault)>> Review(Ca ca, CancellationToken stopping)
    {
        var unknown = new List<(string, string)>();
        foreach (var stored in ca.Database.Read(snapshot => snapshot.UsersFromGroups()))
        {
            var membership = await ca.Groups.Of(stored.Name, isUser: true, anew: true).WaitAsync(stopping);
            if (membership.Fault is { } fault)
                unknown.Add((stored.Name, fault));
            else
                await Settle(ca, stored, stored.Name, membership.Groups);
        }
        return unknown;
    }

    /// <summary>Brings all stored ones in line with a configuration, by the groups that they were last known to be in: nobody has to be asked for what a group gives no more.</summary>
    public static async Task Reconfigure(Ca ca)
    {
        if (ca.Database.Read(snapshot => snapshot.UsersFromGroups()) is [])
            return;
        var now = ca.Now();
        await Publish(ca, await ca.Database.Commit(transaction =>
        {
            var ended = transaction.UsersFromGroups().Select(stored => Change(ca, transaction, stored.Name, stored.FromGroups, now)).OfType<List<EndedRequest>>().ToList();
            return ended.Count == 0 ? Withdrawn.Nothing : Withdrawals.Review(ca, transaction, Caller.Daemon, now, [.. ended.SelectMany(each => each)]);
        }));
    }

    private static async Task Settle(Ca ca, User? stored, string account, ImmutableArray<string> groups)
    {
        if (ca.UsersFromGroups.Of(account, groups) is { } user ? stored?.HasGroupsOf(user) == true : stored is null)
            return;
        var now = ca.Now();
        await Publish(ca, await ca.Database.Commit(transaction => Change(ca, transaction, account, groups, now) is { } ended
            ? Withdrawals.Review(ca, transaction, Caller.Daemon, now, ended)
            : Withdrawn.Nothing));
    }

    /// <summary>Makes, changes or removes the stored one.</summary>
    /// <returns>The requests that ended with it; null when nothing was to be changed.</returns>
    private static List<EndedRequest>? Change(Ca ca, Transaction transaction, string account, ImmutableArray<string> groups, DateTimeOffset now)
    {
        var stored = transaction.FindUser(account);
        var user = ca.UsersFromGroups.Of(account, groups);
        if (stored is { IsFromGroups: false } || (user is null ? stored is null : stored?.HasGroupsOf(user) == true))
            return null;
        if (user is null)
        {
            var ended = Removals.RemoveUser(transaction, Caller.Daemon, stored!, "the account is in no group any more that makes it a user", now);
            Audit("user.removed", stored!);
            return ended;
        }
        user = user with { Id = stored?.Id ?? Guid.NewGuid(), Revision = (stored?.Revision ?? 0) + 1 };
        transaction.PutUser(user);
        Audit(stored is null ? "user.created" : "user.updated", user);
        return [];

        void Audit(string what, User who) => transaction.Audit(Caller.Daemon.Did(what, now) with
        {
            User = account,
            Resource = $"user/{account}",
            Granted = [.. who.Roles],
            Reason = $"groups: {string.Join(", ", who.FromGroups)}",
        });
    }

    private static async Task Publish(Ca ca, Withdrawn withdrawn)
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
