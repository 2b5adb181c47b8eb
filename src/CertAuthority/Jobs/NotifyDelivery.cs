using CertAuthority.Access;
using CertAuthority.Configuration;
using CertAuthority.Notices;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Tells each receiver what the outbox has for it, one event at a time, and again after a growing pause where that failed. An
/// event leaves the outbox when it has been told or is given up, so that each is told at least once, across restarts. Each receiver
/// has a loop of its own: one that is dead delays no other.
/// </summary>
internal static class NotifyDelivery
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Until stopped.</summary>
    /// <param name="ca">What operations work on now.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="log">Where failures are told.</param>
    /// <param name="stopping">Cuts short what is under way too: it is repeated after the next start.</param>
    public static async Task Run(Func<Ca> ca, Func<NotifySettings> settings, ILogger log, CancellationToken stopping)
    {
        var loops = new Dictionary<string, Task>(StringComparer.Ordinal);
        var lost = Lost(ca());
        await Repeat(ca, log, async () =>
        {
            var notify = settings();
            var receivers = Channel.Of(notify).Select(channel => channel.Receiver.Name).ToList();
            if (receivers.Count > 0)
                await Notifications.TellEndings(ca(), notify.BeforeEnd);
            // One that is no receiver any more keeps its loop, which finds nothing to do.
            foreach (var receiver in receivers.Where(name => !loops.ContainsKey(name)))
                loops[receiver] = Repeat(ca, log, async () =>
                {
                    while (settings() is var now && Channel.Of(now).FirstOrDefault(channel => channel.Receiver.Name == receiver) is { } channel
                        && await DeliverOne(ca(), now, channel, log, stopping))
                    {
                        // The next one.
                    }
                }, stopping);
            var given = Lost(ca());
            if (given > lost)
                log.LogWarning("{Count} notifications were given up; tctl status says how many wait, and what went wrong last", given - lost);
            lost = given;
        }, stopping);
        await Task.WhenAll(loops.Values);
    }

    /// <summary>How long to wait after an attempt that failed, from the first on: 1 s, 2 s, 4 s, … an hour.</summary>
    public static TimeSpan Pause(int attempts) => Backoff.After(attempts, LongestPause);

    private static async Task Repeat(Func<Ca> ca, ILogger log, Func<Task> what, CancellationToken stopping)
    {
        try
        {
            using var timer = new PeriodicTimer(Every, ca().Clock);
            while (await timer.WaitForNextTickAsync(stopping))
                try
                {
                    await what();
                }
                catch (ProblemException e)
                {
                    log.LogWarning("notifications wait: {Why}", e.Message);
                    await Task.Delay(TimeSpan.FromSeconds(30), ca().Clock, stopping);
                }
        }
        catch (Exception e) when (e is OperationCanceledException or OutcomeUnknownException)
        {
            // Stopped, or about to be.
        }
    }

    /// <summary>Whether there was one that is due.</summary>
    private static async Task<bool> DeliverOne(Ca ca, NotifySettings notify, Channel channel, ILogger log, CancellationToken stopping)
    {
        var (name, now) = (channel.Receiver.Name, ca.Now());
        if (ca.Database.Read(snapshot => snapshot.NextDue(name, now)) is not { } due)
            return false;
        var retry = now + notify.Timeout + Pause(due.Attempts + 1);
        if (await ca.Database.Commit(transaction => transaction.BeginAttempt(due, retry)) is not { } outgoing)
            return true;
        var told = outgoing.Notification;
        var telling = await channel.Tell(new Attempt(told, outgoing.Recipient, now), stopping);
        if (telling.Said.Length > 0)
            log.LogInformation("{Receiver} said of event {Id}: {Said}", name, told.Id, Printable.Escape(telling.Said));
        if (telling.Fault is { } fault)
            log.LogWarning(
                "event {Id} could not be told to {Receiver} (attempt {Attempt} of {Tries}): {Fault}", told.Id, name, told.Attempt, notify.Tries, Printable.Escape(fault));
        now = ca.Now();
        await ca.Database.Commit(transaction =>
        {
            if (telling.Fault is null)
                transaction.Delivered(outgoing);
            else
                transaction.Failed(
                    outgoing, telling.Said.Length > 0 ? $"{telling.Fault}: {telling.Said}" : telling.Fault, now,
                    outgoing.Attempts < notify.Tries && !telling.IsHopeless ? now + Pause(outgoing.Attempts) : null);
            return true;
        });
        return true;
    }

    private static long Lost(Ca ca) => ca.Database.Read(snapshot => snapshot.ReceiverStatuses()).Sum(receiver => receiver.GivenUp);
}
