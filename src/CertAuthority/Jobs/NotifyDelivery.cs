using CertAuthority.Access.Values;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Notices;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Delivers the events queued for each receiver, one at a time, and retries failures after a growing pause. An event leaves the outbox when
/// it is delivered or given up, so each event is delivered at least once, even across restarts. Each receiver has a loop of its own: a dead
/// receiver delays no other.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The settings; they name the receivers.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class NotifyDelivery(CurrentAuthority ca, CurrentSettings settings, ILogger log) : Loop
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public override TimeSpan? Interval => Every;

    /// <summary>Returns the pause after a failed attempt: 1 s, 2 s, 4 s, … up to an hour.</summary>
    public static TimeSpan Pause(int attempts) => Backoff.After(attempts, LongestPause);

    /// <summary>Stopping also interrupts an attempt in progress: it is repeated after the next start.</summary>
    protected override async Task Run(CancellationToken stopping)
    {
        var loops = new Dictionary<string, Task>(StringComparer.Ordinal);
        long? lost = null;
        await Repeat(async () =>
        {
            // A loop that failed ends this loop too, so that the failure is reported.
            foreach (var ended in loops.Values.Where(loop => loop.IsCompleted))
                await ended;
            var notify = settings.Now.Settings.Notify;
            var receivers = Channels.From(notify).Select(channel => channel.Receiver.Name).ToList();
            if (receivers.Count > 0)
                await Notifications.TellEndings(ca.Now, notify.BeforeEnd);
            // A receiver that was removed keeps its loop, which finds nothing to do.
            foreach (var receiver in receivers.Where(name => !loops.ContainsKey(name)))
                loops[receiver] = Repeat(async () =>
                {
                    while (settings.Now.Settings.Notify is var now
                        && Channels.From(now).FirstOrDefault(channel => channel.Receiver.Name == receiver) is { } channel
                        && await DeliverOne(ca.Now, now, channel, stopping))
                    {
                        // Continue with the next one.
                    }
                }, stopping);
            var given = Lost(ca.Now);
            if (given > lost)
                log.LogWarning(
                    "{Count} notifications were given up; tctl status says how many wait, and what went wrong last", given - lost);
            lost = given;
            Turned();
        }, stopping);
    }

    private async Task Repeat(Func<Task> what, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Every, ca.Clock);
        while (await timer.WaitForNextTickAsync(stopping))
            try
            {
                await what();
            }
            catch (Exception e) when (Periodic.IsPassing(e))
            {
                log.LogWarning("notifications wait: {Why}", Printable.Escape(e.Message));
                await Task.Delay(TimeSpan.FromSeconds(30), ca.Clock, stopping);
            }
    }

    /// <summary>Delivers the next event that is due; returns whether there was one.</summary>
    private async Task<bool> DeliverOne(Authority ca, NotifySettings notify, Channel channel, CancellationToken stopping)
    {
        var (name, now) = (channel.Receiver.Name, ca.Now());
        if (ca.Database.Read(snapshot => snapshot.NextDue(name, now)) is not { } due)
            return false;
        var retry = now + notify.Timeout + Pause(due.Attempts + 1);
        if (await ca.Database.Commit(transaction => transaction.BeginAttempt(due, retry), takesAway: true) is not { } outgoing)
            return true;
        var (told, request) = (outgoing.Notification, outgoing.Notification.Request?.Metadata);
        var shown = request is null ? null : ca.Database.Read(snapshot => snapshot.FindChatMessage(name, request.Name));
        // A chat that shows a later state of the request already is not set back.
        var telling = shown?.Revision > request?.Revision
            ? new DeliveryResult()
            : await Tell(channel, new Attempt(told, outgoing.Recipient, now, shown), stopping);
        if (telling.Said.Length > 0)
            log.LogInformation("{Receiver} said of event {Id}: {Said}", name, told.Id, Printable.Escape(telling.Said));
        if (telling.Fault is { } fault)
            log.LogWarning(
                "event {Id} could not be told to {Receiver} (attempt {Attempt} of {Tries}): {Fault}", told.Id, name, told.Attempt,
                notify.Tries, Printable.Escape(fault));
        now = ca.Now();
        await ca.Database.Commit(transaction =>
        {
            if (telling.Shown is { } message)
                transaction.PutChatMessage(name, request!.Name, message, now);
            if (telling.Fault is null)
                transaction.Delivered(outgoing);
            else
                transaction.Failed(
                    outgoing, telling.Said.Length > 0 ? $"{telling.Fault}: {telling.Said}" : telling.Fault, now,
                    outgoing.Attempts < notify.Tries && !telling.IsHopeless ? now + Pause(outgoing.Attempts) : null);
            return true;
        }, takesAway: true);
        return true;
    }

    /// <summary>Sends an event once. Whatever a remote server or program does wrong, only this attempt fails.</summary>
    private async Task<DeliveryResult> Tell(Channel channel, Attempt attempt, CancellationToken stopping)
    {
        try
        {
            return await channel.Tell(attempt, stopping);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            log.LogError(e, "sending to {Receiver} failed in a way that it should not", channel.Receiver.Name);
            return new DeliveryResult($"{e.GetType().Name}: {e.Message}");
        }
    }

    private static long Lost(Authority ca) => ca.Database.Read(snapshot => snapshot.ReceiverStatuses()).Sum(receiver => receiver.GivenUp);
}
