using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary><c>version</c>.</summary>
public sealed class VersionCommand() : CliCommand("version", "Prints the version of this program")
{
    /// <inheritdoc/>
    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        parsed.Print($"{parsed.RootCommandResult.Command.Name} {typeof(VersionCommand).Assembly.GetName().Version!.ToString(3)}");
        return Task.FromResult(ExitCode.Done);
    }
}
