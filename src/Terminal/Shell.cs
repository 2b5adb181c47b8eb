using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Runs a command line, from its arguments to its exit code.</summary>
public static class Shell
{
    /// <summary>Runs a command line with the standard streams of the process.</summary>
    public static async Task<int> Run(Command root, IReadOnlyList<string> args)
    {
        await using var output = StandardWriter.Output();
        await using var error = StandardWriter.Error();
        return await Run(root, args, output, error);
    }

    /// <summary>Runs a command line.</summary>
    /// <param name="root">The whole program; its name precedes every error.</param>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="output">Receives the data.</param>
    /// <param name="error">Receives the messages.</param>
    public static async Task<int> Run(Command root, IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        root.Options.Add(Help());
        var parsed = Parse(root, [.. KeepEmptyValues(args)]);
        parsed.InvocationConfiguration.Output = output;
        parsed.InvocationConfiguration.Error = error;
        // A command catches its own exceptions; the library would print a stack trace, in its own colours.
        parsed.InvocationConfiguration.EnableDefaultExceptionHandler = false;
        try
        {
            return IsUnderstood(parsed)
                ? await parsed.InvokeAsync(parsed.InvocationConfiguration)
                : RefuseUsage(parsed);
        }
        catch (IOException disk)
        {
            parsed.Complain(Wording.InOurStyle(disk.Message));
            return ExitCode.Failed;
        }
    }

    /// <summary>Whether a command line has no errors.</summary>
    /// <param name="parsed">The result of <see cref="Parse"/>.</param>
    public static bool IsUnderstood(ParseResult parsed) =>
        parsed.Errors.Count == 0 && !UnknownOptions(parsed).Any() && !EmptyValues(parsed).Any();

