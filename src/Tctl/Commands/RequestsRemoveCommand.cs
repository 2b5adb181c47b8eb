using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests rm</c>.</summary>
internal sealed class RequestsRemoveCommand : RequestsEachCommand
{
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also one that is pending or approved: it is ended first" };

    public RequestsRemoveCommand()
        : base(
            "rm", "removed", "Takes requests off the list; the audit keeps them", [], "tctl requests rm bc8ca931",
            "tctl requests rm -f bc8ca931")
    {
        Options.Add(force);
        CanRevoke();
    }

    protected override Task<RequestResolved> Send(
        CaClient ca, string id, string about, ParseResult parsed, CancellationToken cancellation) =>
        ca.Send(Routes.RemoveRequest, new RemoveRequest(id, parsed.GetValue(force)), cancellation);
}
