using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary><c>completion</c>: prints the script with which a shell completes the words of this program.</summary>
public sealed class CompletionCommand : CliCommand
{
    private static readonly string[] Shells = ["bash", "zsh", "fish"];

    private readonly Argument<string> shell = new("SHELL")
    {
        HelpName = string.Join('|', Shells),
        Description = "The shell that you use",
        CompletionSources = { Shells }
    };

    /// <summary>Creates the command.</summary>
    /// <param name="program">The name of the program.</param>
    public CompletionCommand(string program)
        : base(
            "completion",
            "Prints a script that makes your shell complete commands, options, and values that the daemon knows",
            $"source <({program} completion bash)                                    # in ~/.bashrc",
            $"{program} completion zsh > ~/.zsh/completions/_{program}                      # a folder in $fpath, before compinit",
            $"{program} completion fish > ~/.config/fish/completions/{program}.fish")
    {
        Arguments.Add(shell);
        shell.Validators.Add(given =>
        {
            if (given.Tokens is [var token] && !Shells.Contains(token.Value))
                given.AddError($"completion takes bash, zsh or fish, not '{token.Value}'");
        });
    }

    /// <inheritdoc/>
    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var script = new StreamReader(
            typeof(CompletionCommand).Assembly.GetManifestResourceStream($"completion.{parsed.GetValue(shell)}")!);
        parsed.PrintEscaped([script.ReadToEnd().Replace("PROGRAM", parsed.RootCommandResult.Command.Name).TrimEnd()]);
        return Task.FromResult(ExitCode.Done);
    }
}
