using System.CommandLine;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request …</c>.</summary>
internal sealed class RequestCommand : Command
{
    public RequestCommand()
        : base("request", "Asks for roles and hosts beyond your own, and reviews what others ask for")
    {
        Subcommands.Add(new RequestCreateCommand());
        Subcommands.Add(new RequestRolesCommand());
        Subcommands.Add(new RequestSearchCommand());
        Subcommands.Add(new RequestListCommand());
        Subcommands.Add(new RequestShowCommand());
        Subcommands.Add(new RequestReviewCommand());
        Subcommands.Add(RequestEndCommand.Cancel());
        Subcommands.Add(RequestEndCommand.Drop());
    }
}
