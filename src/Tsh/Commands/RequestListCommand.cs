using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request ls</c>.</summary>
internal sealed class RequestListCommand : CliCommand
{
    private readonly Option<bool> mine = new("--my-requests") { Description = "Your own; what is listed without a word" };
    private readonly Option<bool> reviewable = new("--reviewable") { Description = "Those of others that wait for a review of yours" };
    private readonly Option<bool> reviewed = new("--reviewed") { Description = "Those of others that you have reviewed" };
    private readonly Option<bool> suggested = new("--suggested")
    {
        Description = "Those of others that you may review and that name you as a reviewer"
    };
    private readonly ListOption state = new("--state", "In these states only: pending, approved, denied, cancelled, expired", "STATE");
    private readonly Option<string?> role = new("--role")
    {
        HelpName = "ROLE",
        Description = "That ask for, or were granted, this role only"
    };
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "That name this node, or ask for roles of which one reaches it today"
    };
    private readonly Option<string?> requester = new("--requester")
    {
        HelpName = "USER",
        Description = "With --reviewable, --reviewed or --suggested: of this user only"
    };
    private readonly SinceOption since = new("Filed since");
    private readonly FormatOption format = new();
    private readonly Paging paging;

    public RequestListCommand()
        : base(
            "ls", "Lists your requests, or others' that you may review; newest first", "tsh request ls", "tsh request ls --reviewable",
            "tsh request ls --reviewed --requester=alice --since=24h", "tsh request ls --node=db1", "tsh request ls --state=approved,expired --role=dba", "tsh request ls --format=json")
    {
        Option<bool>[] which = [mine, reviewable, reviewed, suggested];
        foreach (var option in which)
            Options.Add(option);
        foreach (var option in (Option[])[state, role, node, requester, since])
            Options.Add(option);
        Validators.Add(result =>
        {
            if (which.Count(result.GetValue) > 1)
                result.AddError("--my-requests, --reviewable, --reviewed and --suggested exclude each other");
            if (result.GetResult(requester) is not null && !which[1..].Any(result.GetValue))
                result.AddError("--requester goes with --reviewable, --reviewed or --suggested: your own requests are yours");
        });
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tsh request ls", format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        using var ca = ServerOption.Connect(parsed);
        var show = parsed.GetValue(reviewable) ? RequestViews.Reviewable
            : parsed.GetValue(reviewed) ? RequestViews.Reviewed
            : parsed.GetValue(suggested) ? RequestViews.Suggested : null;
        var (requests, next) = await paging.Read(parsed, async (limit, after) =>
            await ca.Send(
                Routes.ListMyRequests,
                new ListMyRequests(
                    UserOption.Chosen(parsed, home), show, limit, after,
                    state.Given(parsed) is { } states ? string.Join(',', states) : null, parsed.GetValue(role), parsed.GetValue(since),
                    parsed.GetValue(node), parsed.GetValue(requester)),
                cancellation) is var page
                ? (page.Requests, page.Next)
                : default);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(requests);
        else
            paging.Print(parsed, RequestText.Table(requests, withReason: true), next);
        if (show is null)
            parsed.HintAtReady(requests, Held.In(home).Requests(TimeProvider.System.GetUtcNow()));
        return ExitCode.Done;
    }
}
