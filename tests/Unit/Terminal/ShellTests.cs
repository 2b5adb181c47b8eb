using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Terminal;

public class ShellTests
{
    [Theory]
    [InlineData("frobnicate", "unknown command or argument 'frobnicate'")]
    [InlineData("login --frobnicate", "unknown command or argument '--frobnicate'")]
    [InlineData("login --request-roles", "required argument missing for option: '--request-roles'")]
    [InlineData("login --reason=x", "--request-reason goes with --request-roles")]
    [InlineData("login --request-nowait", "--request-nowait goes with --request-roles")]
    [InlineData("login --server=tcp://host", "--server takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not 'tcp://host'")]
    [InlineData("login --proxy=ssh://-oProxyCommand=id", "--server takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not 'ssh://-oProxyCommand=id'")]
    [InlineData("requests list --format=xml", "--format takes text or json, not 'xml'")]
    [InlineData("request create", "say what you ask for: --roles=ROLE, or --resource=node/NAME")]
    [InlineData("request create --roles=dba --wait=soon", "--wait takes a duration such as 90s, 15m or 1h30m, not 'soon'")]
    [InlineData("request show", "required argument missing for command: 'show'")]
    [InlineData("request show --frobnicate", "unknown command or argument '--frobnicate'")]
    [InlineData("ssh -Z db1", "unknown command or argument '-Z'")]
    [InlineData("login --request-nowait= --request-roles=dba", "unknown command or argument ''")]
    [InlineData("ssh -l root postgres@db1", "the login is given twice, by -l and before the node")]
    public Task Unknown_tsh_arguments_are_a_usage_error(string line, string error) => IsUsageError(new TshCommand(), "tsh", line, error);

    [Theory]
    [InlineData("users update alice", "nothing to change: give --set-roles, --set-logins or --set-unix-users")]
    [InlineData("users add alice", "option '--roles' is required")]
    [InlineData("create one --tow", "unknown command or argument '--tow'")]
    [InlineData("requests approve ,", "no ID is given")]
    [InlineData("requests approve --rolse=db-support bc8ca931", "unknown command or argument '--rolse=db-support'")]
    [InlineData("requests approve bc8ca931 -F", "unknown command or argument '-F'")]
    [InlineData("certs ls --limit=0", "--limit takes a number from 1 up, not '0'")]
    [InlineData("auth export --type=hosts", "--type takes user, host, statements or krl, not 'hosts'")]
    [InlineData("get", "required argument missing for command: 'get'")]
    public Task Unknown_tctl_arguments_are_a_usage_error(string line, string error) => IsUsageError(new TctlCommand(), "tctl", line, error);

