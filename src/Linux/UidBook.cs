using System.Collections.Concurrent;

namespace CertAuthority.Linux;

/// <summary>
/// The uids of many accounts at once, by which several users are recognised as one person. One thread asks for them one after the other,
/// since a
/// thread for each would cost more than the answers. A directory that hangs occupies that thread, and only callers who need an answer wait.
/// </summary>
/// <param name="clock">Says how old an answer is.</param>
/// <param name="uidOf">Asks the system for the uid of an account; null for one that does not exist.</param>
public sealed class UidBook(TimeProvider clock, Func<string, uint?> uidOf)
{
    private readonly ConcurrentDictionary<string, (uint? Uid, long Asked)> heard = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private Task asking = Task.CompletedTask;

    /// <summary>What was last heard of each account, however long ago: for what is shown, and decides nothing.</summary>
    public AccountUids Last => Page(heard.Keys, fault: null);

    /// <summary>The uids of these accounts now. Never fails: why one is not known is in the answer.</summary>
    public async Task<AccountUids> Ask(IReadOnlyCollection<string> accounts)
    {
        try
        {
            if (accounts.Any(IsOld))
                await Hear(accounts).WaitAsync(NameService.Within);
            return Page(accounts, fault: null);
        }
        catch (Exception e) when (e is NameServiceException or TimeoutException)
        {
            return Page(
                accounts,
                e is NameServiceException
                    ? e.Message
                    : $"the system does not say which uids the accounts of users have: no answer within {NameService.Within.TotalSeconds} s");
        }
    }

    private async Task Hear(IReadOnlyCollection<string> accounts)
    {
        while (true)
        {
            Task one;
            bool isOurs;
            lock (gate)
            {
                isOurs = asking.IsCompleted;
                if (isOurs)
                    asking = Task.Factory.StartNew(
                        () => HearEach(accounts), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                one = asking;
            }
            if (isOurs)
            {
                await one;
                return;
            }
            // What it hears need not be heard again.
            await one.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void HearEach(IReadOnlyCollection<string> accounts)
    {
        NameServiceException? unknown = null;
        foreach (var account in accounts.Where(IsOld))
            try
            {
                heard[account] = (uidOf(account), clock.GetTimestamp());
            }
            catch (NameServiceException e)
            {
                unknown ??= e;
            }
        if (unknown is not null)
            throw unknown;
    }

    private bool IsOld(string account) => !heard.TryGetValue(account, out var last) || clock.GetElapsedTime(last.Asked) >= NameService.Kept;

    private AccountUids Page(IEnumerable<string> accounts, string? fault) =>
        new(
            accounts.Where(heard.ContainsKey).ToDictionary(account => account, account => heard[account].Uid, StringComparer.Ordinal),
            fault);
}

/// <summary>The uids of accounts, as one operation works with them.</summary>
/// <param name="uids">What the system said; null for an account that does not exist.</param>
/// <param name="fault">Why some are not known; null when all are.</param>
public sealed class AccountUids(IReadOnlyDictionary<string, uint?> uids, string? fault)
{
    /// <summary>Why some that were needed are not known; null when all are.</summary>
    public string? Fault { get; private set; } = fault;

    /// <summary>The uid of an account; null for one that does not exist, or that is not known.</summary>
    public uint? Of(string account)
    {
        if (uids.TryGetValue(account, out var uid))
            return uid;
        // One that came between the question and the transaction.
        Fault ??= $"the system was not asked yet which uid the account {account} has";
        return null;
    }
}
