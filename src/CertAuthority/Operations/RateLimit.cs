namespace CertAuthority.Operations;

/// <summary>
/// Limits how often each key does something within a minute. It is kept in memory, so the daemon forgets it when it restarts.
/// </summary>
/// <param name="clock">Measures the minute.</param>
internal sealed class RateLimit<TKey>(TimeProvider clock) where TKey : notnull
{
    // Beyond so many, those whose minute is over are let go.
    private const int Many = 1000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Dictionary<TKey, Queue<long>> times = [];

    /// <summary>Counts one more, unless the key has had its share of the last minute already.</summary>
    /// <param name="key">Who does it.</param>
    /// <param name="most">How many are allowed within a minute.</param>
    /// <param name="wait">How long until there is room again, in whole seconds; zero when it was counted.</param>
    /// <returns>Whether it was counted.</returns>
    public bool TryTake(TKey key, int most, out TimeSpan wait)
    {
        lock (times)
        {
            var now = clock.GetTimestamp();
            if (times.Count > Many)
                foreach (var (other, done) in times.ToList())
                    if (done.All(IsOver))
                        times.Remove(other);
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
            // The bound may have been lowered since: the one whose end makes room for the next.
            wait = TimeSpan.FromSeconds(Math.Ceiling((Minute - clock.GetElapsedTime(mine.ElementAt(mine.Count - most), now)).TotalSeconds));
            return false;

            bool IsOver(long time) => clock.GetElapsedTime(time, now) >= Minute;
        }
    }
}
