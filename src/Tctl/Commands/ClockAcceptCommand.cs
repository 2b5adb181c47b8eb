using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl clock accept</c>.</summary>
internal sealed class ClockAcceptCommand : CliCommand
{
    public ClockAcceptCommand()
        : base("accept", "Says that the clock is right after it was set, so that things are granted again; root only", "tctl clock accept")
    {
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var accepted = await ca.Send(Routes.AcceptClock, new AcceptClock(), cancellation);
        parsed.PrintResult(accepted, $"it is {Wording.Time(accepted.Shown)} now, and not {Wording.Time(accepted.Expected)}");
        return ExitCode.Done;
    }
}
