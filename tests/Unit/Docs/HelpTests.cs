using System.CommandLine;
using System.Text.RegularExpressions;
using CertAuthority.ManPages;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>Every <c>--help</c> and every manual page, as somebody reads it.</summary>
public class HelpTests
{
    // DESTINATION, KEY=VALUE, [LOGIN@]NODE, text|json: what people put there, and never what a shell would complete.
    private static readonly Regex Named = new(@"^(\[LOGIN@\]NODE|[A-Z][A-Z.=/a-z0-9]*…?|(\w+\|)+\w+|[A-Z]\w*(/\w+)?\[,.*…\]|.*\b[A-Z]{2,}\b.*)$", RegexOptions.ExplicitCapture);

    [Fact]
    public async Task Every_help_has_named_values_an_example_and_exit_codes()
    {
        var faults = new List<string>();
        foreach (var path in Paths([new TshCommand()]).Concat(Paths([new TctlCommand()])))
        {
            var (root, words) = ((Command)(path[0] is TshCommand ? new TshCommand() : new TctlCommand()), path[1..].Select(command => command.Name).Append("--help").ToArray());
            using var output = new StringWriter();
            using var error = new StringWriter();
            var line = $"{root.Name} {string.Join(' ', words)}";
            if (await Shell.Run(root, words, output, error) != ExitCode.Done || error.ToString().Length > 0)
                faults.Add($"{line}: {error}");
            var help = output.ToString();
            faults.AddRange(Regex.Matches(help, "<(?<name>[^>\n]*)>").Select(found => found.Groups["name"].Value).Where(name => !Named.IsMatch(name)).Select(name => $"{line}: <{name}>"));
            if (path[^1] is CliCommand && path[^1] is not VersionCommand && !Regex.IsMatch(help, $@"Examples:\n  .*\b{root.Name} "))
                faults.Add($"{line}: no example");
            // Only who waits gives up.
            var gives = path[^1].Subcommands.Count > 0 || path[^1].Options.Any(option => option.Name == "--wait");
            foreach (var (code, meaning) in ExitCode.All)
                if (Regex.IsMatch(help, $@"\n  {code} +{Regex.Escape(meaning)}\n") != (code != ExitCode.GaveUp || gives))
                    faults.Add($"{line}: exit code {code}");
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public void Every_command_that_prints_data_takes_a_format()
    {
        string[] without =
        [
            // They become ssh.
            "tsh ssh", "tsh relay",
            // They talk to a person.
            "tsh review", "tsh help", "tsh ui", "tctl help", "tctl ui",
            // It names another program.
            "tctl migrate",
            // They print a file for another program.
            "tsh completion", "tctl auth export", "tctl completion",
        ];
        var found = Paths([new TshCommand()]).Concat(Paths([new TctlCommand()]))
            .Where(path => path[^1] is CliCommand verb && !verb.Options.Any(option => option is FormatOption))
            .Select(path => string.Join(' ', path.Select(command => command.Name)));
        Assert.Equal(without.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Daemon_help_has_examples_and_exit_codes()
    {
        using var output = new StringWriter();
        Assert.Equal(0, await new DaemonCommand().Parse("--help").InvokeAsync(new InvocationConfiguration { Output = output }));
        var help = output.ToString();
        Assert.DoesNotMatch("<(?![A-Z]+>)", help);
        Assert.Matches(@"\nExamples:\n  certauthority --check-config\n", help);
        foreach (var (code, meaning) in DaemonCommand.ExitCodes)
            Assert.Contains($"\n  {code,-4} {meaning}\n", help);
        foreach (var example in DaemonCommand.Examples)
            Assert.Empty(new DaemonCommand().Parse(example["certauthority ".Length..]).Errors);
    }

    [Fact]
    public void Every_page_has_named_values_an_example_and_exit_codes()
    {
        var faults = new List<string>();
        foreach (var page in Manual.Pages(DateTimeOffset.UnixEpoch))
        {
            if (page.Text.Contains(":files", StringComparison.Ordinal))
                faults.Add($"{page.FileName}: :files");
            faults.AddRange(page.Command.Arguments.Where(argument => !Named.IsMatch(argument.HelpName ?? argument.Name)).Select(argument => $"{page.FileName}: {argument.HelpName ?? argument.Name}"));
            faults.AddRange(page.Options.Where(option => option.HelpName is { } name ? !Named.IsMatch(name) : option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool)).Select(option => $"{page.FileName}: {option.Name} {option.HelpName}"));
            if (page.Command is (CliCommand and not VersionCommand) or DaemonCommand && !page.Text.Contains("\n.SH \"EXAMPLES\"\n", StringComparison.Ordinal))
                faults.Add($"{page.FileName}: no example");
            if (!Regex.IsMatch(page.Text, """\n\.SH "EXIT STATUS"\n\.TP\n\\fB0"""))
                faults.Add($"{page.FileName}: no exit status");
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static IEnumerable<Command[]> Paths(Command[] path) =>
        path[^1].Subcommands.Where(command => !command.Hidden).SelectMany(command => Paths([.. path, command])).Prepend(path);
}
