namespace CertAuthority.Operations;

/// <summary>
/// Limits how often each key does something within a minute. It is kept in memory, so the daemon forgets it when it restarts.
/// </summary>
/// <param name="clock">Measures the minute.</param>
internal sealed class RateLimit<TKey>(TimeProvider clock) where TKey : notnull
{
    // Above this number of keys, those whose minute is over are forgotten, now and then: to look at all of them at each use would cost the
    // more, the more keys there are.
    private const int Many = 1000;

    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Dictionary<TKey, Queue<long>> times = [];
    private long swept = clock.GetTimestamp();

    /// <summary>How many keys were looked at in order to forget those whose minute is over.</summary>
    public long Examined { get; private set; }

    /// <summary>The number of keys that are remembered.</summary>
    public int Remembered => times.Count;

    /// <summary>Counts one more use, unless the key has used up its share of the last minute.</summary>
    /// <param name="key">The key that is counted.</param>
    /// <param name="most">The number of uses that are allowed within a minute.</param>
    /// <param name="wait">The time until there is room again, in whole seconds; zero if the use was counted.</param>
    /// <returns>Whether it was counted.</returns>
    public bool TryTake(TKey key, int most, out TimeSpan wait)
    {
        lock (times)
        {
            var now = clock.GetTimestamp();
            if (times.Count > Many && clock.GetElapsedTime(swept, now) >= BetweenSweeps)
            {
                swept = now;
                Examined += times.Count;
                foreach (var (other, done) in times)
                    if (done.All(IsOver))
                        times.Remove(other);
            }
            if (!times.TryGetValue(key, out var mine))
                times[key] = mine = [];
            while (mine.TryPeek(out var oldest) && IsOver(oldest))
                mine.Dequeue();
            if (mine.Count < most)
            {
                mine.Enqueue(now);
                wait = TimeSpan.Zero;
                return true;
            }
            // The limit may have been lowered since: find the use whose end makes room for the next one.
            wait = TimeSpan.FromSeconds(Math.Ceiling((Minute - clock.GetElapsedTime(mine.ElementAt(mine.Count - most), now)).TotalSeconds));
            return false;

            bool IsOver(long time) => clock.GetElapsedTime(time, now) >= Minute;
        }
    }
}
