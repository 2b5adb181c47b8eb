using CertAuthority.Hosting;
using CertAuthority.Metrics;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Returns the metrics. Times are instants, not ages, so that a file that nobody writes any more does not look fresh. No label has a value
/// that a caller chose: names of people and hosts do not belong into a monitoring system, and each new value costs memory there for weeks.
/// </summary>
internal static class Scrapes
{
    /// <summary>Returns the metrics as OpenMetrics.</summary>
    public static Task<Stream> Read(Authority ca, Administrator by, GetMetrics ask) => Write(ca, new MetricsText(isOpenMetrics: true));

    /// <summary>Returns the metrics in the text format of Prometheus.</summary>
    public static Task<Stream> ReadForPrometheus(Authority ca, Administrator by, GetMetrics ask) =>
        Write(ca, new MetricsText(isOpenMetrics: false));

    // What it costs depends on what is pending, live and configured, and not on the history.
    private static Task<Stream> Write(Authority ca, MetricsText text)
    {
        Process(text, ca);
        Counts(text);
        ca.Database.Read(snapshot =>
        {
            Stored(text, ca, snapshot);
            return true;
        });
        State(text, ca);
        if (ca.Database.Daemons() is { } shared)
            Shared(text, ca, shared.Daemons, shared.Replication);
        return Task.FromResult<Stream>(new MemoryStream(text.End()));
    }

    // With our own prefix: node_exporter has the usual names of a process, and refuses a textfile that repeats them.
    private static void Process(MetricsText text, Authority ca)
    {
        text.Info("certauthority_build", "The version of the daemon.", "version", Certificates.Version)
            .Time("certauthority_start", "When the daemon started.", ca.Started)
            .Counter("certauthority_cpu_seconds", "Processor time that the daemon used.", Environment.CpuUsage.TotalTime.TotalSeconds)
            .Gauge("certauthority_resident_memory_bytes", "Memory that the daemon uses.", Environment.WorkingSet);
    }

    private static void Counts(MetricsText text) =>
        text.Counter(Instruments.Issued).Counter(Instruments.LoginsRefused).Counter(Instruments.CallsRefused)
            .Counter(Instruments.Commits).Histogram(Instruments.CommitSeconds).Histogram(Instruments.CommitChanges)
            .Counter(Instruments.Lists).Histogram(Instruments.ListSeconds);

    private static void Stored(MetricsText text, Authority ca, Snapshot snapshot)
    {
        var now = ca.Now();
        var (hosts, receivers) = (Nodes.Status(ca, snapshot, now), snapshot.ReceiverStatuses());
        text.Gauge("certauthority_requests_pending", "Requests that wait for an answer.", snapshot.CountPending(now))
            .Time(
                "certauthority_requests_oldest_pending", "When the oldest request was filed that waits for an answer.",
                snapshot.OldestPending(now))
            .Gauge("certauthority_certificates_live", "Certificates that sshd would accept.", snapshot.CountLive(now))
            .Gauge("certauthority_certificates_revoked", "Certificates on the revocation list.", snapshot.CountRevoked(now))
            .Gauge("certauthority_hosts_written", "Hosts that the daemon writes to.", hosts?.Written ?? 0)
            .Gauge("certauthority_hosts_up_to_date", "Hosts with the current revocation list.", hosts?.UpToDate ?? 0)
            .Gauge("certauthority_hosts_stale", "Hosts without a new revocation list for too long.", hosts?.Stale.Length ?? 0)
            .Gauge("certauthority_hosts_contested", "Hosts with another daemon's revocation list.", hosts?.Contested.Length ?? 0)
            .Gauge("certauthority_notifications_waiting", "Notifications that wait for delivery.", receivers.Sum(one => one.Waiting))
            .Counter("certauthority_notifications_given_up", "Notifications that were given up.", receivers.Sum(one => one.GivenUp))
            .Time("certauthority_backup", "When the last backup was taken.", snapshot.LastBackup());
    }

    // Only with a database server, which several daemons can share.
    private static void Shared(MetricsText text, Authority ca, DaemonOnRecord[] daemons, ReplicationStatus replication) =>
        text.Flag(
            "certauthority_leads", "Whether this daemon leads.", daemons.Any(one => one is { IsThis: true, State: DaemonOnRecord.Leads }))
            .Gauge(
                "certauthority_daemons_connected", "Daemons that work on the database.",
                daemons.Count(one => one.State != DaemonOnRecord.Gone))
            .Gauge(
                "certauthority_daemons_without_list", "Daemons that could not write the current revocation list.",
                daemons.Count(one => one.State != DaemonOnRecord.Gone && (one.IsThis ? ca.Krl.State.Failure : one.ListFailure) is not null))
            .Flag("certauthority_replication_synchronous", "Whether commits wait for a standby.", replication.IsSynchronous)
            .Gauge("certauthority_standbys_connected", "Standbys of the database server.", replication.Connected)
            .Gauge(
                "certauthority_replication_lag_bytes", "What the standby that is furthest behind does not have on its disk.",
                replication.Standbys is [_, ..] some ? some.Max(one => one.LagBytes) : null)
            .Gauge(
                "certauthority_replication_lag_seconds", "For how long the standby that is furthest behind has lacked that.",
                replication.Standbys is [_, ..] late ? late.Max(one => one.LagSeconds) : null);

    private static void State(MetricsText text, Authority ca)
    {
        var (disk, now) = (Disks.Measure(ca), ca.Clock.GetUtcNow());
        var loops = ca.Loops.OfType<Loop>().Where(loop => loop.Interval is not null).ToList();
        text.Time("certauthority_revocation_list_written", "When the revocation list was last written.", ca.Krl.Made)
            .Flag(
                "certauthority_published_up_to_date", "Whether publish_dir has the current files.",
                ca.Krl.ForHosts is { } directory ? directory.Status.Failure is null && ca.Checkpoints.ForReaders?.Failure is null : null)
            .Gauge("certauthority_database_bytes", "Size of the database with its log.", ca.Database.Length)
            .Gauge("certauthority_disk_free_bytes", "Room on the disk with the database.", disk.Free)
            .Gauge("certauthority_disk_used_ratio", "How full the disk with the database is.", disk.Used / 100.0)
            .Flag("certauthority_disk_has_room", "Whether there is room for every change.", disk.HasRoom)
            .Flag("certauthority_clock_right", "Whether the clock shows the time that it should.", ca.Clock.Step is null)
            .Gauge("certauthority_clock_offset_seconds", "How far the clock is off.", ca.Clock.Step?.By.TotalSeconds ?? 0)
            .Gauge(
                "certauthority_ca_key_usable", "Whether a CA key can sign.", "ca",
                ca.Keys.All.Select(keys => (keys.Purpose.Name(), keys.Signing.Fault is null ? 1.0 : 0)))
            .Gauge(
                "certauthority_waiters", "Calls that wait for a change.", "for",
                [("request", ca.Watch.Waiting), ("audit", ca.Database.AuditWatch.Waiting)])
            .Gauge(
                "certauthority_loop_last_turn_timestamp_seconds", "When a background loop last finished a turn.", "loop",
                loops.Select(loop => (loop.GetType().Name, (now - DateTimeOffset.UnixEpoch - loop.SinceTurn).TotalSeconds)))
            .Gauge(
                "certauthority_loop_interval_seconds", "Time between two turns of a background loop.", "loop",
                loops.Select(loop => (loop.GetType().Name, loop.Interval!.Value.TotalSeconds)))
            .Flag("certauthority_ready", "Whether the daemon could issue a certificate.", Health.Faults(ca) is []);
    }
}
