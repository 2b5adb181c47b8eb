using System.CommandLine;
using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl status</c>.</summary>
internal sealed class StatusCommand : CliCommand
{
    private const int MostNamed = 5;

    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Prometheus);
    private readonly Option<bool> check = new("--check")
    {
        Description = "Only say whether the daemon could issue a certificate now; any account may ask"
    };
    private readonly HostsWait wait = new();

    public StatusCommand()
        : base(
            "status",
            "Shows how the daemon is; exits with 1 when hosts do not get the revocation list or were altered, may trust a revoked CA key, no daemon leads, the database server lacks its standby, the clock was set, a CA key cannot sign, the audit does not match its checkpoint, the disk is 90% full, the audit does not reach a sink, or a row of the database cannot be read", "tctl status", "tctl status --wait", "tctl status --format=json", "tctl status --format=prometheus", "tctl status --check")
    {
        Options.Add(check);
        Options.Add(format);
        Options.Add(wait);
        Validators.Add(parsed =>
        {
            if (parsed.GetValue(check) && (parsed.GetResult(wait) is not null || format.IsNamed(parsed, FormatOption.Prometheus)))
                parsed.AddError($"--check asks one question, so it takes neither --wait nor --format={FormatOption.Prometheus}");
            if (parsed.GetResult(wait) is not null && format.IsNamed(parsed, FormatOption.Prometheus))
                parsed.AddError($"--format={FormatOption.Prometheus} prints what is, so it does not take --wait");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        if (parsed.GetValue(check))
        {
            var health = await ca.Send(Routes.GetReadiness, new GetReadiness(), cancellation);
            parsed.PrintResult(health, health.State);
            return ExitCode.Done;
        }
        if (parsed.GetValue(format) == FormatOption.Prometheus)
        {
            await PrintMetrics(parsed, ca, cancellation);
            return ExitCode.Done;
        }
        var status = await ca.Send(Routes.GetStatus, new GetStatus(), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(status);
            return await Verdict(parsed, ca, status, cancellation);
        }
        parsed.Print(
        [
            $"version: {status.Version}",
            .. status.Database is { } database ? [$"database: {database}"] : (string[])[],
            .. (status.Daemons ?? []).Select(Show),
            .. status.Replication is { } replication ? Show(replication) : [],
            .. Show("user CA", status.UserCas),
            .. Show("host CA", status.HostCas),
            .. (status.CaKeys ?? []).Select(Show),
            .. (status.Rotations ?? []).Select(RotationText.Line),
            $"pending requests: {status.PendingRequests}",
            $"live certificates: {status.LiveCertificates}",
            $"revoked certificates: {status.RevokedCertificates}",
            $"revocation list: version {status.KrlVersion}, written {Ago(status.KrlWritten)}",
            .. status.Database?.StartsWith("postgres:", StringComparison.Ordinal) == true
                ? ["backups: by the tools of the database server"]
                : (string[])[$"last backup: {(status.LastBackup is { } backup ? Ago(backup) : "none")}"],
            .. status.AuditLog is { } log ? [$"audit: {log.Size ?? 0} {(log.Size == 1 ? "entry" : "entries")} in the last checkpoint, signed by {log.Key}"] : (string[])[],
            .. status.AuditLog?.Archived is { } archived
                ? [$"audit archived: entries up to {archived.Through}, from before {Wording.Time(archived.Before)}"]
                : (string[])[],
            .. status.Disk is { } disk ? [$"disk: {disk.Used}% used, {disk.Free >> 20} MiB left ({disk.Directory})"] : (string[])[],
            .. status.Published is { } published ? [Show(published)] : (string[])[],
            .. status.Hosts is { } hosts ? [$"hosts written to: {hosts.Written}, {hosts.UpToDate} of them with this list"] : (string[])[],
            .. status.Vanishing is { } vanishing ? Show(vanishing) : [],
            .. (status.Notifications ?? []).Select(Show),
            .. (status.AuditSinks ?? []).Select(Show),
        ]);
        return await Verdict(parsed, ca, status, cancellation);
    }

    /// <summary>
    /// Prints the metrics whole or not at all. Monitoring reads from them what is wrong, so the exit code does not say it.
    /// </summary>
    private static async Task PrintMetrics(ParseResult parsed, CaClient ca, CancellationToken cancellation)
    {
        using var text = new MemoryStream();
        await ca.Download(
            Routes.GetPrometheusMetrics, new GetMetrics(), (bytes, _) => bytes.CopyToAsync(text, cancellation), cancellation);
        parsed.PrintEscaped(Encoding.UTF8.GetString(text.ToArray()).TrimEnd('\n').Split('\n'));
    }

    /// <summary>Returns the exit code, so that a monitor needs nothing else.</summary>
    private async Task<int> Verdict(ParseResult parsed, CaClient ca, DaemonStatus status, CancellationToken cancellation)
    {
        var exitCode = ExitCode.Done;
        if (status.Clock is { } clock)
        {
            parsed.Complain(
                $"the clock of this host shows {Wording.Time(clock.Shown)} where it should show {Wording.Time(clock.Expected)}, so nothing is granted", "set it right; or, if it is: tctl clock accept");
            exitCode = ExitCode.Failed;
        }
        if (status.Daemons is { } daemons && !daemons.Any(one => one.State == DaemonOnRecord.Leads))
        {
            parsed.Complain(
                "no daemon leads, so nobody writes revocation lists or to hosts", "one that follows leads within seconds; otherwise start one");
            exitCode = ExitCode.Failed;
        }
        foreach (var daemon in (status.Daemons ?? []).Where(one => one.State != DaemonOnRecord.Gone && one.ListFailure is not null))
        {
            parsed.Complain(
                $"the daemon on {daemon.Host} ({daemon.Directory}) has had no new revocation list{(daemon.ListFailingSince is { } since ? $" since {Wording.Time(since)}" : "")}: {daemon.ListFailure}",
                "hosts that take the list from there still accept what was revoked since; it is tried again until it succeeds");
            exitCode = ExitCode.Failed;
        }
        if (status.Replication is { IsSynchronous: true, Connected: 0 })
        {
            parsed.Complain(
                "the database server waits for a standby, and none is connected, so nothing can be changed",
                "start the standby; or, if its disk is lost, take it out of synchronous_standby_names");
            exitCode = ExitCode.Failed;
        }
        foreach (var key in (status.CaKeys ?? []).Where(key => key.Fault is not null))
        {
            parsed.Complain(
                $"the {key.Ca} CA key cannot sign, so it signs nothing: {key.Fault}",
                "the daemon signs again by itself once this is put right; docs/keys.md");
            exitCode = ExitCode.Failed;
        }
        foreach (var rotation in (status.Rotations ?? []).Where(one => one.Fault is not null))
        {
            parsed.Complain(
                rotation.Step == "prepared"
                    ? $"the next {rotation.Key} CA key is trusted, and cannot take over: {rotation.Fault}"
                    : $"the old {rotation.Key} CA key is trusted, and not as it should be: {rotation.Fault}",
                $"put it right; or, if somebody else may have it: {NextStepText.Rotate(rotation.Key)} --compromised");
            exitCode = ExitCode.Failed;
        }
        if (status.HostsWithRevokedCa is [_, ..] trusting)
        {
            parsed.Complain(
                $"{Wording.Count(trusting.Length, "host")} may still trust a user CA key that was revoked: {Few(trusting)}",
                "have each take the new key, or cut it off; then say so: tctl auth rotate user --confirm=NODE");
            exitCode = ExitCode.Failed;
        }
        if (status.AuditLog?.Fault is { } fault)
        {
            parsed.Complain(
                $"no certificate is issued, because the audit does not match its last checkpoint: {fault}",
                "see what does not match: tctl audit verify; docs/audit.md says how to go on");
            exitCode = ExitCode.Failed;
        }
        if (status.Disk is { IsLow: true } disk)
        {
            parsed.Complain(disk.Describe(), "make room there; an audit and requests grow with use, and so do logs beside them");
            exitCode = ExitCode.Failed;
        }
        if (status.DamagedRows is { } rows)
        {
            parsed.Complain(
                $"{Wording.Count(rows.Length, "row")} of the database cannot be read: {Few(rows, "; ")}",
                "docs/operating.md says how to mend a row");
            exitCode = ExitCode.Failed;
        }
        if (status.StuckRows is { } stuck)
        {
            parsed.Complain(
                $"{Wording.Count(stuck.Length, "thing")} could not be done: {Few(stuck, "; ")}",
                "it is tried again, and nothing else waits for it; the log of the daemon says more");
            exitCode = ExitCode.Failed;
        }
        foreach (var sink in (status.AuditSinks ?? []).Where(sink => sink.Failure is not null))
        {
            parsed.Complain($"the audit does not reach {sink.Name}: {sink.Failure}", "it is tried again, and nothing is lost meanwhile");
            exitCode = ExitCode.Failed;
        }
        if (status.Published is { Failure: not null } published)
        {
            parsed.Complain($"hosts that fetch from {published.Directory} do not get the revocation list: {published.Failure}");
            exitCode = ExitCode.Failed;
        }
        if (status.Hosts is not { } hosts)
            return exitCode;
        if (hosts.Contested is [_, ..] contested)
        {
            parsed.Complain(
                $"the revocation list of another daemon is on {Wording.Count(contested.Length, "host")}, and this one writes nothing there: {Few(contested)}", "tctl nodes ls says more; to replace that list: tctl nodes sync NODE --take-over");
            exitCode = ExitCode.Failed;
        }
        if (hosts.Altered is [_, ..] altered)
        {
            parsed.Complain(
                $"somebody changed the files of this daemon on {Wording.Count(altered.Length, "host")}: {Few(altered)}",
                "tctl nodes ls says what; when you have looked: tctl nodes sync NODE");
            exitCode = ExitCode.Failed;
        }
        if (hosts.Stale is [_, ..] stale)
        {
            parsed.Complain(
                $"{Wording.Count(stale.Length, "host")} {(stale.Length == 1 ? "has" : "have")} had no new revocation list for {hosts.StaleAfter} or more: {Few(stale)}", "tctl nodes ls shows why");
            exitCode = ExitCode.Failed;
        }
        // Hosts that are already named are not reported a second time.
        return hosts.UpToDate + hosts.Stale.Union(hosts.Contested).Count() < hosts.Written
            ? await wait.Run(parsed, ca, exitCode, cancellation)
            : exitCode;
    }

    private static string Ago(DateTimeOffset time) =>
        $"{Wording.Time(time)} ({Wording.Left(TimeProvider.System.GetUtcNow() - time)} ago)";

    private static string Few(string[] names, string between = ", ") =>
        names.Length <= MostNamed
            ? string.Join(between, names)
            : $"{string.Join(between, names[..MostNamed])} and {names.Length - MostNamed} more";

    private static IEnumerable<string> Show(string ca, string[] fingerprints) =>
        fingerprints.Select((fingerprint, n) => n == 0 ? $"{ca}: {fingerprint}" : $"{ca}, also trusted: {fingerprint}");

    private static IEnumerable<string> Show(VanishingStatus vanishing) =>
    [
        .. vanishing.Ended is [_, ..] ended ? [$"nodes that have ended, so nothing opens them: {Few(ended)}"] : (string[])[],
        .. vanishing.Leaving is [_, ..] leaving ? [$"nodes that are removed within a day unless seen: {Few(leaving)}"] : (string[])[],
    ];

    private static string Show(DaemonOnRecord daemon) =>
        $"daemon: {daemon.Host}{(daemon.Directory.Length > 0 ? $" ({daemon.Directory})" : "")} "
            + (daemon.State switch
            {
                DaemonOnRecord.Gone => "is gone",
                var state => $"{state}{(daemon.Since is { } since ? $" since {Wording.Time(since)}" : "")}",
            })
            + (daemon.Seen is { } seen ? $", last seen {Ago(seen)}" : "")
            + (daemon.Version is { } version ? $", version {version}" : "")
            + (daemon.Realm is { } realm ? $", realm {realm}" : "")
            + (daemon.List is { } list ? $", revocation list {list}" : "")
            + (daemon.IsThis ? "; this one answers" : "");

    private static IEnumerable<string> Show(ReplicationStatus replication) =>
    [
        $"standbys: {replication.Connected} connected, {(replication.IsSynchronous ? "commits wait for one" : "no commit waits for one")}"
            + (replication is { Connected: > 0, Needs: { } grant } ? $"; to see how far behind: {grant}" : ""),
        .. (replication.Standbys ?? []).Select(one =>
            $"standby {one.Name}: {one.Sync}, {one.State}, {one.LagBytes} bytes and {one.LagSeconds.ToString(CultureInfo.InvariantCulture)}s behind"),
    ];

    private static string Show(CaKeyStatus key) => $"{key.Ca} CA key: " + key.Kept switch
    {
        "file" => $"in a file, {key.Path}",
        "encrypted_file" => $"in an encrypted file, {key.Path}",
        "agent" => $"in an agent, {key.Path}",
        _ => $"{key.Kept}, {key.Path}",
    };

    private static string Show(PublishedStatus hosts) =>
        $"published for hosts: {hosts.Directory}, "
            + (hosts is { Failure: { } why, FailingSince: { } since }
                ? $"not up to date since {Wording.Time(since)}: {why}"
                : "up to date");

    private static string Show(AuditSinkStatus to) =>
        $"audit ({to.Name}): {to.Waiting} waiting"
            + (to is { Failure: { } why, FailingSince: { } since } ? $", failing since {Wording.Time(since)}: {why}" : "");

    private static string Show(ReceiverStatus to) =>
        $"notifications ({to.Name}): {to.Waiting} waiting, {to.GivenUp} given up" +
        (to.LastFailure is { } why && to.LastFailed is { } when ? $"; last failure {Wording.Time(when)}: {why}" : "");
}
