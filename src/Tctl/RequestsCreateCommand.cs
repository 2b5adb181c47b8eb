using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests create</c>.</summary>
internal sealed class RequestsCreateCommand : Verb
{
    private readonly Argument<string> user = new("USER") { Description = "For whom", CompletionSources = { Known.Users } };
    private readonly ListOption roles = new("--roles", "What is asked for", "ROLE") { Required = true, CompletionSources = { Known.Roles } };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why" };
    private readonly ListOption reviewers = new("--reviewers", "Who should be told", "USER") { CompletionSources = { Known.Users } };

    public RequestsCreateCommand()
        : base("create", "Files a request for a user; another administrator, or root, answers it", "tctl requests create --roles=dba --reason=\"on call\" alice")
    {
        Arguments.Add(user);
        Options.Add(roles);
        Options.Add(reason);
        Options.Add(reviewers);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var request = await ca.Send(
            Routes.CreateRequestFor,
            new CreateRequestFor(parsed.GetValue(user)!, parsed.GetValue(roles) ?? [], parsed.GetValue(reason) ?? "", reviewers.Given(parsed)),
            cancellation);
        parsed.Print($"request {request.Metadata.Name} is {request.Spec.State}");
        parsed.Hint($"to approve it: tctl requests approve {request.Metadata.Name}");
        return ExitCode.Done;
    }
}
