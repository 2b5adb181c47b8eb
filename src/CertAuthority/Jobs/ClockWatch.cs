using CertAuthority.Operations;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks at the clock every few seconds: says in the log and the audit when it is not where it should be, and when it is again; and records the time every minute while it is.
/// Whoever would be granted something meanwhile is refused without it: <see cref="Clocks.NowToGrant"/>.
/// </summary>
/// <param name="ca">What operations work on now.</param>
/// <param name="log">Where steps are logged.</param>
internal sealed class ClockWatch(Func<Ca> ca, ILogger log) : Periodic(TimeSpan.FromSeconds(5), ca().Clock)
{
    private static readonly TimeSpan RecordedEvery = TimeSpan.FromMinutes(1);

    private ClockStep? told;
    private int acceptances;
    private long? recorded;

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) => log.LogWarning("what time it is could not be recorded: {Why}", Protocol.Printable.Escape(error.Message));

    protected override async Task Once(CancellationToken stopping)
    {
        var clock = ca().Clock;
        // Once it was accepted, whatever is found is another step; the record of the first one is the acceptance.
        if (clock.Acceptances != acceptances)
            (told, acceptances) = (null, clock.Acceptances);
        if (clock.Step is { } step)
        {
            if (told is null || (step.By - told.By).Duration() > SteadyClock.Tolerated)
            {
                log.LogCritical("{Step}: nothing is granted until it is right again, or root says that it is: tctl clock accept", Clocks.Words(step));
                await Clocks.Note(ca(), step, isOver: false);
                told = step;
            }
            return;
        }
        if (told is { } over)
        {
            log.LogWarning("the clock is where it should be again");
            await Clocks.Note(ca(), over, isOver: true);
            told = null;
        }
        if (recorded is { } last && clock.GetElapsedTime(last) < RecordedEvery)
            return;
        await Clocks.Remember(ca());
        recorded = clock.GetTimestamp();
    }
}
