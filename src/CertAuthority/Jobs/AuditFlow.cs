using CertAuthority.Access.Values;
using CertAuthority.Configuration;
using CertAuthority.Flow;
using CertAuthority.Hosting;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Sends the audit to each sink that the configuration names, from the position that is recorded for it. Each sink has a loop of its own,
/// which a commit wakes and which then reads a piece of the audit: no change waits for a sink, and a dead sink delays no other.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The settings; they name the sinks.</param>
/// <param name="log">Gets a line when a sink takes nothing, and when it does again.</param>
internal sealed class AuditFlow(CurrentAuthority ca, CurrentSettings settings, ILogger log) : Loop
{
    // How long a woken loop waits for more entries, so that the cost does not grow with the number of commits.
    private static readonly TimeSpan Gathers = TimeSpan.FromMilliseconds(50);

    // How often a position is recorded at most, how often a file is looked at that gets nothing, and changed settings are noticed.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task Run(CancellationToken stopping)
    {
        while (true)
        {
            var taken = settings.Now;
            using var changed = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            List<Task> flows =
            [
                .. AuditSinks.From(taken.Settings, ca.Now.Database, ca.Clock)
                    .Select(sink => Task.Run(() => Follow(sink, changed.Token), CancellationToken.None)),
            ];
            while (settings.Now == taken && !stopping.IsCancellationRequested && flows.TrueForAll(flow => !flow.IsCompleted))
                await Task.Delay(Tick, ca.Clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await changed.CancelAsync();
            // A flow that failed ends this loop too, so that the failure is reported.
            await Task.WhenAll(flows);
            stopping.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Sends entries to a sink until it is cancelled.</summary>
    private async Task Follow(AuditSink sink, CancellationToken ending)
    {
        var database = ca.Now.Database;
        SinkMark? mark = null, recorded = null;
        var (failures, at) = (0, ca.Clock.GetTimestamp());
        while (!ending.IsCancellationRequested)
        {
            var commit = database.AuditWatch.NextCommit;
            try
            {
                // A reload names a sink a moment before it is recorded.
                mark ??= recorded = database.Read(snapshot => snapshot.AuditSinks()).GetValueOrDefault(sink.Name);
                var sent = 0;
                if (mark is not null)
                {
                    mark = Within(database, sink.Begin(mark));
                    if (mark.File != recorded!.File)
                        await Record();
                    var entries = database.Read(snapshot => snapshot.StoredAudit(mark.Position, sink.Most));
                    if (entries.Count > 0)
                    {
                        sent = await sink.Send(entries, ending);
                        mark = mark with { Position = entries[sent - 1].Seq };
                    }
                    if (failures > 0)
                        log.LogInformation("{Sink} takes the audit again", sink.Name);
                    failures = 0;
                    ca.Now.AuditProgress.Reached(sink.Name, mark.Position);
                    if (mark != recorded && ca.Clock.GetElapsedTime(at) >= Tick)
                        await Record();
                }
                if (sent == sink.Most)
                    continue;
                await commit.WaitAsync(Tick, ca.Clock, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await Pause(Gathers);
            }
            catch (Exception e) when (Periodic.IsPassing(e))
            {
                // The sink or the disk fails: the entries stay in the database until they arrive.
                sink.Abandon();
                failures++;
                if (ca.Now.AuditProgress.Failed(sink.Name, mark?.Position ?? 0, e.Message, ca.Now.Now()))
                    log.LogWarning(
                        "the audit does not reach {Sink}, and waits for it: {Why}", sink.Name, Printable.Escape(e.Message));
                await Pause(Backoff.After(failures, sink.LongestPause));
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                // What was under way is repeated.
            }
        }
        await End();

        async Task Record()
        {
            sink.Flush();
            var reached = mark!;
            await database.Commit(transaction =>
            {
                transaction.RecordAuditSink(sink.Name, reached);
                return true;
            }, takesAway: true);
            (recorded, at) = (reached, ca.Clock.GetTimestamp());
        }

        async Task End()
        {
            try
            {
                if (mark is not null && mark != recorded)
                    await Record();
            }
            catch (Exception e) when (Periodic.IsPassing(e))
            {
                // The next run sends a little twice; it stops nothing.
                log.LogWarning("how far {Sink} has the audit could not be recorded: {Why}", sink.Name, Printable.Escape(e.Message));
            }
            sink.Abandon();
        }

        async Task Pause(TimeSpan time) =>
            await Task.Delay(time, ca.Clock, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Returns a position that the audit has. If it lost entries without a trace, the sink goes on with what comes now.</summary>
    private SinkMark Within(Database database, SinkMark mark)
    {
        var last = database.Read(snapshot => snapshot.LastAudit());
        if (mark.Position <= last)
            return mark;
        log.LogError("a sink has the audit up to entry {Position}, and it ends with entry {Last}", mark.Position, last);
        return mark with { Position = last };
    }
}
