using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl status</c>.</summary>
internal sealed class StatusCommand : Verb
{
    private const int MostNamed = 5;

    private readonly FormatOption format = new();

    public StatusCommand()
        : base("status", "Shows how the daemon is; exits with 1 when hosts have gone without a revocation list for too long", "tctl status", "tctl status --format=json") => Options.Add(format);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var status = await ca.Send(Routes.GetStatus, new GetStatus(), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(status);
            return Verdict(parsed, status);
        }
        parsed.Print(
        [
            $"version: {status.Version}",
            $"user CA: {status.UserCa}",
            $"host CA: {status.HostCa}",
            $"pending requests: {status.PendingRequests}",
            $"live certificates: {status.LiveCertificates}",
            $"revoked certificates: {status.RevokedCertificates}",
            $"revocation list: version {status.KrlVersion}, written {Wording.Time(status.KrlWritten)} ({Wording.Left(TimeProvider.System.GetUtcNow() - status.KrlWritten)} ago)",
            .. status.Published is { } published ? [Show(published)] : (string[])[],
            .. status.Hosts is { } hosts ? [$"hosts written to: {hosts.Written}, {hosts.UpToDate} of them with this list"] : (string[])[],
            .. (status.Notifications ?? []).Select(Show),
        ]);
        return Verdict(parsed, status);
    }

    /// <summary>So that a monitor needs nothing but the exit code.</summary>
    private static int Verdict(ParseResult parsed, DaemonStatus status)
    {
        if (status.Hosts is not { Stale: [_, ..] stale } hosts)
            return ExitCode.Done;
        var few = stale.Length <= MostNamed ? string.Join(", ", stale) : $"{string.Join(", ", stale[..MostNamed])} and {stale.Length - MostNamed} more";
        parsed.Complain($"nothing could be written for {hosts.StaleAfter} or longer, or ever, to {Wording.Count(stale.Length, "host")}: {few}", "tctl nodes ls says why");
        return ExitCode.Failed;
    }

    private static string Show(PublishedStatus hosts) =>
        $"published for hosts: {hosts.Directory}, " + (hosts is { Failure: { } why, FailingSince: { } since } ? $"not up to date since {Wording.Time(since)}: {why}" : "up to date");

    private static string Show(ReceiverStatus to) =>
        $"notifications ({to.Name}): {to.Waiting} waiting, {to.GivenUp} given up" +
        (to.LastFailure is { } why && to.LastFailed is { } when ? $"; last failure {Wording.Time(when)}: {why}" : "");
}
