using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests approve</c> and <c>tctl requests deny</c>.</summary>
internal sealed class RequestsResolveCommand : Verb
{
    private readonly ListArgument ids = new("ID", "The requests, or the beginnings of their ids");
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; the requester reads it" };
    private readonly Route<ResolveRequest, RequestResolved> route;
    private readonly string done;

    private RequestsResolveCommand(string name, string description, Route<ResolveRequest, RequestResolved> route, string done, string example)
        : base(name, description, example)
    {
        this.route = route;
        this.done = done;
        Arguments.Add(ids);
        Options.Add(reason);
    }

    public static RequestsResolveCommand Approve() =>
        new("approve", "Approves requests", Routes.ApproveRequest, "approved", "tctl requests approve bc8ca931");

    public static RequestsResolveCommand Deny() => new(
        "deny",
        "Denies requests, or takes an approval back; what was issued under them is revoked",
        Routes.DenyRequest,
        "denied",
        "tctl requests deny --reason=\"today's migration has been canceled\" bc8ca931");

    // One by one: one that is refused does not keep the others from being done.
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var exitCode = ExitCode.Done;
        foreach (var id in parsed.GetValue(ids)!)
        {
            try
            {
                var resolved = await ca.Send(route, new ResolveRequest(id, parsed.GetValue(reason) ?? ""), cancellation);
                parsed.Print(RequestText.Done(resolved, done));
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem);
                exitCode = ExitCode.Failed;
            }
        }
        return exitCode;
    }
}
