using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request show</c>.</summary>
internal sealed class RequestShowCommand : CliCommand
{
    private readonly Argument<string> id = new("ID")
    {
        Description = "The request, or the beginning of its id",
        CompletionSources = { UserCompletions.Requests() }
    };
    private readonly TimeSpanOption wait = new("--wait", "Wait for the answer first, for ever or this long")
    {
        Arity = ArgumentArity.ZeroOrOne
    };
    private readonly Option<bool> hosts = new("--hosts") { Description = "Name every host that it opens, however many they are" };
    private readonly FormatOption format = new();

    public RequestShowCommand()
        : base(
            "show", "Shows a request of yours, or one that you may review, and what an approval would open",
            "tsh request show bc8ca931", "tsh request show bc8ca931 --hosts", "tsh request show bc8ca931 --wait=30m")
    {
        Arguments.Add(id);
        Options.Add(wait);
        Options.Add(hosts);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        var user = UserOption.Chosen(parsed, home);
        using var ca = ServerOption.Connect(parsed);
        var request = await ca.Send(
            Routes.GetMyRequest, new GetMyRequest(parsed.GetValue(id)!, user, Facts: true, AllHosts: parsed.GetValue(hosts)), cancellation);
        if (parsed.GetResult(wait) is not null)
            request = await Waiting.UntilApproved(parsed, ca, request, user, parsed.GetValue(wait), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(request);
        else
            parsed.Print(RequestText.Details(request, RequestReviewCommand.Line(request.Metadata.Name)));
        // A reviewer can see the request too, but cannot use it.
        if (request.Spec.State == RequestStates.Approved)
            parsed.HintAtReady(
                (await ca.Send(Routes.ListMyRequests, new ListMyRequests(user), cancellation)).Requests.Where(
                    mine => mine.Metadata.Name == request.Metadata.Name),
                Held.In(home).Requests(TimeProvider.System.GetUtcNow()));
        return ExitCode.Done;
    }
}
