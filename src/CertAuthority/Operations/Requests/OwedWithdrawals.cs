using System.Collections.Concurrent;
using System.Collections.Immutable;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Finishes withdrawals that are too large for the transaction of their change. Readers find the users from whom something must be taken
/// back, beside all other work; the writer then reviews these users again, a few in each transaction, so that no login waits for long.
/// </summary>
internal static class OwedWithdrawals
{
    // A reader keeps one moment of the database for that many users, and the writer has one transaction for that many.
    private const int ReadTogether = 200;
    private const int WrittenTogether = 8;

    private static readonly ParallelOptions HalfOfTheProcessors = new() { MaxDegreeOfParallelism = (Environment.ProcessorCount + 1) / 2 };

    /// <summary>
    /// Runs after the commit of a change: finishes what is owed, wakes callers that wait for a request that ended or was shortened, and
    /// returns when the revocation list is published.
    /// </summary>
    /// <returns>Everything that was taken back.</returns>
    /// <exception cref="ProblemException">
    /// Unavailable: not everything could be taken back, and the daemon tries again; or the list could not be published.
    /// </exception>
    public static async Task<Withdrawn> Finish(Authority ca, Caller by, Withdrawn withdrawn)
    {
        var areGroups = withdrawn.AreGroupsOfHosts;
        if (withdrawn.Owed is { } owed)
            try
            {
                // While something was owed, no list took the groups of hosts with it.
                areGroups |= !ca.Database.Read(snapshot => snapshot.Policy().DeclaredGroups.IsEmpty);
                withdrawn = await Complete(ca, by, owed, withdrawn);
            }
            catch (ProblemException e)
            {
                throw new ProblemException(new Problem(
                    ProblemCode.Unavailable,
                    $"the change was made, but not everything that it takes away is revoked yet: {e.Problem.Detail}",
                    "the daemon tries again by itself until everything is revoked"));
            }
        foreach (var request in withdrawn.Ended.Concat(withdrawn.Shortened.Select(request => request.Id)))
            ca.Watch.Changed(request);
        if (withdrawn.Revoked.Length > 0)
            await ca.Krl.Publish();
        else if (areGroups)
            ca.Krl.Refresh();
        return withdrawn;
    }

    /// <summary>Finishes what a daemon that stopped, or a full disk, has left over, by a review of everybody.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="always">Whether to review everybody even if nothing is left over.</param>
    /// <returns>What was taken back.</returns>
    public static async Task<Withdrawn> FinishLeftOver(Authority ca, bool always)
    {
        var rows = ca.Database.Read(snapshot => snapshot.OwedWithdrawals()).Where(id => !ca.WithdrawalsAtWork.Has(id)).ToImmutableArray();
        return rows.IsEmpty && !always
            ? Withdrawn.Nothing
            : await Finish(ca, Caller.Daemon, Withdrawn.Nothing with { Owed = new OwedWithdrawal(rows, null) });
    }

    private static async Task<Withdrawn> Complete(Authority ca, Caller by, OwedWithdrawal owed, Withdrawn withdrawn)
    {
        ca.WithdrawalsAtWork.Begin(owed);
        try
        {
            var users = owed.Users ?? ca.Database.Read(snapshot => snapshot.UsersWithAccess(ca.Now()));
            var taken = new ConcurrentBag<Withdrawn>();
            await Parallel.ForEachAsync(users.Chunk(ReadTogether), HalfOfTheProcessors, async (some, _) =>
            {
                var exceeding = ca.Database.Read(snapshot =>
                {
                    var losses = new Losses(ca.Limits, snapshot, snapshot.Policy(), ca.Now());
                    return some.Where(id => !losses.Of(id, snapshot.FindUser(id)).IsNothing).ToList();
                });
                foreach (var few in exceeding.Chunk(WrittenTogether))
                    taken.Add(await ca.Database.Commit(
                        transaction => Withdrawals.Review(ca.Limits, transaction, by, ca.Now(), few), takesAway: true));
            });
            withdrawn = withdrawn.And(taken);
            if (!owed.Rows.IsEmpty)
                await ca.Database.Commit(transaction => owed.Rows.Count(transaction.SettleWithdrawal), takesAway: true);
            return withdrawn with { Owed = null };
        }
        finally
        {
            ca.WithdrawalsAtWork.End(owed);
        }
    }
}
