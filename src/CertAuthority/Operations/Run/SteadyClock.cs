using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A clock that shows the wrong time.</summary>
/// <param name="Expected">The time that the clock should show, by the time that has passed.</param>
/// <param name="Shown">The time that the clock shows.</param>
internal sealed record ClockStep(DateTimeOffset Expected, DateTimeOffset Shown)
{
    /// <summary>How far the clock is off; negative if it is slow.</summary>
    public TimeSpan By => Shown - Expected;
}

/// <summary>
/// The time of day, checked against a clock that nobody can set. If the two differ by more than five minutes, the time is unknown: the
/// clock then returns the earlier of the two, so that everything that may be alive counts as alive and nothing is forgotten too early, and
/// <see cref="Step"/> reports the difference, so that nothing is granted at that time.
/// </summary>
internal sealed class SteadyClock : TimeProvider
{
    /// <summary>
    /// How far the clock may be off. Certificates are valid from a minute before their issue, and hosts' clocks differ by that much too.
    /// </summary>
    public static readonly TimeSpan Tolerated = TimeSpan.FromMinutes(5);

    // Follows small corrections at a limited rate only: many of them must not add up to a large step that goes unnoticed.
    private static readonly double FollowedPerTime = Tolerated / TimeSpan.FromDays(1);

    private static readonly DateTimeOffset Earliest = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TimeProvider system;
    private readonly string boot;
    private readonly Lock reading = new();

    // The correct time of day, and when it was correct.
    private DateTimeOffset expected;
    private long at;

    /// <param name="system">The time of day, and timestamps since the machine booted.</param>
    /// <param name="boot">The ID of the boot.</param>
    /// <param name="before">The record of the previous run; null at the first start.</param>
    public SteadyClock(TimeProvider system, string boot, ClockRecord? before)
    {
        (this.system, this.boot) = (system, boot);
        (var now, at) = (system.GetUtcNow(), system.GetTimestamp());
        expected = before switch
        {
            // The same boot: the time between the two runs is known exactly.
            { } record when record.Boot == boot && SinceBoot >= record.SinceBoot => record.Time + (SinceBoot - record.SinceBoot),
            // Another boot: an unknown time has passed. The clock never goes back.
            { } record when now < record.Time => record.Time,
            _ => now,
        };
    }

    /// <summary>How the clock is off; null while it is right.</summary>
    public ClockStep? Step => Look().Step;

    /// <summary>The record for the next run of the daemon.</summary>
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

    /// <summary>Whether the time of day is plausible: a clock without a battery begins in 1970.</summary>
    public bool IsPossible => system.GetUtcNow() is var now && now >= Earliest && now < Latest;

    /// <summary>How often <see cref="Accept"/> was called. It tells an accepted clock from one that returned to the correct time.</summary>
    public int Acceptances { get; private set; }

    /// <summary>Accepts the time of day as correct from now on.</summary>
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
