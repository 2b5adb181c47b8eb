using CertAuthority.Operations;

namespace CertAuthority.Jobs;

/// <summary>
/// Looks at the clock every few seconds: says in the log and the audit when it is not where it should be, and when it is again; and records
/// every minute what time it should be.
/// Whoever would be granted something meanwhile is refused without it: <see cref="Clocks.NowToGrant"/>.
/// </summary>
/// <param name="ca">What operations work on.</param>
/// <param name="log">Where steps are logged.</param>
internal sealed class ClockWatch(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromSeconds(5), ca.Clock)
{
    private static readonly TimeSpan RecordedEvery = TimeSpan.FromMinutes(1);

    private ClockStep? told;
    private int acceptances;
    private long? recorded;

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("what time it is could not be recorded: {Why}", Protocol.Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        var clock = ca.Now.Clock;
        // Once it was accepted, whatever is found is another step; the record of the first one is the acceptance.
        if (clock.Acceptances != acceptances)
            (told, acceptances) = (null, clock.Acceptances);
        if (clock.Step is { } step)
        {
            // Set once more, further back, it would let what has expired look alive.
            if (told is not { } last || (step.By - last.By).Duration() >= TimeSpan.FromSeconds(1))
            {
                log.LogCritical(
                    "{Step}: nothing is granted until it is right again, or root says that it is: tctl clock accept", Clocks.Words(step));
                await Clocks.Note(ca.Now, step, isOver: false);
                told = step;
            }
        }
        else if (told is { } over)
        {
            log.LogWarning("the clock is where it should be again");
            await Clocks.Note(ca.Now, over, isOver: true);
            told = null;
        }
        // While it is off too: what is recorded is the time that it should be, also for a daemon that starts in this boot after one that
        // began with a wrong clock.
        if (recorded is { } before && clock.GetElapsedTime(before) < RecordedEvery)
            return;
        await Clocks.Remember(ca.Now);
        recorded = clock.GetTimestamp();
    }
}
