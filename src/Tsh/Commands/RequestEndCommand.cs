using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request cancel</c> and <c>tsh request drop</c>.</summary>
internal sealed class RequestEndCommand : CliCommand
{
    private readonly Argument<string> id = new("ID") { Description = "The request, or the beginning of its id" };
    private readonly Route<EndMyRequest, RequestResolved> route;
    private readonly string done;

    private RequestEndCommand(string name, string description, Route<EndMyRequest, RequestResolved> route, string state, string done)
        : base(name, description, $"tsh request {name} bc8ca931")
    {
        this.route = route;
        this.done = done;
        id.CompletionSources.Add(UserCompletions.Requests(state));
        Arguments.Add(id);
        Options.Add(new FormatOption());
    }

    public static RequestEndCommand Cancel() =>
        new("cancel", "Withdraws a request that nobody has answered", Routes.CancelRequest, RequestStates.Pending, "cancelled");

    public static RequestEndCommand Drop() =>
        new(
            "drop", "Gives up what an approved request granted; its certificates are revoked", Routes.DropRequest, RequestStates.Approved,
            "dropped");

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var user = UserOption.Chosen(parsed, Home.Chosen(parsed));
        var resolved = await ca.Send(route, new EndMyRequest(parsed.GetValue(id)!, user), cancellation);
        parsed.PrintResult(resolved, RequestText.Done(resolved, done));
        if (resolved.Revoked is not [])
            await parsed.SayHostsBehind(ca, cancellation);
        return ExitCode.Done;
    }
}
