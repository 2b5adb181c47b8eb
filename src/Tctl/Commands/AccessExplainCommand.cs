using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access explain</c>.</summary>
internal sealed class AccessExplainCommand : CliCommand
{
    private readonly Argument<string> user = new("USER")
    {
        Description = "Who would log in",
        CompletionSources = { AdminCompletions.Users }
    };
    private readonly LoginOption login = new("As this login; else as any");
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "On this node; else wherever the roles reach",
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly Option<string?> request = new("--request")
    {
        HelpName = "ID",
        Description = "With this request; a pending one as if it were approved",
        CompletionSources = { AdminCompletions.Requests() }
    };
    private readonly FormatOption format = new();

    public AccessExplainCommand()
        : base(
            "explain",
            "Tells why a user can, or cannot, log in: which rule of which role allows, denies or limits it",
            "tctl access explain alice --login=postgres --node=db1",
            "tctl access explain alice --request=bc8ca931",
            "tctl access explain alice --format=json | jq .granted")
    {
        Arguments.Add(user);
        foreach (var option in (Option[])[login, node, request, format])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var explained = await ca.Send(
            Routes.ExplainAccess,
            new ExplainAccess(parsed.GetValue(user)!, parsed.GetValue(login), parsed.GetValue(node), parsed.GetValue(request)),
            cancellation);
        parsed.Show(explained);
        return ExitCode.Done;
    }
}
