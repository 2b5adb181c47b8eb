using System.Text.RegularExpressions;
using CertAuthority.Terminal;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>Whoever types what a message, a mail, a sample or a page says to type is understood: each such line goes through the real parser.</summary>
public class PrintedCommandsTests
{
    // Where a command ends in prose.
    private static readonly Regex Ended = new(@"\n|; |: |, |\. |\||<|>|&&|#|\(|\)|\.$", RegexOptions.ExplicitCapture);

    // What a sentence goes on with behind the command; and after a command without its arguments, as in "tctl nodes enroll lets it in".
    private static readonly Regex Prose = new("^[a-z]+$");
    private static readonly HashSet<string> Does = ["lets", "gives", "shows", "makes", "asks", "says", "has", "can", "writes", "is", "takes", "sets"];

    [Fact]
    public void Every_command_in_a_message_parses()
    {
        // NextStepTests reads what is shown for next steps, with values in it.
        var commands = Directory.EnumerateFiles(Path.Combine(Document.Root, "src"), "*.cs", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "NextStepText.cs")
            .SelectMany(file => Literals.Of(File.ReadAllText(file)).SelectMany(Commands).Select(command => (File: Path.GetFileName(file), Command: command))).ToList();
        Assert.True(commands.Count > 150, $"only {commands.Count} commands were found");
        ExpectNone(commands.Where(one => !IsUnderstood(one.Command)).Select(one => $"{one.File}: {Shown(one.Command)}"));
    }

    [Fact]
    public void Every_command_in_a_sample_and_in_the_package_parses()
    {
        var commands = ((string[])["config", "packaging", "src"]).SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Document.Root, folder), "*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is ".yaml" or ".conf" or ".sh" or ".service" or ".timer" or "" && Path.GetFileName(file) != "copyright" && !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => File.ReadLines(file).SelectMany(Commands).Where(command => IsName(CommandLine.Words(command)[..2])).Select(command => (File: Path.GetFileName(file), Command: Regex.Replace(command, @"\$\{?\w+\}?", "x")))).ToList();
        Assert.NotEmpty(commands);
        ExpectNone(commands.Where(one => !IsUnderstood(one.Command)).Select(one => $"{one.File}: {Shown(one.Command)}"));
    }

    /// <summary>What stands in backquotes is a whole command line, or the name of a command, perhaps with some of its options.</summary>
    [Fact]
    public void Every_command_in_backquotes_of_a_page_parses()
    {
        var commands = Document.All.SelectMany(document => Regex.Matches(Regex.Replace(document.Text, "(?s)```.*?```", ""), "`(?<command>(?:tsh|tctl) [^`]+)`")
            .Select(found => (document.Path, Command: found.Groups["command"].Value.ReplaceLineEndings(" ")))).ToList();
        Assert.NotEmpty(commands);
        ExpectNone(commands.Where(one => !Commands(one.Command).Any(command => IsUnderstood(command) || IsMention(CommandLine.Words(command)))).Select(one => $"{one.Path}: {one.Command}"));
    }

    [Theory]
    [InlineData("to answer: tsh request review \u0001\n", false)]
    [InlineData("to approve it: tsh request review \u0001 --approve\n", true)]
    [InlineData("take it from them with tctl users update, or not", false)]
    [InlineData("tctl nodes ls lists them", true)]
    [InlineData("tctl nodes ls --wide-open lists them", false)]
    [InlineData("tctl nodes enroll lets it in there: docs/hosts.md", true)]
    [InlineData("there: tctl nodes enroll", false)]
    [InlineData("tsh login --request-id=\u0001; tsh frobnicate", false)]
    public void Command_that_the_parser_rejects_is_found(string text, bool isUnderstood) => Assert.Equal(isUnderstood, Commands(text).All(IsUnderstood));

    [Fact]
    public void Literals_of_code_are_found_with_their_holes() => Assert.Equal(
        ["inner", "a \u0001 b", "c\\\"d", "raw \u0001 {e}", "tsh login"],
        Literals.Of("""""
            // "no"
            f($"a {(x ? "inner" : null)} b", 'q', '"', @"c\""d", $$$""""raw {{{y}}} {e}""""); /* "no" */ home.Command("login");
            """""));

    internal static IEnumerable<string> Commands(string text) =>
        Regex.Matches(text, @"(?<![\w./-])(?:tsh|tctl) (?=[a-z_-])(?!on \u0001)").Select(found => text[found.Index..]).Select(rest => Ended.Match(rest) is { Success: true, Index: var end } ? rest[..end] : rest)
            .Select(command => command.Count(c => c == '"') % 2 == 0 ? command.Trim() : command[..command.LastIndexOf('"')].Trim());

    internal static bool IsUnderstood(string command)
    {
        // A value stands behind a blank or a separator; glued to a word it is whatever may follow. A resource is never x.
        var words = CommandLine.Words(Regex.Replace(command, "(?<=[ =/,@])\u0001", "x").Replace("--resource=x", "--resource=node/x", StringComparison.Ordinal).Replace($"{Literals.Hole}", "", StringComparison.Ordinal));
        // The command itself is a value: each that it can be has examples, which are read where they stand.
        if (words.Skip(1).FirstOrDefault(word => word[0] != '-') is "x" || (words is [_, _, "x", ..] && CommandLine.Parse(words[..2]).CommandResult.Command is not CliCommand))
            return true;
        for (var length = words.Length; length > 1; length--)
            if (CommandLine.Parse(words[..length]) is { CommandResult.Command: CliCommand } parsed && Shell.IsUnderstood(parsed))
                return length == words.Length || Prose.IsMatch(words[length]);
        return Enumerable.Range(2, Math.Max(0, words.Length - 2)).Any(length => IsName(words[..length]) && Does.Contains(words[length]));
    }

    private static bool IsMention(string[] words)
    {
        var name = words.TakeWhile(word => word[0] != '-').ToArray();
        var command = CommandLine.Parse(name).CommandResult.Command;
        var options = command.Options.Concat(command.Parents.OfType<System.CommandLine.Command>().SelectMany(parent => parent.Options)).SelectMany(option => option.Aliases.Append(option.Name)).Append("--help").ToHashSet();
        return (name.Length == 1 || IsName(name)) && words[name.Length..].Where((word, i) => !options.Contains(word.Split('=')[0].TrimEnd('[')) && (word[0] == '-' || !words[name.Length + i - 1].StartsWith("--", StringComparison.Ordinal))).ToList() is [];
    }

    private static void ExpectNone(IEnumerable<string> faults)
    {
        var all = string.Join('\n', faults);
        Assert.True(all.Length == 0, all);
    }

    private static bool IsName(string[] words) =>
        CommandLine.Parse(words).CommandResult is { } result && string.Join(' ', words) == string.Join(' ', words[..1].Concat(Names(result)));

    private static IEnumerable<string> Names(System.CommandLine.Parsing.CommandResult result) =>
        result.Parent is System.CommandLine.Parsing.CommandResult parent ? Names(parent).Append(result.IdentifierToken.Value) : [];

    private static string Shown(string command) => command.Replace(Literals.Hole, '…');
}
