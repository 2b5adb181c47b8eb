using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users ls</c>.</summary>
internal sealed class UsersListCommand : CliCommand
{
    private readonly FormatOption format = new();

    public UsersListCommand()
        : base("ls", "Lists users, those that come from groups too", "tctl users ls")
    {
        Options.Add(new WideOption());
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var users = await ca.Send(Routes.GetResources, new GetResources(ResourceKinds.User, FromGroups: true), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(users.Resources);
        else
            parsed.Print(
                ResourceTable.For(
                    (await ca.Send(Routes.ListKinds, new ListKinds(), cancellation)).Kinds.Single(kind => kind.Name == ResourceKinds.User),
                    users.Resources));
        return ExitCode.Done;
    }
}
