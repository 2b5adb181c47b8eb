using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using CertAuthority.Access.Values;

namespace CertAuthority.Signer;

/// <summary>The signer's command line.</summary>
internal sealed class SignerCommand : RootCommand
{
    /// <summary>The exit code for signatures that are not in the audit, which no failure has.</summary>
    public const int Alarm = 3;

    /// <summary>Complete command lines, for the help and the manual page.</summary>
    public static readonly string[] Examples =
    [
        "certauthority-signer --check",
        .. CompareCommand.Examples,
    ];

    /// <summary>The exit codes for service managers and scripts, for the help and the manual page.</summary>
    public static readonly (int Code, string Meaning)[] ExitCodes =
    [
        (0, "stopped by SIGTERM or SIGINT; the settings are good; or all signatures are in the audit"),
        (1, "it could not start, go on or compare"),
        (2, "the command line is not understood; nothing was tried"),
        (Alarm, "an alarm: signatures are not in the audit"),
    ];

    public SignerCommand()
        : base("Signs certificates with the CA key for the daemon, within limits that the daemon cannot change.")
    {
        foreach (var option in (Option[])[Config, Check])
            Options.Add(option);
        Subcommands.Add(Compare);
        var help = Options.OfType<HelpOption>().Single();
        help.Action = new WithExamples((HelpAction)help.Action!);
    }

    public Option<string> Config { get; } = new("--config")
    {
        Description = "the file with the settings",
        HelpName = "PATH",
        DefaultValueFactory = _ => SignerSettings.DefaultPath,
        Recursive = true,
    };

    public Option<bool> Check { get; } = new("--check") { Description = "check the settings and exit" };

    public CompareCommand Compare { get; } = new();

    private sealed class WithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            usual.Invoke(parseResult);
            string[] lines = ["Examples:", .. Examples.Select(example => $"  {example}"), "", "Exit codes:",
                .. ExitCodes.Select(one => $"  {one.Code,-4} {one.Meaning}"), ""];
            parseResult.InvocationConfiguration.Output.Write(string.Join('\n', lines) + "\n");
            return 0;
        }
    }
}

/// <summary><c>certauthority-signer compare</c>.</summary>
internal sealed class CompareCommand : Command
{
    /// <summary>Complete command lines, for the help and the manual page.</summary>
    public static readonly string[] Examples =
    [
        "tctl audit ls --format=jsonl | certauthority-signer compare",
        "tctl audit ls --format=jsonl --since=30d | certauthority-signer compare --since=30d",
    ];

    private readonly Option<string?> since = new("--since")
    {
        Description = "the audit begins then: a time such as 2026-11-01T00:00:00Z, or a duration before now such as 30d",
        HelpName = "TIME",
    };

    public CompareCommand()
        : base("compare", "Prints each signature of the log that is not in the audit on standard input.")
    {
        Arguments.Add(Logs);
        Options.Add(since);
        since.Validators.Add(result =>
        {
            if (result.Tokens is [var text] && !Instants.TryParse(text.Value, out _) && !Durations.TryParse(text.Value, out _))
                result.AddError($"--since takes a time such as 2026-11-01T00:00:00Z, or a duration such as 30d, not \"{text.Value}\"");
        });
    }

    public Argument<string[]> Logs { get; } = new("LOG")
    {
        Description = "logs of the signer, such as those that were moved away (without one: the log that the settings name)",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public DateTimeOffset? Since(ParseResult parsed, DateTimeOffset now) => parsed.GetValue(since) switch
    {
        null => null,
        var text when Durations.TryParse(text, out var ago) => now - ago,
        var text => Instants.TryParse(text, out var instant) ? instant : null,
    };
}
