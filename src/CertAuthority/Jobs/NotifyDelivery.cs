using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Tells the notify command what is in the outbox, one event at a time, and again after a growing pause where that failed. An
/// event leaves the outbox when it has been told or is given up, so that each is told at least once, across restarts.
/// </summary>
internal static class NotifyDelivery
{
    /// <summary>The name of the command among the receivers.</summary>
    public const string Command = "command";

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Until stopped.</summary>
    /// <param name="ca">What operations work on now.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="log">Where failures are told.</param>
    /// <param name="stopping">Kills a run under way too: it is repeated after the next start.</param>
    public static async Task Run(Func<Ca> ca, Func<NotifySettings> settings, ILogger log, CancellationToken stopping)
    {
        try
        {
            var lost = Lost(ca());
            using var timer = new PeriodicTimer(Every, ca().Clock);
            while (await timer.WaitForNextTickAsync(stopping))
                try
                {
                    while (settings() is { Command.IsEmpty: false } notify && await DeliverOne(ca(), notify, log, stopping))
                    {
                        // The next one.
                    }
                    if (Lost(ca()) is var now && now > lost)
                        log.LogWarning("{Count} notifications were given up; tctl status says how many wait, and what went wrong last", now - lost);
                    lost = now;
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

    /// <summary>How long to wait after an attempt that failed, from the first on: 1 s, 2 s, 4 s, … an hour.</summary>
    public static TimeSpan Pause(int attempts) => attempts > 12 ? LongestPause : TimeSpan.FromSeconds(Math.Min(1 << (attempts - 1), LongestPause.TotalSeconds));

    /// <summary>Whether there was one that is due.</summary>
    private static async Task<bool> DeliverOne(Ca ca, NotifySettings notify, ILogger log, CancellationToken stopping)
    {
        await Notifications.TellEndings(ca, notify.BeforeEnd);
        var now = ca.Now();
        if (ca.Database.Read(snapshot => snapshot.NextDue(Command, now)) is not { } due)
            return false;
        var retry = now + notify.Timeout + Pause(due.Attempts + 1);
        if (await ca.Database.Commit(transaction => transaction.BeginAttempt(due, retry)) is not { } outgoing)
            return true;
        var told = JsonNode.Parse(outgoing.Event)!.AsObject();
        told["attempt"] = outgoing.Attempts;
        var run = await ForeignProgram.Run(notify.Command, JsonSerializer.SerializeToUtf8Bytes(told, ProtocolJson.Strict.Of<JsonObject>()), notify.Timeout, stopping);
        if (run.Said.Length > 0)
            log.LogInformation("the notify command said of event {Id}: {Said}", told["id"], Printable.Escape(run.Said));
        if (run.Fault is { } fault)
            log.LogWarning("event {Id} could not be told (attempt {Attempt} of {Tries}): {Fault}", told["id"], outgoing.Attempts, notify.Tries, Printable.Escape(fault));
        now = ca.Now();
        await ca.Database.Commit(transaction =>
        {
            if (run.Fault is null)
                transaction.Delivered(outgoing);
            else
                transaction.Failed(
                    outgoing, run.Said.Length > 0 ? $"{run.Fault}: {run.Said}" : run.Fault, now, outgoing.Attempts < notify.Tries ? now + Pause(outgoing.Attempts) : null);
            return true;
        });
        return true;
    }

    private static long Lost(Ca ca) => ca.Database.Read(snapshot => snapshot.Receivers()).Sum(receiver => receiver.GivenUp);
}
