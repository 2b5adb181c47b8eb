using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace CertAuthority.Terminal;

/// <summary>
/// Finds the words that could be under the cursor. The parser determines what the word would be, and the option or argument knows its
/// values (CompletionSources). The library's own [suggest] takes the line as one text, completes no --option=value and does not support
/// lists.
/// </summary>
internal static class Completion
{
    /// <summary>Returns the words that could replace the current one, in the order of their sources.</summary>
    /// <param name="root">The whole program.</param>
    /// <param name="before">The words before it.</param>
    /// <param name="current">The word under the cursor, as far as it is typed.</param>
    public static IEnumerable<CompletionItem> Complete(Command root, IReadOnlyList<string> before, string current)
    {
        var mayBeOption = !before.Contains("--");
        var (option, typed) = mayBeOption && current.StartsWith("--", StringComparison.Ordinal)
            && current.Split('=', 2) is [var name, var given] ? (name, given) : (null, current);
        var parsed = Shell.Parse(root, [.. Shell.KeepEmptyValues(before), .. option is null ? [typed] : (string[])[option, typed]]);
        var last = parsed.Tokens[^1];
        var owner = Owner(parsed, last);
        if (owner is OptionResult { Option: var asked } && (option is not null || asked.Arity.MinimumNumberOfValues > 0))
            return Values(parsed, asked.CompletionSources, typed, asked is ListOption, option is null ? "" : $"{option}=");
        if (option is not null)
            return [];
        if (mayBeOption && current.StartsWith('-'))
            return Fitting(Options(parsed), option => option.Aliases, current)
                .Select(one => new CompletionItem(
                    one.Arity.MinimumNumberOfValues > 0 ? $"{one.Name}=" : one.Name, detail: one.Description));

        // A complete command name may also be the beginning of another one.
        var command = last.Type == TokenType.Command
            ? parsed.CommandResult.Parent as CommandResult ?? parsed.CommandResult
            : parsed.CommandResult;
        var argument = (owner as ArgumentResult)?.Argument ?? command.Command.Arguments.FirstOrDefault();
        return Subcommands(command.Command, typed)
            .Concat(
                argument is null ? [] : Values(parsed, argument.CompletionSources, typed, argument.Arity.MaximumNumberOfValues > 1, ""));
    }

    private static SymbolResult? Owner(ParseResult parsed, Token last)
    {
        for (var command = parsed.CommandResult; command is not null; command = command.Parent as CommandResult)
            foreach (var result in command.Children)
                if (result is OptionResult or ArgumentResult && result.Tokens.Any(token => ReferenceEquals(token, last)))
                    return result;
        return null;
    }

    // In a list, only the text after the last comma is completed, and items that are already there are not offered again.
    private static IEnumerable<CompletionItem> Values(
        ParseResult parsed, IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources, string typed, bool isList,
        string prefix)
    {
        var kept = isList ? typed[..(typed.LastIndexOf(',') + 1)] : "";
        var present = kept.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var context = parsed.GetCompletionContext();
        foreach (var item in sources.SelectMany(source => source(context)))
            if (item.Label == Suggestions.FilesLabel)
                yield return item;
            else if (item.Label.StartsWith(typed[kept.Length..], StringComparison.Ordinal) && !present.Contains(item.Label))
                yield return new CompletionItem(prefix + kept + item.Label, detail: item.Detail);
    }

    /// <summary>Offers the commands that can follow a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="typed">The next word, as far as it is typed.</param>
    public static IEnumerable<CompletionItem> Subcommands(Command command, string typed) =>
        Fitting(command.Subcommands.Where(subcommand => !subcommand.Hidden), subcommand => subcommand.Aliases, typed)
            .Select(subcommand => new CompletionItem(subcommand.Name, detail: subcommand.Description));

    private static IEnumerable<Option> Options(ParseResult parsed)
    {
        for (var command = parsed.CommandResult; command is not null; command = command.Parent as CommandResult)
            foreach (var option in command.Command.Options)
                if (!option.Hidden && (option.Recursive || command == parsed.CommandResult)
                    && (option is ListOption || parsed.GetResult(option) is null or { Implicit: true }))
                    yield return option;
    }

    // A synonym counts only where no name fits: a shell would otherwise take back letters that are typed.
    private static List<T> Fitting<T>(IEnumerable<T> symbols, Func<T, IEnumerable<string>> synonyms, string typed)
        where T : Symbol
    {
        var all = symbols.ToList();
        var named = all.FindAll(one => one.Name.StartsWith(typed, StringComparison.Ordinal));
        return named is [] ? all.FindAll(one => synonyms(one).Any(other => other.StartsWith(typed, StringComparison.Ordinal))) : named;
    }
}
