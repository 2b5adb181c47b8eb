using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Audits the start, the reloads and the stop of the daemon, because a change of the configuration changes who may do what. These entries
/// are also written on a full disk.
/// </summary>
internal static class Runs
{
    private static readonly string Version = typeof(Runs).Assembly.GetName().Version!.ToString(3);

    /// <summary>
    /// Records that the daemon begins to serve, how its settings differ from those of the previous run, and whether that run stopped in
    /// order.
    /// </summary>
    public static Task Start(Authority ca, AuditAdministrators admins, JsonObject settings)
    {
        var now = ca.Now();
        return ca.Database.Commit(transaction =>
        {
            var last = transaction.LastServed();
            transaction.Audit(Entry(AuditEvents.DaemonStarted, admins, last?.Settings, settings, now) with
            {
                Reason = last is { Stopped: null, Started: var since }
                    ? $"the run before, started {Instants.Show(since)}, left no record of its stop: it was killed, the machine went down, or nothing could be written"
                    : null,
            });
            transaction.RecordServing(now, settings.ToJsonString());
            return true;
        }, takesAway: true);
    }

    /// <summary>Records that the configuration was reloaded and is in force, and what it changed.</summary>
    public static Task Reload(Authority ca, AuditAdministrators admins, JsonObject settings)
    {
        var now = ca.Now();
        return ca.Database.Commit(transaction =>
        {
            transaction.Audit(Entry(AuditEvents.DaemonReloaded, admins, transaction.LastServed()?.Settings, settings, now));
            transaction.RecordSettings(settings.ToJsonString());
            return true;
        }, takesAway: true);
    }

    /// <summary>Records that the daemon stops in order. Refusals that were only counted so far are recorded first.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="why">The reason for the stop; null for a signal.</param>
    public static Task Stop(Authority ca, string? why)
    {
        var now = ca.Now();
        var leftOut = ca.Refusals.Take(all: true);
        return ca.Database.Commit(transaction =>
        {
            Refusals.RecordLeftOut(transaction, leftOut, now);
            transaction.Audit(Caller.Daemon.Did(AuditEvents.DaemonStopped, now) with { Version = Version, Reason = why });
            transaction.RecordStop(now);
            return true;
        }, takesAway: true);
    }

    private static AuditEntry Entry(AuditEvent what, AuditAdministrators admins, string? before, JsonObject settings, DateTimeOffset now) =>
        (Caller.Daemon.Did(what, now) with { Version = Version, Admins = admins }).Changing(
            before is null ? null : JsonNode.Parse(before) as JsonObject, settings);
}
