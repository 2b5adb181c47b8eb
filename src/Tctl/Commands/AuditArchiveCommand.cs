using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit archive</c>.</summary>
internal sealed class AuditArchiveCommand : CliCommand
{
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly Argument<string> directory = new("DIR")
    {
        Description = "The archive; one that is there goes on",
        CompletionSources = { Suggestions.Files }
    };

    public AuditArchiveCommand()
        : base(
            "archive",
            "Copies the audit to an archive, verifies the copy, and removes the entries older than audit.keep from the daemon; root only",
            "tctl audit archive /srv/audit-archive")
    {
        Arguments.Add(directory);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var target = parsed.GetValue(directory)!;
        var planned = await ca.Send(Routes.ArchiveAudit, new ArchiveAudit(), cancellation);
        if (planned.Entries > 0)
        {
            var export = await AuditExport.Begin(new DaemonLog(ca), target, cancellation);
            await export.Write(parsed.Say, cancellation);
            export.Flush();
            await Verify(parsed, target, export.Last, cancellation);
            planned = await ca.Send(Routes.ArchiveAudit, new ArchiveAudit(export.Last.Note), cancellation);
        }
        if (planned.HeldBack is { } why)
            parsed.Warn($"{why}, so older entries stay until it has more");
        parsed.PrintResult(
            planned,
            planned.Entries == 0
                ? "nothing is archived: there are no 256 more entries that are older than audit.keep"
                : $"{AuditLog.Count(planned.Entries)} are in {target} and no more in the daemon, "
                    + $"which begins with entry {planned.Through + 1}");
        return ExitCode.Done;
    }

    /// <summary>Reads back what was written, as somebody else would who has only the archive.</summary>
    private static async Task Verify(ParseResult parsed, string target, AuditLog.SignedNote signed, CancellationToken cancellation)
    {
        var written = new ExportedLog(target);
        var last = await written.Last(cancellation);
        var verification = new AuditVerification(written, last.Checkpoint, [signed.Checkpoint]);
        await using (new Timer(
            _ => parsed.Say($"{verification.Size} of {last.Checkpoint.Size} entries are checked"), null, TellAfter, TellEvery))
            if ((await CheckpointSignature.Fault(last, signed.Key, cancellation)
                ?? (await verification.Faults(cancellation)).FirstOrDefault()) is { } fault)
                throw new FailureException(
                    $"nothing was removed, because the archive is not what was signed: {fault}",
                    $"look for more: tctl audit verify {target}");
    }
}
