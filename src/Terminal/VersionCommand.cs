using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text.Json.Nodes;

namespace CertAuthority.Terminal;

/// <summary><c>version</c>, and <c>--version</c> for people who expect an option.</summary>
public sealed class VersionCommand : CliCommand
{
    /// <summary>Creates the command.</summary>
    public VersionCommand()
        : base("version", "Prints the version of this program") =>
        Options.Add(new FormatOption());

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
            var (name, version) = (
                parseResult.RootCommandResult.Command.Name, typeof(VersionCommand).Assembly.GetName().Version!.ToString(3));
            parseResult.PrintResult(new JsonObject { ["name"] = name, ["version"] = version }, $"{name} {version}");
            return ExitCode.Done;
        }
    }
}
