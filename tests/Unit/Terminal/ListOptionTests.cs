using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tests.Unit.Terminal;

public class ListOptionTests
{
    [Theory]
    [InlineData("--roles=access,dba", new[] { "access", "dba" })]
    [InlineData("--roles ,contractor", new[] { "contractor" })]
    [InlineData("--roles access,,dba,", new[] { "access", "dba" })]
    [InlineData("--roles access --roles dba", new[] { "access", "dba" })]
    [InlineData("--roles ,", new string[0])]
    [InlineData("", null)]
    public void List_values_are_read(string line, string[]? items)
    {
        var roles = new ListOption("--roles", "", "ROLE");
        var parsed = new Command("x") { roles }.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(parsed.Errors);
        Assert.Equal(items, roles.Given(parsed));
    }

    [Theory]
    [InlineData("--roles=", "x: error: --roles is empty; to take all away: --roles=none")]
    [InlineData("--roles ,", "x: error: --roles is empty; to take all away: --roles=none")]
    [InlineData("--user=", "x: error: --user is empty")]
    [InlineData("--user=alice --user=", "x: error: --user is empty")]
    [InlineData("--reason=", "")]
    [InlineData("--roles=,dba --user=alice", "")]
    public async Task Empty_value_is_a_usage_error(string line, string told)
    {
        var command = new RootCommand
        {
            new ListOption("--roles", "", "ROLE") { Instead = "to take all away: --roles=none" },
            new Option<string[]>("--user") { HelpName = "USER" },
            new Option<string?>("--reason") { HelpName = "TEXT" },
        };
        command.SetAction(_ => 0);
        using var error = new StringWriter();
        var exitCode = await Shell.Run(command, line.Split(' '), TextWriter.Null, error);
        Assert.Equal(told.Length > 0 ? ExitCode.Usage : ExitCode.Done, exitCode);
        Assert.Contains(told.Split(": ", 2).Last(), error.ToString(), StringComparison.Ordinal);
    }
}
