using System.CommandLine;
using System.CommandLine.Completions;

namespace CertAuthority.Terminal;

/// <summary><c>help [COMMAND…]</c>: prints what <c>--help</c> of that command prints.</summary>
public sealed class HelpCommand : CliCommand
{
    private readonly Argument<string[]> words = new("COMMAND") { Description = "Which one; without it, the program itself" };

    /// <summary>Creates the command.</summary>
    /// <param name="examples">Whole command lines, shown below the help.</param>
    public HelpCommand(params string[] examples)
        : base("help", "Explains a command", examples)
    {
        words.CompletionSources.Add(Commands);
        Arguments.Add(words);
    }

    /// <inheritdoc/>
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var command = parsed.RootCommandResult.Command;
        var path = new List<string>();
        foreach (var word in parsed.GetValue(words)!)
        {
            command = Find(command, word) ?? throw new FailureException(Shell.Unknown(word), Shell.HintFor(command, word), ExitCode.Usage);
            path.Add(command.Name);
        }
        return await Shell.Parse(parsed.RootCommandResult.Command, [.. path, "--help"])
            .InvokeAsync(parsed.InvocationConfiguration, cancellation);
    }

    private static Command? Find(Command command, string word) =>
        command.Subcommands.FirstOrDefault(one => !one.Hidden && (one.Name == word || one.Aliases.Contains(word)));

    private IEnumerable<CompletionItem> Commands(CompletionContext context)
    {
        var command = context.ParseResult.RootCommandResult.Command;
        foreach (var word in context.ParseResult.GetValue(words)!.SkipLast(1))
            if (Find(command, word) is { } found)
                command = found;
            else
                return [];
        return Completion.Subcommands(command, context.WordToComplete);
    }
}
