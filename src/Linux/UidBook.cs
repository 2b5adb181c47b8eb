using System.Collections.Concurrent;

namespace CertAuthority.Linux;

/// <summary>
/// The uids of many accounts at once, which show that several users are the same person. One thread looks them up one after the other,
/// because a thread for each would cost more than the answers. A directory that hangs blocks that thread, and only callers who need an
/// answer wait.
/// </summary>
/// <param name="clock">Measures the age of an answer.</param>
/// <param name="uidOf">Asks the system for the uid of an account; null for one that does not exist.</param>
public sealed class UidBook(TimeProvider clock, Func<string, uint?> uidOf)
{
    private readonly ConcurrentDictionary<string, (uint? Uid, long Asked)> heard = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private Task asking = Task.CompletedTask;

    /// <summary>The last known uid of each account, however old: for display only, never for decisions.</summary>
    public AccountUids Last => Page(heard.Keys, fault: null);

    /// <summary>Returns the uids of these accounts now. Never throws: the answer contains the reason if one is not known.</summary>
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
            // This lookup belongs to another caller. Its answers are fresh, so the next one does not repeat them; its errors are not ours.
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

/// <summary>The uids of accounts, for use in one operation.</summary>
/// <param name="uids">The answers of the system; null for an account that does not exist.</param>
/// <param name="fault">Why some uids are not known; null if all are.</param>
public sealed class AccountUids(IReadOnlyDictionary<string, uint?> uids, string? fault)
{
    /// <summary>Why some of the uids that were needed are not known; null if all are.</summary>
    public string? Fault { get; private set; } = fault;

    /// <summary>Returns the accounts that have a uid, as far as the system was asked.</summary>
    public IEnumerable<string> With(uint uid) => uids.Where(one => one.Value == uid).Select(one => one.Key);

    /// <summary>Returns the uid of an account; null if the account does not exist, or if the uid is not known.</summary>
    public uint? Of(string account)
    {
        if (uids.TryGetValue(account, out var uid))
            return uid;
        // An account that was added between the lookup and the transaction.
        Fault ??= $"the system was not asked yet which uid the account {account} has";
        return null;
    }
}
