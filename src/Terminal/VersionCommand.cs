using System.CommandLine;
using System.CommandLine.Invocation;

namespace CertAuthority.Terminal;

/// <summary><c>version</c>, and <c>--version</c> for people who expect an option.</summary>
public sealed class VersionCommand() : CliCommand("version", "Prints the version of this program")
{
    /// <summary>Creates <c>--version</c>.</summary>
    public static Option Option() =>
        new VersionOption("--version", "-v") { Description = "Print the version of this program", Action = new PrintVersion() };

    /// <inheritdoc/>
    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation) =>
        Task.FromResult(new PrintVersion().Invoke(parsed));

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(VersionCommand).Assembly.GetName().Version!;
            parseResult.Print($"{parseResult.RootCommandResult.Command.Name} {version.ToString(3)}");
            return ExitCode.Done;
        }
    }
}
