using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request roles</c>.</summary>
internal sealed class RequestRolesCommand : CliCommand
{
    private readonly FormatOption format = new();

    public RequestRolesCommand()
        : base(
            "roles", "Lists the roles that you can ask for, with their descriptions", "tsh request roles",
            "tsh request roles --format=json | jq -r '.[]'") =>
        Options.Add(format);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var mine = await ca.Send(
            Routes.GetMyCapabilities, new GetMyCapabilities(UserOption.Chosen(parsed, Home.Chosen(parsed))), cancellation);
        if (mine.User is null)
            throw new FailureException($"several users are yours: {string.Join(", ", mine.Users)}", "choose one with --user");
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(mine.RequestableRoles);
        else
            parsed.Print(
                mine.RequestableRoles.Select(
                    role => mine.Descriptions?.GetValueOrDefault(role) is { } text ? $"{role}: {text}" : role));
        if (mine.RequestableRoles is [])
            parsed.Say($"{mine.User} can ask for no role");
        return ExitCode.Done;
    }
}
