using System.CommandLine;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request …</c>.</summary>
internal sealed class RequestCommand : Command
{
    public RequestCommand()
        : base("request", "Asks for roles beyond your own")
    {
        Aliases.Add("requests");
        Subcommands.Add(new RequestCreateCommand());
        Subcommands.Add(new RequestRolesCommand());
        Subcommands.Add(new RequestListCommand());
        Subcommands.Add(new RequestShowCommand());
        Subcommands.Add(RequestEndCommand.Cancel());
        Subcommands.Add(RequestEndCommand.Drop());
    }
}
