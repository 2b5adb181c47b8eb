using CertAuthority.Operations;

namespace CertAuthority.Jobs;

/// <summary>
/// Checks the clock every few seconds. It writes to the log and the audit when the clock is wrong and when it is right again, and records
/// the correct time every minute. Operations that would grant something refuse without this job: <see cref="Clocks.NowToGrant"/>.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each step of the clock.</param>
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
        // After an acceptance, any difference is another step; the acceptance is the record of how the first one ended.
        if (clock.Acceptances != acceptances)
            (told, acceptances) = (null, clock.Acceptances);
        if (clock.Step is { } step)
        {
            // Another step further back would make expired certificates look alive.
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
        // Also while the clock is wrong: the recorded time is the correct one, and it is also for a daemon that starts in this boot after
        // one that began with a wrong clock.
        if (recorded is { } before && clock.GetElapsedTime(before) < RecordedEvery)
            return;
        await Clocks.Remember(ca.Now);
        recorded = clock.GetTimestamp();
    }
}
