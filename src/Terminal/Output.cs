using System.CommandLine;
using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>
/// The output of the command lines. Data goes to stdout, messages to stderr: <c>tsh: error: …</c>, then <c>tsh: hint: …</c>; lower case, no
/// full stop, one line each. Every line is escaped, because names and reasons come from people.
/// </summary>
public static class Output
{
    extension(ParseResult parsed)
    {
        /// <summary>Prints a line of data.</summary>
        public void Print(string line) => parsed.InvocationConfiguration.Output.WriteLine(Printable.Escape(line));

        /// <summary>Prints several lines of data in one write, so that a long list costs one system call.</summary>
        public void Print(IEnumerable<string> lines)
        {
            var text = new StringBuilder();
            foreach (var line in lines)
                text.Append(Printable.Escape(line)).Append('\n');
            parsed.InvocationConfiguration.Output.Write(text.ToString());
        }

        /// <summary>Prints a table; on a terminal, with states in colour, and as wide as the terminal unless --wide is given.</summary>
        public void Print(Table table)
        {
            if (table.IsEmpty)
            {
                parsed.Say(table.Nothing);
                return;
            }
            var coloured = Colour.IsShownBy(parsed.InvocationConfiguration.Output);
            parsed.PrintEscaped(
                parsed.InvocationConfiguration.Output is StandardWriter { Columns: { } width } && !WideOption.IsGiven(parsed)
                    ? table.Fitted(width, TimeProvider.System.GetUtcNow(), coloured)
                    : table.Lines(coloured));
        }

        /// <summary>Prints lines that are already escaped in their own notation; a second escape would change the text.</summary>
        public void PrintEscaped(IEnumerable<string> lines) =>
            parsed.InvocationConfiguration.Output.Write(string.Concat(lines.Select(line => line + "\n")));

        /// <summary>
        /// Prints lines of a file that the user copies elsewhere: unlike in text from people, a backslash is not doubled. Control
        /// characters are escaped all the same.
        /// </summary>
        public void PrintAsIs(IEnumerable<string> lines) =>
            parsed.PrintEscaped(lines.Select(line => string.Join('\\', line.Split('\\').Select(Printable.Escape))));

        /// <summary>Prints a message, or an array of messages, as indented JSON.</summary>
        public void PrintJson<T>(T value)
        {
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
                JsonSerializer.Serialize(writer, value, ProtocolJson.Lenient.Of<T>());
            parsed.InvocationConfiguration.Output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
        }

        /// <summary>Prints each message as JSON on a line of its own; each line is written whole.</summary>
        public void PrintJsonLines<T>(IEnumerable<T> values) =>
            parsed.PrintEscaped(values.Select(value => JsonSerializer.Serialize(value, ProtocolJson.Lenient.Of<T>())));

        /// <summary>Prints the result of a change: with <c>--format=json</c> the message of the daemon, and otherwise its text.</summary>
        public void PrintResult<T>(T result, params string[] text)
        {
            if (FormatOption.IsJson(parsed))
                parsed.PrintJson(result);
            else
                parsed.Print(text);
        }

        /// <summary>Reports progress.</summary>
        public void Say(string line) => parsed.Talk("", line);

        /// <summary>Prints a warning.</summary>
        public void Warn(string line) => parsed.Talk("warning:", line);

        /// <summary>Prints an error, and what to do about it.</summary>
        public void Complain(string error, string? hint = null)
        {
            parsed.Talk("error:", error);
            if (hint is not null)
                parsed.Hint(hint);
        }

        /// <summary>Prints a refusal of the daemon: one line for each fault, then what would help.</summary>
        /// <param name="problem">The refusal.</param>
        /// <param name="about">What each line begins with: which of several things was refused.</param>
        public void Complain(Problem problem, string about = "")
        {
            foreach (var fault in problem.Faults is { Length: > 0 } faults ? faults : [parsed.DetailOf(problem)])
                parsed.Complain(about + fault);
            if (parsed.HintOf(problem) is { } hint)
                parsed.Hint(hint);
        }

        /// <summary>
        /// Returns what is wrong, in one line. A field of the message appears as the option of this command, if it has that option.
        /// </summary>
        public string DetailOf(Problem problem)
        {
            return parsed.OptionOf(problem) is { } option && problem.Detail.StartsWith(problem.Field!, StringComparison.Ordinal)
                ? option + problem.Detail[problem.Field!.Length..]
                : problem.Detail;
        }

        /// <summary>Whether the daemon found the value of an option malformed, as the parser would have if it knew the rule.</summary>
        public bool IsUsage(Problem problem) => problem.Code == ProblemCode.Invalid && parsed.OptionOf(problem) is not null;

        // The option of this command for the member of the message that is wrong; null for none.
        private string? OptionOf(Problem problem)
        {
            var option = $"--{problem.Field?.Replace('_', '-')}";
            return problem.Field is { Length: > 0 }
                && parsed.CommandResult.Command.Options.Any(one => one.Name == option || one.Aliases.Contains(option))
                ? option
                : null;
        }

        /// <summary>
        /// Returns what would help, in one line: the explanation, then each next step with the command of this program for it. Null for
        /// nothing.
        /// </summary>
        public string? HintOf(Problem problem) =>
            string.Join("; ", new[] { problem.Hint }.Concat(parsed.Show(problem.Next)).OfType<string>()) is { Length: > 0 } hint
                ? hint.Replace("?; ", "? ", StringComparison.Ordinal)
                : null;

        /// <summary>Returns what to do about a daemon that does not answer; null for nothing.</summary>
        public string? HintOf(UnreachableException unreachable) =>
            unreachable.Look is { } look && parsed.Show([look]).FirstOrDefault() is { } shown
                ? $"{unreachable.Hint}: {shown}"
                : unreachable.Hint;

        /// <summary>
        /// Returns next steps with the commands of this program for them. A step that only a newer version knows is left out.
        /// </summary>
        public IEnumerable<string> Show(NextStep[]? steps) =>
            (steps ?? []).Select(step => (parsed.RootCommandResult.Command as ProgramCommand)?.Show(step, parsed)).OfType<string>();

        /// <summary>Prints what to do next.</summary>
        public void Hint(string line) => parsed.Talk("hint:", line);

        /// <summary>Prints a question; the user types the answer on the same line.</summary>
        public void Ask(string question) =>
            parsed.InvocationConfiguration.Error.Write($"{parsed.RootCommandResult.Command.Name}: {Printable.Escape(question)}");

        /// <summary>Ends the line of a question that got no answer.</summary>
        public void EndLine() => parsed.InvocationConfiguration.Error.WriteLine();

        private void Talk(string kind, string line)
        {
            var error = parsed.InvocationConfiguration.Error;
            string[] words = [$"{parsed.RootCommandResult.Command.Name}:", Colour.IsShownBy(error) ? Colour.OfTalk(kind) : kind,
                Printable.Escape(line)];
            error.WriteLine(string.Join(' ', words.Where(word => word is not "")));
        }
    }
}
