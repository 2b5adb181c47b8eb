using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit checkpoint</c>.</summary>
internal sealed class AuditCheckpointCommand : CliCommand
{
    private readonly FormatOption format = new();

    public AuditCheckpointCommand()
        : base(
            "checkpoint", "Prints the last signed checkpoint of the audit: keep it elsewhere, and compare with it later",
            "tctl audit checkpoint > checkpoint", "tctl audit checkpoint --format=json")
    {
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(await ca.Send(Routes.GetCheckpoint, new GetCheckpoint(), cancellation));
        else
            parsed.PrintAsIs((await new DaemonLog(ca).Last(cancellation)).Note.TrimEnd('\n').Split('\n'));
        return ExitCode.Done;
    }
}
