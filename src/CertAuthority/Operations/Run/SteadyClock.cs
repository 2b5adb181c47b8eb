using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>The clock shows another time than it should.</summary>
/// <param name="Expected">What it should show, by the time that has gone by.</param>
/// <param name="Shown">What it shows.</param>
internal sealed record ClockStep(DateTimeOffset Expected, DateTimeOffset Shown)
{
    /// <summary>By how much it is off; below zero when it is slow.</summary>
    public TimeSpan By => Shown - Expected;
}

/// <summary>
/// The time of day, checked against a clock that nobody sets. When it is found more than five minutes from where it should be, nobody knows
/// what time it is: then it gives the
/// earlier of the two, so that what may be alive counts as alive and nothing is forgotten too early, and <see cref="Step"/> says so, so
/// that nothing is granted by it.
/// </summary>
internal sealed class SteadyClock : TimeProvider
{
    /// <summary>
    /// How far the clock may be off. Certificates are valid from a minute before their issue, and hosts differ by as much.
    /// </summary>
    public static readonly TimeSpan Tolerated = TimeSpan.FromMinutes(5);

    // Small corrections are followed, but only so fast: many of them must not add up to a step that nobody sees.
    private static readonly double FollowedPerTime = Tolerated / TimeSpan.FromDays(1);

    private static readonly DateTimeOffset Earliest = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TimeProvider system;
    private readonly string boot;
    private readonly Lock reading = new();

    // Where the time of day should be, and when that was true.
    private DateTimeOffset expected;
    private long at;

    /// <param name="system">The time of day, and timestamps since the machine was booted.</param>
    /// <param name="boot">Which boot it is.</param>
    /// <param name="before">What the last daemon left; null at the first start.</param>
    public SteadyClock(TimeProvider system, string boot, ClockRecord? before)
    {
        (this.system, this.boot) = (system, boot);
        (var now, at) = (system.GetUtcNow(), system.GetTimestamp());
        expected = before switch
        {
            // The same boot: whatever happened between two daemons is known.
            { } record when record.Boot == boot && SinceBoot >= record.SinceBoot => record.Time + (SinceBoot - record.SinceBoot),
            // Another one: time has gone by, and nobody knows how much. It never goes back.
            { } record when now < record.Time => record.Time,
            _ => now,
        };
    }

    /// <summary>How the clock is off; null while it is where it should be.</summary>
    public ClockStep? Step => Look().Step;

    /// <summary>What the next daemon is to know.</summary>
    public ClockRecord Record
    {
        get
        {
            lock (reading)
                return new ClockRecord(boot, SinceBoot, expected + system.GetElapsedTime(at));
        }
    }

    public override long TimestampFrequency => system.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => Look().Now;

    public override long GetTimestamp() => system.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        system.CreateTimer(callback, state, dueTime, period);

    /// <summary>Whether the time of day can be right at all: a clock without a battery begins in 1970.</summary>
    public bool IsPossible => system.GetUtcNow() is var now && now >= Earliest && now < Latest;

    /// <summary>
    /// How often <see cref="Accept"/> was called: a clock that was accepted has not come back to where it should have been.
    /// </summary>
    public int Acceptances { get; private set; }

    /// <summary>From now on the time of day is right.</summary>
    public void Accept()
    {
        lock (reading)
        {
            (expected, at) = (system.GetUtcNow(), system.GetTimestamp());
            Acceptances++;
        }
    }

    private TimeSpan SinceBoot => TimeSpan.FromSeconds(system.GetTimestamp() / (double)system.TimestampFrequency);

    private (DateTimeOffset Now, ClockStep? Step) Look()
    {
        lock (reading)
        {
            var (now, timestamp) = (system.GetUtcNow(), system.GetTimestamp());
            var passed = system.GetElapsedTime(at, timestamp);
            (expected, at) = (expected + passed, timestamp);
            var off = now - expected;
            if (off.Duration() > Tolerated)
                return (now < expected ? now : expected, new ClockStep(expected, now));
            var followed = passed * FollowedPerTime;
            expected += off < -followed ? -followed : off > followed ? followed : off;
            return (now, null);
        }
    }
}
