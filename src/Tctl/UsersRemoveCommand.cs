using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users rm</c>.</summary>
internal sealed class UsersRemoveCommand : Verb
{
    private readonly Argument<string> name = new("NAME") { Description = "The user", CompletionSources = { Known.Users } };

    public UsersRemoveCommand()
        : base("rm", "Removes a user, ends its requests and revokes its certificates", "tctl users rm alice") => Arguments.Add(name);

    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation) =>
        RemoveCommand.Remove(parsed, new RemoveResource("user", parsed.GetValue(name)!), cancellation);
}
