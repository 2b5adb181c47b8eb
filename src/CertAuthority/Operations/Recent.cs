namespace CertAuthority.Operations;

/// <summary>How often each has done something within the last minute. In memory: a minute after a start all are known again.</summary>
internal sealed class Recent<TKey>(TimeProvider clock) where TKey : notnull
{
    // Beyond so many, those whose minute is over are let go.
    private const int Many = 1000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Dictionary<TKey, Queue<long>> times = [];

    /// <summary>Counts one more, unless there were <paramref name="most"/> already: then how long to wait, in whole seconds, and it is not counted.</summary>
    public TimeSpan? Wait(TKey who, int most)
    {
        lock (times)
        {
            var now = clock.GetTimestamp();
            if (times.Count > Many)
                foreach (var (other, done) in times.ToList())
                    if (done.All(IsOver))
                        times.Remove(other);
            if (!times.TryGetValue(who, out var mine))
                times[who] = mine = [];
            while (mine.TryPeek(out var oldest) && IsOver(oldest))
                mine.Dequeue();
            if (mine.Count < most)
            {
                mine.Enqueue(now);
                return null;
            }
            // The bound may have been lowered since: the one whose end makes room for the next.
            return TimeSpan.FromSeconds(Math.Ceiling((Minute - clock.GetElapsedTime(mine.ElementAt(mine.Count - most), now)).TotalSeconds));

            bool IsOver(long time) => clock.GetElapsedTime(time, now) >= Minute;
        }
    }
}
