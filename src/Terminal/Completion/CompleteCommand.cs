using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>
/// <c>__complete -- WORD…</c>: the command that the scripts of <see cref="CompletionCommand"/> call. The last word is the one under the
/// cursor. It prints one line for each possible word: the word, and after a tab its description; or the line <c>:files</c>. It prints no
/// errors, because they would appear in the line that the user is typing.
/// </summary>
public sealed class CompleteCommand : Command
{
    private readonly Argument<string[]> words = new("WORD") { Arity = ArgumentArity.ZeroOrMore };

    /// <summary>Creates the command.</summary>
    /// <param name="prepare">Changes the arguments in the same way as the program does before it parses them.</param>
    public CompleteCommand(Func<string[], IReadOnlyList<string>>? prepare = null)
        : base("__complete", "Answers the shell")
    {
        Hidden = true;
        Arguments.Add(words);
        Action = new Answer(words, prepare ?? (args => args));
    }

    private sealed class Answer(Argument<string[]> words, Func<string[], IReadOnlyList<string>> prepare) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            try
            {
                if (parseResult.GetValue(words) is [.. var before, var current])
                    parseResult.PrintEscaped(
                        Completion.Complete(parseResult.RootCommandResult.Command, prepare(before), current).Select(Line).OfType<string>());
            }
            catch (Exception)
            {
                return ExitCode.Failed;
            }
            return ExitCode.Done;
        }

        // Words that a shell or a terminal would interpret are not offered.
        private static string? Line(CompletionItem item) =>
            Printable.Escape(item.Label) != item.Label || item.Label.Any(c => char.IsWhiteSpace(c) || "'\"`$&|;<>()!#?~[]{}".Contains(c))
                ? null
            : item.Detail is { Length: > 0 } detail ? $"{item.Label}\t{Printable.Escape(detail)}"
            : item.Label;
    }
}