    [Theory]
    [InlineData("requests ls --server unix:/nowhere/ca.sock")]
    [InlineData("--server unix:/nowhere/ca.sock request list")]
    [InlineData("request approve --server=unix:/nowhere/ca.sock a,b c --reason=@x")]
    [InlineData("users update --set-roles ,contractor alice --server=unix:/nowhere/ca.sock")]
    [InlineData("users update --set-roles=none alice --server=unix:/nowhere/ca.sock")]
    [InlineData("requests deny --reason=--force a --server=unix:/nowhere/ca.sock")]
    [InlineData("requests deny --server=unix:/nowhere/ca.sock -- --frobnicate")]
    public async Task Missing_daemon_has_an_exit_code_of_its_own(string line)
    {
        var (exitCode, output, error) = await Run(new TctlCommand(), line);
        Assert.Equal(ExitCode.Unreachable, exitCode);
        Assert.Empty(output);
        Assert.StartsWith("tctl: error: no daemon answers at unix:/nowhere/ca.sock\ntctl: hint: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tsh", "", "login")]
    [InlineData("tsh", "--user=alice", "login")]
    [InlineData("tsh", "request", "create")]
    [InlineData("tctl", "users", "update")]
    [InlineData("tctl", "--server=unix:/nowhere/ca.sock nodes", "enroll")]
    public async Task Missing_command_shows_help_as_an_error(string program, string line, string subcommand)
    {
        var (exitCode, output, error) = await Run(Program(program), line);
        Assert.Equal((ExitCode.Usage, ""), (exitCode, output));
        Assert.Matches($@"\nCommands:\n(  .*\n)*  {subcommand}\b", error);
        var command = line.Split(' ')[^1] is { Length: > 0 } word && word[0] != '-' ? $"{program} {word}" : program;
        Assert.EndsWith($"\n{program}: error: {command} needs one of the commands above\n", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tsh", "help", "--help")]
    [InlineData("tsh", "help login", "login --help")]
    [InlineData("tsh", "help request create", "request create --help")]
    [InlineData("tctl", "help users", "users --help")]
    [InlineData("tctl", "help node", "nodes --help")]
    public async Task Help_command_prints_what_the_option_prints(string program, string line, string same) =>
        Assert.Equal(await Run(Program(program), same), await Run(Program(program), line));

    [Theory]
    [InlineData("help loign", "unknown command or argument 'loign'\ntsh: hint: did you mean 'tsh login'?\n")]
    [InlineData("help login now", "unknown command or argument 'now'\ntsh: hint: tsh login --help\n")]
    public async Task Help_of_an_unknown_command_is_a_usage_error(string line, string error) =>
        Assert.Equal((ExitCode.Usage, "", $"tsh: error: {error}"), await Run(new TshCommand(), line));

    [Fact]
    public async Task Unknown_letter_gets_no_suggestion() => Assert.Equal(
        (ExitCode.Usage, "", "tsh: error: unknown command or argument '-Z'\ntsh: hint: tsh ssh --help\n"),
        await Run(new TshCommand(), "ssh -Z db1"));

    [Theory]
    [InlineData("tsh", "--version")]
    [InlineData("tsh", "-v")]
    [InlineData("tctl", "--version")]
    [InlineData("tctl", "-v")]
    public async Task Version_option_prints_what_the_command_prints(string program, string line) =>
        Assert.Equal(await Run(Program(program), "version"), await Run(Program(program), line));

    [Theory]
    [InlineData("tsh loign", "tsh login")]
    [InlineData("tsh Login --user=alice", "tsh login")]
    [InlineData("tsh loign --request-roles=dba", "tsh login")]
    [InlineData("tsh request craete --roles=dba", "tsh request create")]
    [InlineData("tsh requst ls", "tsh request")]
    [InlineData("tsh login --reqest-roles=dba", "--request-roles")]
    [InlineData("tsh ls --sever unix:/nowhere/ca.sock", "--server")]
    [InlineData("tctl requests approve --rolse=db-support bc8ca931", "--roles")]
    [InlineData("tctl usres ls", "tctl users")]
    [InlineData("tctl nodes enrol db1", "tctl nodes enroll")]
    public async Task Misspelt_word_is_corrected_in_one_error(string line, string meant)
    {
        var words = line.Split(' ', 2);
        var (exitCode, output, error) = await Run(Program(words[0]), words[1]);
        Assert.Equal((ExitCode.Usage, ""), (exitCode, output));
        Assert.Matches($@"^{words[0]}: error: unknown command or argument '[^']+'\n{words[0]}: hint: did you mean '{meant}'\?\n$", error);
    }

    [Theory]
    [InlineData("tsh frobnicate", "tsh --help")]
    [InlineData("tsh request x", "tsh request --help")]
    [InlineData("tsh login --x=y", "tsh login --help")]
    [InlineData("tsh login ''", "tsh login --help")]
    [InlineData("tctl create --profile=work", "tctl create --help")]
    public async Task Word_unlike_any_other_is_not_corrected(string line, string hint)
    {
        var words = line.Split(' ', 2);
        Assert.EndsWith($"\n{words[0]}: hint: {hint}\n", (await Run(Program(words[0]), words[1])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_shows_examples()
    {
        var (exitCode, output, error) = await Run(new TshCommand(), "login --help");
        Assert.Equal(ExitCode.Done, exitCode);
        Assert.Contains("Examples:\n  tsh login --user=alice\n", output, StringComparison.Ordinal);
        Assert.Empty(error);
    }

    [Fact]
    public async Task Every_command_shows_help_and_has_an_example()
    {
        foreach (var root in new Command[] { new TshCommand(), new TctlCommand() })
            foreach (var verb in All(root).OfType<CliCommand>().Where(verb => verb is not VersionCommand))
            {
                Assert.NotEmpty(verb.Examples);
                Assert.All(verb.Examples, example => Assert.Contains($" {verb.Name}", example, StringComparison.Ordinal));
                Assert.False(string.IsNullOrEmpty(verb.Description));
            }
        Assert.Equal(ExitCode.Done, (await Run(new TctlCommand(), "requests --help")).ExitCode);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Any_exception_becomes_error_lines_and_an_exit_code(Exception thrown, int expected, string lines)
    {
        var (exitCode, output, error) = await Run(new Command("tsh") { new Failing(thrown) }, "fail");
        Assert.Equal((expected, "", lines), (exitCode, output, error));
    }

    public static TheoryData<Exception, int, string> Failures => new()
    {
        { new ProblemException(new Problem(ProblemCode.Denied, "no", "ask bob")), 1, "tsh: error: no\ntsh: hint: ask bob\n" },
        { new ProblemException(new Problem(ProblemCode.Invalid, "two faults", null, ["a:1:1: x", "a:2:1: y"])), 1, "tsh: error: a:1:1: x\ntsh: error: a:2:1: y\n" },
        { new ProblemException(new Problem(ProblemCode.Denied, "a\nb\e[2J")), 1, "tsh: error: a\\nb\\u{1b}[2J\n" },
        { new UnreachableException("nobody", "start it"), 3, "tsh: error: nobody\ntsh: hint: start it\n" },
        { new FailureException("gave up", null, ExitCode.GaveUp), 4, "tsh: error: gave up\n" },
        { new OperationCanceledException(), 130, "tsh: error: interrupted\n" },
        { new IOException("No space left."), 1, "tsh: error: no space left\n" },
        { new InvalidOperationException("x\ny"), 1, "tsh: error: a fault of tsh itself: InvalidOperationException: x\\ny\n" },
    };

    private static async Task IsUsageError(Command root, string program, string line, string error)
    {
        var (exitCode, output, talk) = await Run(root, line);
        Assert.Equal(ExitCode.Usage, exitCode);
        Assert.Empty(output);
        Assert.Contains($"{program}: error: {error}\n", talk, StringComparison.Ordinal);
        Assert.Matches($"\n{program}: hint: ({program} |did you mean )", talk);
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(Command root, string line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Shell.Run(root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries), output, error);
        return (exitCode, output.ToString(), error.ToString());
    }

    private static Command Program(string name) => name == "tsh" ? new TshCommand() : new TctlCommand();

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    private sealed class Failing(Exception thrown) : CliCommand("fail", "Fails")
    {
        protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation) => Task.FromException<int>(thrown);
    }
}
