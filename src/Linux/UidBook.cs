using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace CertAuthority.Linux;

/// <summary>
/// The uids of many accounts at once, which show that several users are the same person. Whoever decides about a person asks anew about the
/// accounts of that person (<see cref="Ask"/>). That nobody else has one of their uids follows from older answers about all other accounts
/// (<see cref="Know"/>), because a directory cannot be asked about everybody for each decision. For each of the two, one thread looks the
/// accounts up one after the other, because a thread for each account would cost more than the answers. A directory that hangs blocks these
/// threads, and only callers who need an answer wait.
/// </summary>
/// <param name="clock">Measures the age of an answer.</param>
/// <param name="uidOf">
/// Asks the system for the uid of an account, as one number with whatever tells it from an equal uid elsewhere; null for an account that
/// does not exist.
/// </param>
public sealed class UidBook(TimeProvider clock, Func<string, long?> uidOf)
{
    /// <summary>How old the answer about an account may be that the decision is not about: 10 minutes.</summary>
    public TimeSpan Known { get; init; } = TimeSpan.FromMinutes(10);

    private readonly Heard heard = new();
    private readonly Lane near = new();
    private readonly Lane far = new();
    private volatile Round last = new(Version: -1, At: 0);

    /// <summary>The last known uid of each account, however old: for display only, never for decisions.</summary>
    public AccountUids Last => new(heard, since: long.MinValue, fault: null);

    /// <summary>
    /// Returns the uids of these accounts as they were at most <see cref="NameService.Kept"/> ago. Never throws: the answer contains the
    /// reason if one is not known.
    /// </summary>
    public async Task<AccountUids> Ask(IReadOnlyCollection<string> accounts)
    {
        var since = Before(NameService.Kept);
        return new AccountUids(heard, since, await Hear(near, accounts, NameService.Kept));
    }

    /// <summary>
    /// Makes sure that there is an answer about each account, and that none is too old. It costs nothing if that is so since the last time,
    /// and the list is the same. Never throws.
    /// </summary>
    /// <param name="version">Another number whenever the list has changed.</param>
    /// <param name="list">Returns all accounts.</param>
    /// <param name="age">The age at which an answer is too old.</param>
    /// <returns>Why the uid of an account is not known; null if all are.</returns>
    public async Task<string?> Know(long version, Func<IReadOnlyCollection<string>> list, TimeSpan age)
    {
        if (last is var (listed, at) && listed == version && at > Before(age))
            return null;
        var accounts = list();
        var fault = await Hear(far, accounts, age);
        if (fault is null)
            last = new Round(version, heard.Oldest(accounts) ?? clock.GetTimestamp());
        return fault;
    }

    private async Task<string?> Hear(Lane lane, IReadOnlyCollection<string> accounts, TimeSpan age)
    {
        try
        {
            if (accounts.Any(account => !heard.Has(account, Before(age))))
                await Hear().WaitAsync(NameService.Within);
            return null;
        }
        catch (NameServiceException e)
        {
            return e.Message;
        }
        catch (TimeoutException)
        {
            return $"the system does not say which uids the accounts of users have: no answer within {NameService.Within.TotalSeconds} s";
        }

        async Task Hear()
        {
            while (!lane.TryRun(() => HearEach(accounts, age), out var running))
                // This lookup belongs to another caller. Its answers are fresh, so the next one does not repeat them; its errors are not
                // ours.
                await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await lane.Running;
        }
    }

    private void HearEach(IReadOnlyCollection<string> accounts, TimeSpan age)
    {
        NameServiceException? unknown = null;
        foreach (var account in accounts)
            try
            {
                if (!heard.Has(account, Before(age)))
                    heard.Write(account, uidOf(account), clock.GetTimestamp());
            }
            catch (NameServiceException e)
            {
                unknown ??= e;
            }
        if (unknown is not null)
            throw unknown;
    }

    private long Before(TimeSpan age) => clock.GetTimestamp() - (long)(age.TotalSeconds * clock.TimestampFrequency);

    /// <summary>A list of accounts that are all known, and when the oldest of these answers was given.</summary>
    private sealed record Round(long Version, long At);

    /// <summary>One thread, and what it does.</summary>
    private sealed class Lane
    {
        private readonly Lock gate = new();

        public Task Running { get; private set; } = Task.CompletedTask;

        /// <summary>Starts the thread; returns false, and what it does already, if it works.</summary>
        public bool TryRun(Action work, out Task running)
        {
            lock (gate)
            {
                var isFree = Running.IsCompleted;
                if (isFree)
                    Running = Task.Factory.StartNew(
                        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                running = Running;
                return isFree;
            }
        }
    }
}

/// <summary>Every answer of the system, by account and by uid.</summary>
internal sealed class Heard
{
    private readonly ConcurrentDictionary<string, (long? Uid, long At)> uids = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<long, ImmutableHashSet<string>> accounts = [];
    private readonly Lock gate = new();

    public bool Has(string account, long since) => TryGet(account, since, out _);

    public bool TryGet(string account, long since, out long? uid)
    {
        var isKnown = uids.TryGetValue(account, out var answer) && answer.At > since;
        uid = isKnown ? answer.Uid : null;
        return isKnown;
    }

    /// <summary>Returns when the oldest answer about these accounts was given; null if there are none.</summary>
    public long? Oldest(IEnumerable<string> some) => some.Select(account => (long?)uids[account].At).Min();

    public IEnumerable<string> With(long uid) => accounts.GetValueOrDefault(uid, []);

    public void Write(string account, long? uid, long at)
    {
        lock (gate)
        {
            if (uids.TryGetValue(account, out var before) && before.Uid is { } old && old != uid)
                accounts.AddOrUpdate(old, [], (_, others) => others.Remove(account));
            if (uid is { } now)
                accounts.AddOrUpdate(now, [account], (_, others) => others.Add(account));
            uids[account] = (uid, at);
        }
    }
}

/// <summary>The uids of accounts, for use in one operation.</summary>
public sealed class AccountUids
{
    private readonly Heard heard;
    private readonly long since;

    internal AccountUids(Heard heard, long since, string? fault) => (this.heard, this.since, Fault) = (heard, since, fault);

    /// <summary>Why some of the uids that were needed are not known; null if all are.</summary>
    public string? Fault { get; private set; }

    /// <summary>Returns the same uids, with the reason why others are not known.</summary>
    public AccountUids With(string fault) => new(heard, since, Fault ?? fault);

    /// <summary>Returns the accounts that have a uid, by the latest answers, however old.</summary>
    public IEnumerable<string> With(long uid) => heard.With(uid);

    /// <summary>Returns the uid of an account; null if the account does not exist, or if the uid is not known.</summary>
    public long? Of(string account)
    {
        if (heard.TryGet(account, since, out var uid))
            return uid;
        // An account that was added between the lookup and the transaction.
        Fault ??= $"the system was not asked yet which uid the account {account} has";
        return null;
    }
}
