using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests approve</c>.</summary>
internal sealed class RequestsApproveCommand : RequestsEachCommand
{
    private readonly ListOption roles = new("--roles", "Grant these roles instead of those asked for", "ROLE")
    {
        CompletionSources = { AdminCompletions.Roles }
    };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also when a role changed since it was asked for" };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; the requester reads it" };

    public RequestsApproveCommand()
        : base(
            "approve",
            "approved",
            "Approves requests",
            [RequestStates.Pending],
            "tctl requests approve bc8ca931",
            "tctl requests approve --roles=db-support --reason=\"dba is not necessary\" bc8ca931")
    {
        Options.Add(roles);
        Options.Add(force);
        Options.Add(reason);
    }

    protected override Task<RequestResolved> Send(CaClient ca, string id, ParseResult parsed, CancellationToken cancellation) => ca.Send(
        Routes.ApproveRequest, new ApproveRequest(id, parsed.GetValue(reason) ?? "", roles.Given(parsed), parsed.GetValue(force)),
        cancellation);
}
