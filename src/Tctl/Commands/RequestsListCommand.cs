using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests ls</c>.</summary>
internal sealed class RequestsListCommand : CliCommand
{
    private readonly ListOption state = new("--state", "In these states only: pending, approved, denied, cancelled, expired", "STATE");
    private readonly Option<string?> user = new("--user") { HelpName = "USER", Description = "Of this user only" };
    private readonly Option<string?> role = new("--role")
    {
        HelpName = "ROLE",
        Description = "That ask for, or were granted, this role only"
    };
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "That name this node, or ask for roles of which one reaches it today",
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly SinceOption since = new("Filed since");
    private readonly Option<string?> sort = new("--sort")
    {
        HelpName = "created|user|state",
        Description = "By what; within it newest first. Default: created"
    };
    private readonly Option<bool> wide = new WideOption("With the reason of each, and every column in full");
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Yaml);
    private readonly Paging paging;

    public RequestsListCommand()
        : base(
            "ls",
            "Lists everybody's requests, newest first",
            "tctl requests ls --state=pending",
            "tctl requests ls --user=alice --since=24h",
            "tctl requests ls --role=dba --state=approved,expired --sort=user",
            "tctl requests ls --node=db1 --since=30d",
            "tctl requests ls --format=json")
    {
        foreach (var option in (Option[])[state, user, role, node, since, sort, wide, format])
            Options.Add(option);
        paging = new Paging(this, "tctl requests ls", format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (requests, next) = await paging.Read(parsed, async (limit, after) => await ca.Send(
            Routes.ListRequests,
            new ListRequests(
                state.Given(parsed) is { } states ? string.Join(',', states) : null, parsed.GetValue(user), parsed.GetValue(role),
                parsed.GetValue(since), parsed.GetValue(node), parsed.GetValue(sort), limit, after),
            cancellation) is var page ? (page.Requests, page.Next) : default);
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                parsed.PrintJson(requests);
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(requests.SelectMany((request, i) => i == 0 ? Yaml.Write(request) : Yaml.Write(request).Prepend("---")));
                break;
            default:
                paging.Print(parsed, RequestText.Table(requests, parsed.GetValue(wide)), next);
                break;
        }
        return ExitCode.Done;
    }
}
