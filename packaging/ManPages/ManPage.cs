using System.CommandLine;
using CertAuthority.Signer;
using CertAuthority.Terminal;

namespace CertAuthority.ManPages;

/// <summary>A command as a manual page: the same descriptions, options and examples that <c>--help</c> shows.</summary>
/// <param name="facts">Of its program.</param>
/// <param name="path">From the program to the command.</param>
/// <param name="date">What the page bears.</param>
internal sealed class ManPage(ProgramFacts facts, Command[] path, DateTimeOffset date)
{
    /// <summary>The command.</summary>
    public Command Command => path[^1];

    /// <summary><c>tsh-login.1</c>.</summary>
    public string FileName => $"{Name}.{facts.Section}";

    /// <summary>The page.</summary>
    public string Text
    {
        get
        {
            var page = new Roff();
            // The date as it is: a reader that finds an escape in it takes it for no date.
            page.Request($".TH {Roff.Escape(Name.ToUpperInvariant())} {facts.Section} {date.UtcDateTime:yyyy-MM-dd} \"certauthority {typeof(CliCommand).Assembly.GetName().Version!.ToString(3)}\"");
            // No hyphenation, ragged right: much of it is to be typed.
            page.Request(".nh").Request(".ad l");
            page.Macro("SH", "NAME").Line($"{Name} - {Sentence(Command.Description!, upper: false)}");
            page.Macro("SH", "SYNOPSIS").Line(Synopsis());
            page.Macro("SH", "DESCRIPTION").Line($"{Sentence(Command.Description!, upper: true)}.");
            foreach (var argument in Command.Arguments)
                Term(page, [('I', argument.HelpName ?? argument.Name)], $"{argument.Description}.");
            if (Children is { Count: > 0 } children)
            {
                page.Macro("SS", "Commands");
                foreach (var child in children)
                    Term(page, [('B', child.Name), .. child.Aliases.SelectMany(alias => ((char, string)[])[('R', ", "), ('B', alias)])], $"{Sentence(child.Description!, upper: true)}; see {Name}-{child.Name}({facts.Section}).");
            }
            page.Macro("SH", "OPTIONS");
            foreach (var option in Options)
                Term(page, Heading(option), Meaning(option));
            if (Examples is { Count: > 0 } examples)
            {
                page.Macro("SH", "EXAMPLES").Macro("nf");
                foreach (var example in examples)
                    page.Line(example);
                page.Macro("fi");
            }
            Section(page, "ENVIRONMENT", facts.Environment);
            Section(page, "FILES", facts.Files);
            Section(page, "EXIT STATUS", facts.ExitStatus);
            page.Macro("SH", "SEE ALSO").Line([.. SeeAlso().SelectMany((other, i) => Reference(other, first: i == 0))]);
            return page.ToString();
        }
    }

    /// <summary>The command's own options, and those of the commands above it that hold for it too.</summary>
    public IEnumerable<Option> Options =>
        Command.Options.Concat(path[..^1].Reverse().SelectMany(above => above.Options.Where(option => option.Recursive))).Where(option => !option.Hidden);

    private IReadOnlyList<string> Examples => Command switch
    {
        CliCommand verb => verb.Examples,
        DaemonCommand => DaemonCommand.Examples,
        SignerCommand => SignerCommand.Examples,
        CompareCommand => CompareCommand.Examples,
        _ => [],
    };

    private string Name => Joined('-', path.Length);

    private List<Command> Children => [.. Command.Subcommands.Where(child => !child.Hidden)];

    private (char, string)[] Synopsis()
    {
        var synopsis = new List<(char, string)> { ('B', Joined(' ', path.Length)) };
        if (Children.Count > 0)
            synopsis.AddRange([('R', " "), ('I', "COMMAND")]);
        foreach (var option in Options.Where(option => option.Required))
            synopsis.AddRange([('R', " "), ('B', option.Name), ('R', "="), ('I', option.HelpName!)]);
        synopsis.AddRange([('R', " ["), ('I', "OPTION"), ('R', "...]")]);
        foreach (var argument in Command.Arguments)
        {
            var (begin, end) = argument.Arity.MinimumNumberOfValues == 0 ? (" [", "]") : (" ", "");
            var name = argument.HelpName ?? argument.Name;
            synopsis.AddRange([('R', begin), ('I', name), ('R', (argument.Arity.MaximumNumberOfValues > 1 && !name.EndsWith('…') ? "…" : "") + end)]);
        }
        return [.. synopsis];
    }

    private static (char, string)[] Heading(Option option)
    {
        var names = option.Aliases.Append(option.Name).Where(name => !name.StartsWith('/')).OrderBy(name => name.Length > 2).ThenBy(name => name == option.Name).ThenBy(name => name, StringComparer.Ordinal).ToList();
        var heading = new List<(char, string)>();
        foreach (var name in names)
            heading.AddRange([('R', heading.Count == 0 ? "" : ", "), ('B', name)]);
        if (option.HelpName is { } value)
            heading.AddRange(option.Arity.MinimumNumberOfValues == 0 ? [('R', "[="), ('I', value), ('R', "]")] : [('R', "="), ('I', value)]);
        return [.. heading];
    }

    private static string Meaning(Option option)
    {
        var meaning = $"{Sentence(option.Description!, upper: true)}.";
        if (option.Required)
            meaning += " Required.";
        return option.HasDefaultValue && option.GetDefaultValue() is string { Length: > 0 } standard ? $"{meaning} Default: {standard}." : meaning;
    }

    private IEnumerable<string> SeeAlso()
    {
        if (path.Length > 1)
            yield return $"{Joined('-', path.Length - 1)}({facts.Section})";
        foreach (var child in Children)
            yield return $"{Name}-{child.Name}({facts.Section})";
        foreach (var other in facts.SeeAlso)
            yield return other;
    }

    private string Joined(char separator, int length) => string.Join(separator, path.Take(length).Select((command, i) => i == 0 ? facts.Program : command.Name));

    private static (char, string)[] Reference(string page, bool first) =>
        [('R', first ? "" : ", "), ('B', page[..page.IndexOf('(')]), ('R', page[page.IndexOf('(')..])];

    private static void Section(Roff page, string title, (string Term, string Meaning)[] facts)
    {
        page.Macro("SH", title);
        foreach (var (term, meaning) in facts)
            Term(page, [('B', term)], meaning);
    }

    private static void Term(Roff page, (char, string)[] term, string meaning) => page.Macro("TP").Line(term).Line(meaning);

    private static string Sentence(string text, bool upper) =>
        (upper ? char.ToUpperInvariant(text[0]) : char.ToLowerInvariant(text[0])) + text[1..].TrimEnd('.');
}
