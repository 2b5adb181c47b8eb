using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users rm</c>.</summary>
internal sealed class UsersRemoveCommand : CliCommand
{
    private readonly Argument<string> name = new("NAME") { Description = "The user", CompletionSources = { AdminCompletions.Users } };
    private readonly HostsWait wait = new();

    public UsersRemoveCommand()
        : base("rm", "Removes a user, ends its requests and revokes its certificates", "tctl users rm alice")
    {
        Arguments.Add(name);
        Options.Add(wait);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        return await parsed.Show(
            await ca.Send(Routes.RemoveResource, new RemoveResource(ResourceKinds.User, parsed.GetValue(name)!), cancellation), wait, ca,
            cancellation);
    }
}
