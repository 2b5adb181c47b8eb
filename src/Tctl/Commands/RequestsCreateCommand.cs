using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests create</c>.</summary>
internal sealed class RequestsCreateCommand : CliCommand
{
    private readonly Argument<string> user = new("USER") { Description = "For whom", CompletionSources = { AdminCompletions.Users } };
    private readonly ListOption roles = new("--roles", "What is asked for", "ROLE") { CompletionSources = { AdminCompletions.Roles } };
    private readonly ListOption resources = new("--resource", "The nodes asked for; with --roles only by these roles", "node/NAME")
    {
        CompletionSources = { AdminCompletions.NodesAsResources },
        Items = PlainNames.NodeResources,
    };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why" };
    private readonly ListOption reviewers = new("--reviewers", "Who should be told", "USER")
    {
        CompletionSources = { AdminCompletions.Users }
    };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also when a pending request asks for the same" };

    public RequestsCreateCommand()
        : base(
            "create", "Files a request for a user; another administrator, or root, answers it",
            "tctl requests create --roles=dba --reason=\"on call\" alice")
    {
        Arguments.Add(user);
        Options.Add(roles);
        Options.Add(resources);
        Validators.Add(result =>
        {
            if (result.GetResult(roles) is null && result.GetResult(resources) is null)
                result.AddError("say what is asked for: --roles=ROLE, or --resource=node/NAME");
        });
        Options.Add(reason);
        Options.Add(reviewers);
        Options.Add(force);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var request = await ca.Send(
            Routes.CreateRequestFor,
            new CreateRequestFor(
                parsed.GetValue(user)!, roles.Given(parsed), parsed.GetValue(reason) ?? "", reviewers.Given(parsed),
                resources.Given(parsed), parsed.GetValue(force)),
            cancellation);
        parsed.PrintResult(request, $"request {request.Metadata.Name} is {request.Spec.State}");
        parsed.SayAwaited(request);
        parsed.Hint($"to approve it: tctl requests approve {request.Metadata.Name}");
        return ExitCode.Done;
    }
}
