using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request create</c>.</summary>
internal sealed class RequestCreateCommand : CliCommand
{
    private readonly ListOption roles = new("--roles", "The roles to ask for", "ROLE")
    {
        CompletionSources = { UserCompletions.RequestableRoles }
    };
    private readonly ListOption resources = new(
        "--resource", "The nodes to ask for, each node/NAME; with --roles only by these roles", "node/NAME")
    {
        CompletionSources = { UserCompletions.RequestableResources },
        Items = PlainNames.NodeResources,
    };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why you ask" };
    private readonly ListOption reviewers = new("--reviewers", "Who should be told that you ask", "USER");
    private readonly LifetimeOptions lifetimes = new();
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Show what would be filed, and file nothing" };
    private readonly FormatOption format = new();
    private readonly Option<bool> noWait = new("--nowait") { Description = "Return at once; the request stays" };
    private readonly TimeSpanOption wait = new("--wait", "Give up waiting after this long");
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also when a pending request of yours asks for the same" };

    public RequestCreateCommand()
        : base(
            "create",
            "Files a request and waits for the answer",
            "tsh request create --roles=dba --reviewers=bob --reason=\"performing DB migration tonight\"",
            "tsh request create --roles=dba --nowait",
            "tsh request create --resource=node/db1 --reason=\"performing DB migration tonight\"",
            "tsh request create --roles=dba --dry-run")
    {
        Options.Add(roles);
        Options.Add(resources);
        Options.Add(reason);
        Options.Add(reviewers);
        foreach (var option in lifetimes.All)
            Options.Add(option);
        Options.Add(dryRun);
        Options.Add(format);
        Options.Add(noWait);
        Options.Add(wait);
        Options.Add(force);
        Validators.Add(result =>
        {
            if (result.GetResult(roles) is null && result.GetResult(resources) is null)
                result.AddError("say what you ask for: --roles=ROLE, or --resource=node/NAME");
            if (result.GetResult(noWait) is { Implicit: false } && result.GetResult(wait) is not null)
                result.AddError("--nowait and --wait exclude each other");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        var user = UserOption.Chosen(parsed, home);
        using var ca = ServerOption.Connect(parsed);
        var ask = lifetimes.Of(
            parsed,
            new CreateRequest(
                roles.Given(parsed), user, parsed.GetValue(reason) ?? "", reviewers.Given(parsed), Resources: resources.Given(parsed),
                Force: parsed.GetValue(force)));
        if (parsed.GetValue(dryRun))
        {
            var plan = await ca.Send(Routes.PlanRequest, ask, cancellation);
            if (parsed.GetValue(format) == FormatOption.Json)
                parsed.PrintJson(plan);
            else
                parsed.Print(RequestText.Details(plan));
            return ExitCode.Done;
        }
        var request = await ca.Send(Routes.CreateRequest, await parsed.WithReason(ca, ask, cancellation), cancellation);
        var filed = $"request {request.Metadata.Name} is {request.Spec.State}";
        // JSON is one value: the request as it is in the end.
        if (FormatOption.IsJson(parsed) && !parsed.GetValue(noWait))
            parsed.Say(filed);
        else
            parsed.PrintResult(request, filed);
        parsed.SayAwaited(request);
        if (parsed.GetValue(noWait))
        {
            parsed.Hint($"to wait for the answer: {Waiting.Resume(request.Metadata.Name)}");
            return ExitCode.Done;
        }
        var approved = await Waiting.UntilApproved(parsed, ca, request, user, parsed.GetValue(wait), cancellation);
        parsed.PrintResult(approved, $"request {approved.Metadata.Name} is {approved.Spec.State}");
        parsed.HintAtReady([approved], Held.In(home).Requests(TimeProvider.System.GetUtcNow()));
        return ExitCode.Done;
    }
}
