namespace CertAuthority.Operations;

/// <summary>One account among those whose refusals are counted.</summary>
/// <param name="Account">The same number for all uids of an account.</param>
/// <param name="OwnsUser">
/// Whether it owns a user. Accounts that own none are counted apart, so that they take nothing from those that do.
/// </param>
internal readonly record struct Refused(ulong Account, bool OwnsUser);

/// <summary>Refusals that are not recorded one by one.</summary>
/// <param name="Who">Whose; null for those of all accounts that came when too many others had been refused already.</param>
/// <param name="By">Who called last; null where <paramref name="Who"/> is.</param>
/// <param name="Count">How many.</param>
/// <param name="Since">When the first of them came.</param>
internal sealed record LeftOut(Refused? Who, Caller? By, long Count, DateTimeOffset Since);

/// <summary>
/// How many refusals of each account are recorded within a minute, and how many are left out. Everybody has an allowance of their own, so
/// nobody can hide
/// what somebody else was refused; and there are only so many allowances, so that memory and disk are bounded whoever comes.
/// </summary>
/// <param name="clock">Says when a minute is over.</param>
internal sealed class RefusalLimit(TimeProvider clock)
{
    /// <summary>So many refusals of one account are recorded within a minute, each with what it was.</summary>
    public const int Recorded = 10;

    /// <summary>So many accounts that own no user have an allowance at one time. The rest are counted together.</summary>
    public const int MostStrangers = 300;

    /// <summary>So many accounts that own a user.</summary>
    public const int MostOwners = 3000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock all = new();
    private readonly Dictionary<Refused, Window> windows = [];
    private readonly Dictionary<bool, int> inUse = [];
    private LeftOut? beyond;
    private long beyondSince;
    private long pruned = clock.GetTimestamp();

    /// <summary>How many accounts are remembered.</summary>
    public int Remembered
    {
        get
        {
            lock (all)
                return windows.Count;
        }
    }

    /// <summary>Whether this refusal is recorded. One that is not is counted.</summary>
    /// <param name="who">Whose it is.</param>
    /// <param name="by">The caller.</param>
    /// <param name="now">The time of day, for the record.</param>
    public bool TryTake(Refused who, Caller by, DateTimeOffset now)
    {
        lock (all)
        {
            var at = clock.GetTimestamp();
            if (!windows.TryGetValue(who, out var window))
            {
                if (!HasRoom(who.OwnsUser, at))
                {
                    beyondSince = beyond is null ? at : beyondSince;
                    beyond = new LeftOut(null, null, (beyond?.Count ?? 0) + 1, beyond?.Since ?? now);
                    return false;
                }
                windows[who] = window = new Window { Begun = at };
                inUse[who.OwnsUser] = inUse.GetValueOrDefault(who.OwnsUser) + 1;
            }
            else if (IsOver(window.Begun, at))
                (window.Begun, window.Recorded) = (at, 0);
            if (window.Recorded < RefusalLimit.Recorded)
            {
                window.Recorded++;
                return true;
            }
            if (window.LeftOut == 0)
                (window.LeftOutSince, window.Since) = (at, now);
            window.LeftOut++;
            window.By = by;
            return false;
        }
    }

    /// <summary>
    /// Those that were left out and whose minute is over. They are not given twice; where they could not be recorded, <see cref="PutBack"/>
    /// says so.
    /// </summary>
    /// <param name="all">Also those whose minute is not over.</param>
    public IReadOnlyList<LeftOut> Take(bool all = false)
    {
        lock (this.all)
        {
            var at = clock.GetTimestamp();
            var taken = new List<LeftOut>();
            foreach (var (who, window) in windows)
                if (window.LeftOut > 0 && (all || IsOver(window.LeftOutSince, at)))
                {
                    taken.Add(new LeftOut(who, window.By, window.LeftOut, window.Since));
                    window.LeftOut = 0;
                }
            if (beyond is not null && (all || IsOver(beyondSince, at)))
            {
                taken.Add(beyond);
                beyond = null;
            }
            Prune(at);
            return taken;
        }
    }

    /// <summary>Counts again what <see cref="Take"/> gave and could not be recorded.</summary>
    public void PutBack(IEnumerable<LeftOut> taken)
    {
        lock (all)
        {
            var at = clock.GetTimestamp();
            foreach (var one in taken)
                if (one.Who is { } who && windows.TryGetValue(who, out var window))
                {
                    (window.LeftOut, window.By, window.Since) = (window.LeftOut + one.Count, window.By ?? one.By, one.Since);
                    // Due at once.
                    window.LeftOutSince = at - (long)(Minute.TotalSeconds * clock.TimestampFrequency);
                }
                else
                    (beyond, beyondSince) = (new LeftOut(null, null, (beyond?.Count ?? 0) + one.Count, one.Since), at);
        }
    }

    private bool HasRoom(bool ownsUser, long at)
    {
        var most = ownsUser ? MostOwners : MostStrangers;
        // Looking through all of them each time would be what a flood costs.
        if (inUse.GetValueOrDefault(ownsUser) >= most && clock.GetElapsedTime(pruned, at) >= TimeSpan.FromSeconds(1))
            Prune(at);
        return inUse.GetValueOrDefault(ownsUser) < most;
    }

    private void Prune(long at)
    {
        pruned = at;
        foreach (var (who, window) in windows)
            if (window.LeftOut == 0 && IsOver(window.Begun, at))
            {
                windows.Remove(who);
                inUse[who.OwnsUser]--;
            }
    }

    private bool IsOver(long since, long at) => clock.GetElapsedTime(since, at) >= Minute;

    private sealed class Window
    {
        public long Begun;
        public int Recorded;
        public long LeftOut;
        public long LeftOutSince;
        public DateTimeOffset Since;
        public Caller? By;
    }
}
