using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests capabilities</c>.</summary>
internal sealed class RequestsCapabilitiesCommand : CliCommand
{
    private readonly Argument<string> user = new("USER") { Description = "Whose", CompletionSources = { AdminCompletions.Users } };
    private readonly FormatOption format = new();

    public RequestsCapabilitiesCommand()
        : base("capabilities", "Lists the roles that a user can ask for", "tctl requests capabilities alice")
    {
        Arguments.Add(user);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var capabilities = await ca.Send(Routes.GetCapabilities, new GetCapabilities(parsed.GetValue(user)!), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(capabilities);
        else
            parsed.Print(
                $"requestable roles: {(capabilities.RequestableRoles is [] ? "none" : string.Join(", ", capabilities.RequestableRoles))}");
        return ExitCode.Done;
    }
}
