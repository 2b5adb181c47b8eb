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
    private readonly DurationOption maxDuration = new("--max-duration", "How long the access lasts at most, such as 30m");
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also when a role changed since it was asked for" };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; the requester reads it" };
    private readonly YesOption yes = new();

    public RequestsApproveCommand()
        : base(
            "approve",
            "approved",
            "Approves requests",
            [RequestStates.Pending],
            "tctl requests approve bc8ca931",
            "tctl requests approve --max-duration=30m bc8ca931",
            "tctl requests approve --roles=db-support --reason=\"dba is not necessary\" bc8ca931")
    {
        Options.Add(roles);
        Options.Add(maxDuration);
        Options.Add(force);
        Options.Add(reason);
        Options.Add(yes);
    }

    protected override async Task<RequestResolved> Send(
        CaClient ca, string id, string about, ParseResult parsed, CancellationToken cancellation)
    {
        var instead = roles.Given(parsed);
        var (whole, shown) = await parsed.BeforeApproval(
            ca.Send(
                Routes.GetRequest,
                new GetRequest(
                    id, Facts: true, Roles: instead is null ? null : string.Join(',', instead), MaxDuration: parsed.GetValue(maxDuration)),
                cancellation),
            parsed.GetValue(yes), about, cancellation);
        var approved = await ca.Send(
            Routes.ApproveRequest,
            new ApproveRequest(
                whole ?? id, parsed.GetValue(reason) ?? "", instead, parsed.GetValue(force), parsed.GetValue(maxDuration)), cancellation);
        return approved with { Warnings = [.. approved.Warnings.Except(shown)] };
    }
}
