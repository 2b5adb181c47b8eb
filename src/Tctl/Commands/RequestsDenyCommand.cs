using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests deny</c>.</summary>
internal sealed class RequestsDenyCommand : RequestsEachCommand
{
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; the requester reads it" };

    public RequestsDenyCommand()
        : base(
            "deny",
            "denied",
            "Denies requests, or takes an approval back; what was issued under them is revoked",
            [RequestStates.Pending, RequestStates.Approved],
            "tctl requests deny --reason=\"today's migration has been canceled\" bc8ca931")
    {
        Options.Add(reason);
        CanRevoke();
    }

    protected override Task<RequestResolved> Send(
        CaClient ca, string id, string about, ParseResult parsed, CancellationToken cancellation) =>
        ca.Send(Routes.DenyRequest, new DenyRequest(id, parsed.GetValue(reason) ?? ""), cancellation);
}
