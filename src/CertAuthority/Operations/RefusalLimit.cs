namespace CertAuthority.Operations;

/// <summary>An account whose refusals are counted.</summary>
/// <param name="Account">The account's number; it is the same for all uids of an account.</param>
/// <param name="OwnsUser">
/// Whether the account owns a user. Accounts that own none are counted separately, so that they take nothing from those that do.
/// </param>
internal readonly record struct Refused(ulong Account, bool OwnsUser);

/// <summary>Refusals that were counted instead of recorded one by one.</summary>
/// <param name="Who">
/// The account; null for the refusals of all accounts that came when too many other accounts had been refused already.
/// </param>
/// <param name="By">The last caller; null if <paramref name="Who"/> is null.</param>
/// <param name="Count">The number of refusals.</param>
/// <param name="Since">The time of the first of them.</param>
internal sealed record LeftOut(Refused? Who, Caller? By, long Count, DateTimeOffset Since);

/// <summary>
/// Limits how many refusals of each account are recorded within a minute, and counts those left out. Every account has its own allowance,
/// so nobody can hide what somebody else was refused; the number of allowances is limited too, so memory and disk stay bounded whoever
/// calls.
/// </summary>
/// <param name="clock">Measures the minute.</param>
internal sealed class RefusalLimit(TimeProvider clock)
{
    /// <summary>How many refusals of one account are recorded in full within a minute.</summary>
    public const int Recorded = 10;

    /// <summary>How many accounts that own no user can have an allowance at one time. The remaining ones are counted together.</summary>
    public const int MostStrangers = 300;

    /// <summary>How many accounts that own a user can have an allowance at one time.</summary>
    public const int MostOwners = 3000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock all = new();
    private readonly Dictionary<Refused, Window> windows = [];
    private readonly Dictionary<bool, int> inUse = [];
    private LeftOut? beyond;
    private long beyondSince;
    private long pruned = clock.GetTimestamp();

    /// <summary>The number of accounts that are remembered.</summary>
    public int Remembered
    {
        get
        {
            lock (all)
                return windows.Count;
        }
    }

    /// <summary>Returns whether to record this refusal, and counts it otherwise.</summary>
    /// <param name="who">The refused account.</param>
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
    /// Takes the counts whose minute is over. Each is returned once; if it cannot be recorded, give it back to <see cref="PutBack"/>.
    /// </summary>
    /// <param name="all">Whether to include counts whose minute is not over.</param>
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

    /// <summary>Counts again what <see cref="Take"/> returned and could not be recorded.</summary>
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
        // Searching all of them each time would let a flood cost too much.
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
