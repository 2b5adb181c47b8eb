using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh access explain</c>.</summary>
internal sealed class AccessExplainCommand : CliCommand
{
    private readonly LoginOption login = new("As this login; else as any");
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "On this host; else wherever your roles reach",
        CompletionSources = { UserCompletions.Nodes }
    };
    private readonly Option<string?> request = new("--request")
    {
        HelpName = "ID",
        Description = "With this request of yours; a pending one as if it were approved",
        CompletionSources = { UserCompletions.Requests(RequestStates.Pending, RequestStates.Approved) }
    };

    public AccessExplainCommand()
        : base(
            "explain",
            "Tells why you can, or cannot, log in: which rule of which role decides, and what to request",
            "tsh access explain --node=db1",
            "tsh access explain --node=db1 --login=postgres",
            "tsh access explain --node=db1 --format=json | jq .granted")
    {
        foreach (var option in (Option[])[node, login, request, new FormatOption()])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        parsed.Show(
            await ca.Send(
                Routes.ExplainMyAccess,
                new ExplainMyAccess(
                    parsed.GetValue(login), parsed.GetValue(node), parsed.GetValue(request),
                    UserOption.Chosen(parsed, Home.Chosen(parsed))),
                cancellation));
        return ExitCode.Done;
    }
}
