using System.CommandLine.Parsing;
using CertAuthority.Terminal;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Terminal;

public class SynonymsTests
{
    [Theory]
    [InlineData("tsh requests list", "tsh request ls")]
    [InlineData("tsh request get bc8ca931", "tsh request show bc8ca931")]
    [InlineData("tsh cert ls", "tsh certs ls")]
    [InlineData("tsh login --roles=dba --reason=x --reviewers=bob --nowait", "tsh login --request-roles=dba --request-reason=x --request-reviewers=bob --request-nowait")]
    [InlineData("tsh login --role=dba --reviewer=bob", "tsh login --request-roles=dba --request-reviewers=bob")]
    [InlineData("tsh request create --role=dba --request-reason=x --reviewer=bob --request-nowait", "tsh request create --roles=dba --reason=x --reviewers=bob --nowait")]
    [InlineData("tsh request create --request-roles=dba --request-reviewers=bob", "tsh request create --roles=dba --reviewers=bob")]
    [InlineData("tsh request create --resources=node/db1", "tsh request create --resource=node/db1")]
    [InlineData("tsh request review bc8ca931 --approve --role=dba", "tsh request review bc8ca931 --approve --roles=dba")]
    [InlineData("tctl request show bc8ca931", "tctl requests get bc8ca931")]
    [InlineData("tctl request approve --role=dba bc8ca931", "tctl requests approve --roles=dba bc8ca931")]
    [InlineData("tctl show role/dba", "tctl get role/dba")]
    [InlineData("tctl user add alice --role=access --login=alice", "tctl users add alice --roles=access --logins=alice")]
    [InlineData("tctl node list", "tctl nodes ls")]
    [InlineData("tctl cert revoke 1", "tctl certs revoke 1")]
    [InlineData("tctl lock --access-request=bc8ca931", "tctl lock --request=bc8ca931")]
    public void Other_spelling_means_the_same(string other, string name)
    {
        var (parsed, expected) = (CommandLine.Parse(other.Split(' ')), CommandLine.Parse(name.Split(' ')));
        Assert.True(Shell.IsUnderstood(parsed), string.Join('\n', parsed.Errors));
        Assert.Equal(Given(expected.CommandResult), Given(parsed.CommandResult));
    }

    [Theory]
    [InlineData("tctl --help")]
    [InlineData("tsh --help")]
    [InlineData("tsh request --help")]
    [InlineData("tctl requests --help")]
    [InlineData("tsh login --help")]
    [InlineData("tsh request create --help")]
    public async Task Help_shows_only_the_names(string line)
    {
        var parsed = CommandLine.Parse(line.Split(' '));
        using var output = new StringWriter();
        using var error = new StringWriter();
        await Shell.Run(parsed.RootCommandResult.Command, line.Split(' ')[1..], output, error);
        Assert.DoesNotMatch(@"(?m)^  (\w+, |.*, (list|get|show)\b|.*, --request|.*--role\b|.*--reviewer\b)", output.ToString());
    }

    [Theory]
    [InlineData("tsh certs revoke --request-reason=x 1")]
    [InlineData("tctl requests deny --request-reason=x bc8ca931")]
    [InlineData("tctl requests list --access-request=bc8ca931")]
    public void Spelling_with_another_meaning_is_rejected(string line) => Assert.False(Shell.IsUnderstood(CommandLine.Parse(line.Split(' '))));

    [Theory]
    [InlineData("tsh", "requests", "request")]
    [InlineData("tctl", "request", "requests")]
    [InlineData("tctl", "node", "nodes")]
    [InlineData("tctl", "requests show", "get")]
    [InlineData("tsh", "request li", "ls")]
    [InlineData("tsh", "request create --request-re", "--reason= --reviewers=")]
    [InlineData("tsh", "request create --rol", "--roles=")]
    [InlineData("tsh", "request create --role", "--roles=")]
    [InlineData("tsh", "login --reas", "--request-reason=")]
    [InlineData("tsh", "help request c", "create cancel")]
    [InlineData("tctl", "help user", "users")]
    [InlineData("tctl", "help user u", "update")]
    [InlineData("tctl", "--ver", "--version")]
    public async Task Completion_offers_the_names(string program, string line, string offered)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        await Shell.Run(CommandLine.Parse([program]).RootCommandResult.Command, ["__complete", "--", .. line.Split(' ')], output, error);
        Assert.Equal(offered, string.Join(' ', output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Split('\t')[0])));
    }

    private static IEnumerable<string> Given(CommandResult result) => result.Children
        .Select(child => child is OptionResult { Implicit: false } option ? $"{option.Option.Name}={Words(option)}" : child is ArgumentResult argument ? Words(argument) : "")
        .Prepend(result.Command.Name).Concat(result.Parent is CommandResult parent ? Given(parent) : []);

    private static string Words(SymbolResult result) => string.Join(',', result.Tokens.Select(token => token.Value));
}