    /// <summary>Parses a command line. Response files are off, because the @ in root@db1 belongs to a login.</summary>
    /// <param name="root">The whole program.</param>
    /// <param name="args">The arguments after the program's name.</param>
    public static ParseResult Parse(Command root, string[] args)
    {
        Synonyms.Accept(root);
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    // The parser would take the next word as the value of --roles=.
    internal static IEnumerable<string> KeepEmptyValues(IReadOnlyList<string> args)
    {
        var options = args.TakeWhile(arg => arg != "--").Count();
        return args.SelectMany(
            (arg, i) => i < options && arg.StartsWith("--", StringComparison.Ordinal) && arg.IndexOf('=') == arg.Length - 1
                ? [arg[..^1], ""]
                : (string[])[arg]);
    }

    // The parser would take a misspelt option for an argument: approve --rolse=db-support bc8ca931 would approve the requested roles.
    private static IEnumerable<string> UnknownOptions(ParseResult parsed)
    {
        var options = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToList();
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Where(token => token.Value is ['-', _, ..] && options.Exists(option => ReferenceEquals(option, token)))
            .Select(token => token.Value);
    }

    // A script's variable is empty when something went wrong before; an empty value must mean neither "all" nor "none". Free text (TEXT)
    // may be empty.
    private static IEnumerable<string> EmptyValues(ParseResult parsed)
    {
        for (SymbolResult? command = parsed.CommandResult; command is not null; command = command.Parent)
            foreach (var given in command is CommandResult { Children: var children } ? children.OfType<OptionResult>() : [])
                if (!given.Implicit && given.Option.HelpName != "TEXT" && given.Tokens.Count > 0 && IsEmpty(given))
                    yield return given.Option is ListOption { Instead: { } instead }
                        ? $"{given.Option.Name} is empty; {instead}"
                        : $"{given.Option.Name} is empty";

        static bool IsEmpty(OptionResult given) => given.Option is ListOption
            ? given.Tokens.All(token => ListOption.Split(token.Value) is [])
            : given.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value));
    }

    private static int RefuseUsage(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        // A word that fits nowhere makes other arguments seem to be missing too; and in the place of a command, it explains the rest.
        if (parsed.UnmatchedTokens.Concat(UnknownOptions(parsed)).ToArray() is [var first, ..] unknown)
        {
            var before = CommandBefore(parsed, first);
            foreach (var word in before.Action is null ? [first] : unknown)
                parsed.Complain(Unknown(word));
            parsed.Hint(HintFor(before, first));
            return ExitCode.Usage;
        }
        string[] faults = EmptyValues(parsed).ToArray() is [_, ..] empty
            ? empty
            : [.. parsed.Errors.Select(error => Wording.InOurStyle(error.Message)).Distinct()];
        if (command.Action is null && parsed.Errors is [_] && faults is [_])
            return AskForCommand(parsed);
        foreach (var fault in faults)
            parsed.Complain(fault);
        parsed.Hint($"{FullName(command)} --help");
        return ExitCode.Usage;
    }

    // After a misspelt command, the parser goes on, and may find the command of another place: the ls of tsh in "tsh requst ls".
    private static Command CommandBefore(ParseResult parsed, string word)
    {
        var tokens = parsed.Tokens.ToList();
        var place = tokens.FindIndex(token => token.Value == word);
        var result = parsed.CommandResult;
        while (result.Parent is CommandResult parent && tokens.IndexOf(result.IdentifierToken) > place)
            result = parent;
        return result.Command;
    }

    // On stderr, because a script that forgot the command must not take the help for data.
    private static int AskForCommand(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        parsed.InvocationConfiguration.Output = parsed.InvocationConfiguration.Error;
        HelpText().Invoke(parsed);
        parsed.InvocationConfiguration.Output = output;
        parsed.Complain($"{FullName(parsed.CommandResult.Command)} needs one of the commands above");
        return ExitCode.Usage;
    }

    /// <summary>Returns the error for a word that is neither a command nor an argument.</summary>
    internal static string Unknown(string word) => $"unknown command or argument '{word}'";

    /// <summary>Returns what the user may have meant by an unknown word, or where the right words are listed.</summary>
    /// <param name="command">The command after which the word was typed.</param>
    /// <param name="word">The word.</param>
    internal static string HintFor(Command command, string word)
    {
        var isOption = word.StartsWith('-');
        var known = isOption
            ? OptionsOf(command).Select(option => option.Name)
            : command.Subcommands.Where(subcommand => !subcommand.Hidden).Select(subcommand => subcommand.Name);
        return Spelling.Nearest(word.Split('=')[0], known) is { } meant
            ? $"did you mean '{(isOption ? meant : $"{FullName(command)} {meant}")}'?"
            : $"{FullName(command)} --help";
    }

    private static IEnumerable<Option> OptionsOf(Command command) => command.Options
        .Concat(command.Parents.OfType<Command>().SelectMany(OptionsOf).Where(option => option.Recursive)).Where(option => !option.Hidden);

    private static string FullName(Command command) => string.Join(' ', command.Path().Reverse());

    private static IEnumerable<string> Path(this Symbol? command)
    {
        for (; command is not null; command = command.Parents.FirstOrDefault())
            yield return command.Name;
    }

    /// <summary>Creates <c>--help</c>, which also shows examples and exit codes; both programs use it.</summary>
    public static Option Help() => new HelpOption("--help", "-h") { Action = HelpText() };

    // Without a width, the library asks Console for it, which changes the key settings of the terminal.
    private static ExamplesAfter HelpText() => new(new HelpAction { MaxWidth = StandardStream.Columns() ?? int.MaxValue });

    private sealed class ExamplesAfter(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            Name(parseResult.CommandResult.Command);
            Synonyms.Hide(parseResult.RootCommandResult.Command);
            usual.Invoke(parseResult);
            if (parseResult.CommandResult.Command is CliCommand { Examples.Count: > 0 } verb)
                parseResult.Print(["Examples:", .. verb.Examples.Select(example => $"  {example}"), ""]);
            parseResult.Print(["Exit codes:", .. ExitCodes(parseResult.CommandResult.Command).Select(one => $"  {one.Code,-4} {one.Meaning}"), ""]);
            return ExitCode.Done;
        }

        // A group of commands shows the codes of all its commands.
        private static IEnumerable<(int Code, string Meaning)> ExitCodes(Command command) => ExitCode.All.Where(
            one => one.Code != ExitCode.GaveUp || command.Subcommands.Count > 0 || command.Options.Any(option => option.Name == "--wait"));

        // If an argument has no such name, the library shows the values that a shell would complete; this covers subcommands too.
        private static void Name(Command command)
        {
            foreach (var argument in command.Arguments)
                argument.HelpName ??= argument.Name;
            foreach (var subcommand in command.Subcommands)
                Name(subcommand);
        }
    }
}
