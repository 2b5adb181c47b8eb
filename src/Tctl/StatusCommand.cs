using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl status</c>.</summary>
internal sealed class StatusCommand : Verb
{
    private readonly FormatOption format = new();

    public StatusCommand()
        : base("status", "Shows how the daemon is", "tctl status", "tctl status --format=json") => Options.Add(format);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var status = await ca.Send(Routes.GetStatus, new GetStatus(), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(status);
            return ExitCode.Done;
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
            .. (status.Notifications ?? []).Select(Show),
        ]);
        return ExitCode.Done;
    }

    private static string Show(PublishedStatus hosts) =>
        $"published for hosts: {hosts.Directory}, " + (hosts is { Failure: { } why, FailingSince: { } since } ? $"not up to date since {Wording.Time(since)}: {why}" : "up to date");

    private static string Show(ReceiverStatus to) =>
        $"notifications ({to.Name}): {to.Waiting} waiting, {to.GivenUp} given up" +
        (to.LastFailure is { } why && to.LastFailed is { } when ? $"; last failure {Wording.Time(when)}: {why}" : "");
}
