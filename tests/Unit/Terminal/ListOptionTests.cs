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
    public void Reads_lists(string line, string[]? items)
    {
        var roles = new ListOption("--roles", "", "ROLE");
        var parsed = new Command("x") { roles }.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(parsed.Errors);
        Assert.Equal(items, roles.Given(parsed));
    }

    [Fact]
    public void An_empty_word_is_an_empty_list()
    {
        var roles = new ListOption("--roles", "", "ROLE");
        Assert.Equal(Array.Empty<string>(), roles.Given(new Command("x") { roles }.Parse(["--roles", ""])));
    }
}
