using System.CommandLine;
using CertAuthority.Linux;

namespace CertAuthority.Terminal;

/// <summary>
/// <c>tsh ui</c> and <c>tctl ui</c>: becomes the program that serves the page. That is a program of its own, so that no other command
/// carries a web server.
/// </summary>
public abstract class UiCommand : CliCommand
{
    private const string Program = "certauthority-ui";

    private static readonly TimeSpan UsualIdle = TimeSpan.FromMinutes(30);

    private readonly Option<int> port = new("--port")
    {
        HelpName = "N",
        Description = "The port on 127.0.0.1. Default: any that is free",
        CustomParser = result =>
        {
            if (ushort.TryParse(result.Tokens[0].Value, out var number) && number > 0)
                return number;
            result.AddError($"--port takes a number from 1 to 65535, not '{result.Tokens[0].Value}'");
            return 0;
        },
    };
    private readonly TimeSpanOption idle = new(
        "--idle", "End when nobody has used the page for so long, up to 24h. Default: 30m", TimeSpan.FromHours(24));
    private readonly Option<bool> noOpen = new("--no-open") { Description = "Only print the address, do not open a browser" };

    /// <summary>Creates the command.</summary>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="examples">Whole command lines.</param>
    protected UiCommand(string description, params string[] examples)
        : base("ui", description, examples)
    {
        foreach (var option in (Option[])[port, idle, noOpen])
            Options.Add(option);
    }

    /// <summary>Returns more arguments for the page: as whom it acts, and what else ends it.</summary>
    protected virtual IEnumerable<string> Acting(ParseResult parsed) => [];

    /// <inheritdoc/>
    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var own = Path.GetDirectoryName(Environment.ProcessPath)!;
        // Beside the command line, or where the package has what no person starts.
        var page = new[] { Path.Combine(own, Program), Path.GetFullPath(Path.Combine(own, "..", "lib", "certauthority-client", Program)) }
            .FirstOrDefault(File.Exists)
            ?? throw new FailureException(
                $"the program {Program} is missing", $"install it beside {Path.Combine(own, parsed.RootCommandResult.Command.Name)}");
        return Task.FromResult(
            Execution.Replace(
                [
                    page, parsed.RootCommandResult.Command.Name, $"--server={ServerOption.Chosen(parsed)}",
                    $"--idle={(parsed.GetValue(idle) ?? UsualIdle).TotalSeconds}", .. parsed.GetValue(port) is > 0 and var chosen ? (string[])[$"--port={chosen}"] : [],
                    .. parsed.GetValue(noOpen) ? (string[])["--no-open"] : [], .. Acting(parsed),
                ]));
    }
}
