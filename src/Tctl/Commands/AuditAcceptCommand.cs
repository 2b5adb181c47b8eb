using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit accept</c>.</summary>
internal sealed class AuditAcceptCommand : CliCommand
{
    public AuditAcceptCommand()
        : base(
            "accept", "Begins another log over the audit as it is, after it did not match its last checkpoint; root only",
            "tctl audit accept")
    {
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var accepted = await ca.Send(Routes.AcceptAudit, new AcceptAudit(), cancellation);
        parsed.PrintResult(accepted, $"certificates are issued again; the audit says why they were not: {accepted.Fault}");
        return ExitCode.Done;
    }
}
