using System.CommandLine;
using System.Text.Json.Nodes;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit export</c>.</summary>
internal sealed class AuditExportCommand : CliCommand
{
    private readonly Argument<string> directory = new("DIR")
    {
        Description = "Where to; an earlier export there goes on",
        CompletionSources = { Suggestions.Files }
    };

    private readonly ArchiveOption archive = new();

    public AuditExportCommand()
        : base(
            "export", "Copies the audit, with everything that proves it, into files that others can check without the daemon",
            "tctl audit export /srv/audit", "tctl audit export /srv/audit --archive /srv/audit-archive")
    {
        Arguments.Add(directory);
        Options.Add(archive);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var archives = await ExportedLog.Open(parsed.GetValue(archive) ?? [], cancellation);
        var target = parsed.GetValue(directory)!;
        var export = await AuditExport.Begin(new DaemonLog(ca, archives), target, cancellation);
        var checkpoint = export.Last.Checkpoint;
        await ExportedLog.ExpectOf(checkpoint, archives, cancellation);
        await export.Write(parsed.Say, cancellation);
        parsed.PrintResult(
            new JsonObject { ["directory"] = Path.GetFullPath(target), ["origin"] = checkpoint.Origin, ["size"] = checkpoint.Size },
            $"{AuditLog.Count(checkpoint.Size)} of the audit are in {target}");
        return ExitCode.Done;
    }
}
