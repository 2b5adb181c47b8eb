using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>
/// <c>__complete -- WORD…</c>: what the scripts of <see cref="CompletionCommand"/> ask. The last word is the one under the cursor. A line
/// for
/// each word that could stand in its place: the word, and after a tab what it is; or the line <c>:files</c>. Whatever goes wrong, nothing
/// is said: it would land in the line that somebody types.
/// </summary>
public sealed class CompleteCommand : Command
{
    private readonly Argument<string[]> words = new("WORD") { Arity = ArgumentArity.ZeroOrMore };

    /// <summary>The command.</summary>
    /// <param name="prepare">What the program does to its arguments before it parses them.</param>
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

        // A word that a shell or a terminal would take for something else is not offered.
        private static string? Line(CompletionItem item) =>
            Printable.Escape(item.Label) != item.Label || item.Label.Any(c => char.IsWhiteSpace(c) || "'\"`$&|;<>()!#?~[]{}".Contains(c))
                ? null
            : item.Detail is { Length: > 0 } detail ? $"{item.Label}\t{Printable.Escape(detail)}"
            : item.Label;
    }
}
