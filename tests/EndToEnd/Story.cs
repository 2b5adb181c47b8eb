using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// A session as text: prompts (<c>root#</c>, <c>alice$</c>, <c>bob$</c>, <c>carol$</c>), what is typed, and what comes back. Lines that start
/// with a program's name and a colon must come on stderr, all others on stdout; <c>[exit N]</c> stands for an exit code that is
/// not 0. A command with <c>&amp;</c> runs on behind the lines that stand under it; <c>fg</c> waits for the rest. Ids, serials,
/// times and keys differ from run to run: the first id of the text stands for the first that comes back, and so on, in what is
/// typed too.
/// </summary>
internal sealed partial class Story(string name, IReadOnlyList<string> lines)
{
    public override string ToString() => name;

    public static Story Read(string path) => new(Path.GetFileNameWithoutExtension(path), File.ReadAllLines(path));

    /// <summary>The sessions of a document: its <c>console</c> blocks, as one story.</summary>
    public static Story ReadDocument(string path)
    {
        var session = new List<string>();
        var inside = false;
        foreach (var line in File.ReadLines(path))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                inside = line == "```console";
            else if (inside)
                session.Add(line);
        }
        return new Story(Path.GetFileName(path), session);
    }

    /// <summary>Plays it, and fails with every step that went otherwise.</summary>
    public async Task Play(TestDaemon daemon)
    {
        var ids = new List<(string Written, string Real)>();
        var background = new Dictionary<string, Running>();
        var otherwise = new List<string>();
        foreach (var step in Steps())
        {
            var person = step.Who switch { "root#" => daemon.Administrator, "alice$" => daemon.Person(Person.Alice), "carol$" => daemon.Person(Person.Carol), _ => daemon.Person(Person.Bob) };
            var typed = ids.Aggregate(step.Command, (text, id) => Regex.Replace(text, $@"\b{id.Written[..8]}(-[0-9a-f-]+)?\b", id.Real));
            if (typed == "fg")
            {
                Compare(step, await background[step.Who].Finish(), ids, otherwise);
                background.Remove(step.Who);
            }
            else if (typed.EndsWith('&'))
            {
                var running = new Running(person.Start("bash", "-c", InHome(person, $"exec {typed[..^1]}")));
                var first = new StringBuilder();
                foreach (var _ in step.Output)
                    first.Append(await running.NextLine()).Append('\n');
                Compare(step, new Outcome(0, first.ToString(), ""), ids, otherwise);
                background[step.Who] = running;
            }
            else
            {
                Compare(step, await person.Types("bash", "-c", InHome(person, typed)), ids, otherwise);
            }
        }
        Assert.True(otherwise.Count == 0, string.Join("\n\n", otherwise));
        Assert.Empty(background);
    }

    private static string InHome(Person person, string typed) => $"cd '{Path.GetDirectoryName(person.Home)}' && {typed}";

    private IEnumerable<Step> Steps()
    {
        for (var i = 0; i < lines.Count;)
        {
            if (Prompt().Match(lines[i]) is not { Success: true } prompt)
            {
                Assert.True(lines[i].Length == 0 || lines[i][0] == '#', $"{name}:{i + 1}: neither a prompt nor a comment: {lines[i]}");
                i++;
                continue;
            }
            var at = ++i;
            var command = new StringBuilder(prompt.Groups["command"].Value);
            if (HereDocument().Match(command.ToString()) is { Success: true } here)
                do
                    command.Append('\n').Append(lines[i]);
                while (lines[i++] != here.Groups["end"].Value);
            while (command[^1] == '\\')
                command.Append('\n').Append(lines[i++]);
            var (output, error, exit) = (new List<string>(), new List<string>(), 0);
            for (; i < lines.Count && !Prompt().IsMatch(lines[i]) && !(lines[i].Length == 0 && NextIsNotOutput(i)); i++)
                if (ExitCode().Match(lines[i]) is { Success: true } code)
                    exit = int.Parse(code.Groups["code"].Value);
                else
                    (Talk().IsMatch(lines[i]) ? error : output).Add(lines[i]);
            yield return new Step(at, prompt.Groups["who"].Value, command.ToString(), output, error, exit);
        }
    }

    // A blank line before a prompt or a comment parts the steps; elsewhere it is output.
    private bool NextIsNotOutput(int i)
    {
        while (i < lines.Count && lines[i].Length == 0)
            i++;
        return i == lines.Count || lines[i][0] == '#' || Prompt().IsMatch(lines[i]);
    }

    private void Compare(Step step, Outcome came, List<(string Written, string Real)> ids, List<string> otherwise)
    {
        var written = string.Join('\n', step.Output.Concat(step.Error));
        var real = came.Output + came.Error;
        foreach (var (one, other) in Id().Matches(written).Zip(Id().Matches(real)))
            if (!ids.Exists(id => id.Written == one.Value))
                ids.Add((one.Value, other.Value));
        var here = $"{name}:{step.Line}: {step.Who} {step.Command}";
        var wanted = $"{here}\n{Plain(step.Output, ids.ToDictionary(id => id.Written, id => id.Real))}stderr:\n{Plain(step.Error, ids.ToDictionary(id => id.Written, id => id.Real))}[exit {step.ExitCode}]";
        var actual = $"{here}\n{Plain(Lines(came.Output), [])}stderr:\n{Plain(Lines(came.Error), [])}[exit {came.ExitCode}]";
        if (wanted != actual)
            otherwise.Add($"written: {wanted}\ncame: {actual}");
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');

    // What differs from run to run, as words.
    private static string Plain(IEnumerable<string> lines, Dictionary<string, string> ids)
    {
        var plain = new StringBuilder();
        foreach (var line in lines)
        {
            var text = Id().Replace(line, id => ids.GetValueOrDefault(id.Value, id.Value));
            text = Time().Replace(text, "TIME");
            text = Serial().Replace(text, "SERIAL");
            text = Fingerprint().Replace(text, "FINGERPRINT");
            text = KeyBlob().Replace(text, "KEY");
            plain.Append(Left().Replace(text, "valid for A WHILE")).Append('\n');
        }
        return plain.ToString();
    }

    private sealed record Step(int Line, string Who, string Command, List<string> Output, List<string> Error, int ExitCode);

    private sealed class Running(Process process)
    {
        private readonly Task<string> error = process.StandardError.ReadToEndAsync();

        public async Task<string?> NextLine() => await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));

        public async Task<Outcome> Finish()
        {
            var rest = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            using (process)
                return new Outcome(process.ExitCode, rest, await error);
        }
    }

    [GeneratedRegex(@"^(?<who>root#|alice\$|bob\$|carol\$) (?<command>.+)$")]
    private static partial Regex Prompt();

    [GeneratedRegex(@"<<'(?<end>\w+)'")]
    private static partial Regex HereDocument();

    [GeneratedRegex(@"^\[exit (?<code>\d+)\]$")]
    private static partial Regex ExitCode();

    [GeneratedRegex("^(tsh|tctl|certauthority): ")]
    private static partial Regex Talk();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00|Z)?|\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC")]
    private static partial Regex Time();

    [GeneratedRegex(@"\b1[0-9]{9}\b")]
    private static partial Regex Serial();

    [GeneratedRegex(@"SHA256:[A-Za-z0-9+/]{43}")]
    private static partial Regex Fingerprint();

    [GeneratedRegex(@"AAAA[A-Za-z0-9+/=]{40,}")]
    private static partial Regex KeyBlob();

    [GeneratedRegex(@"valid for \w+")]
    private static partial Regex Left();
}
