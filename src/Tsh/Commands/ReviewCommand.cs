using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh review</c>.</summary>
internal sealed class ReviewCommand : CliCommand
{
    private readonly Argument<string[]> ids = new("ID…")
    {
        Description = "Only these requests, or the beginnings of their ids",
        Arity = ArgumentArity.ZeroOrMore,
        CustomParser = result => [.. result.Tokens.SelectMany(token => ListOption.Split(token.Value))],
        CompletionSources = { UserCompletions.Reviewable }
    };

    public ReviewCommand()
        : base(
            "review", "Shows the requests that wait for your review, one by one, and asks for your answer", "tsh review",
            "tsh review bc8ca931") =>
        Arguments.Add(ids);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (!Prompt.IsPossible || Console.IsOutputRedirected)
            throw new FailureException(
                "tsh review asks at a terminal, and there is none",
                "tsh request ls --reviewable lists what waits; tsh request review ID --approve, or --deny, answers it", ExitCode.Usage);
        var user = UserOption.Chosen(parsed, Home.Chosen(parsed));
        using var ca = ServerOption.Connect(parsed);
        var waiting = await Paging.All(
            async (limit, after) => await ca.Send(
                Routes.ListMyRequests, new ListMyRequests(user, RequestViews.Reviewable, limit, after), cancellation) is var page
                ? (page.Requests, page.Next)
                : default);
        // The one that has waited longest comes first.
        string[] all = [.. waiting.Select(request => request.Metadata.Name).Reverse()];
        var (chosen, exitCode) = parsed.GetValue(ids) is [_, ..] named
            ? await Choose(parsed, ca, user, named, all, cancellation)
            : (all, ExitCode.Done);
        if (chosen is [] && exitCode == ExitCode.Done)
            parsed.Say("no request waits for your review");
        if (chosen is [_, ..])
            await new ReviewWalk(parsed, ca, user).Through(chosen, cancellation);
        return exitCode;
    }

    /// <summary>Finds the named requests among those that wait for a review, and says why another one does not.</summary>
    private static async Task<(string[] Chosen, int ExitCode)> Choose(
        ParseResult parsed, CaClient ca, string? user, string[] named, string[] all, CancellationToken cancellation)
    {
        var (chosen, exitCode) = (new List<string>(), ExitCode.Done);
        foreach (var id in named)
            try
            {
                var request = await ca.Send(Routes.GetMyRequest, new GetMyRequest(id, user, Facts: true), cancellation);
                if (all.Contains(request.Metadata.Name))
                {
                    chosen.Add(request.Metadata.Name);
                    continue;
                }
                parsed.Complain(
                    ReviewWalk.Resolved(request)
                        ?? $"request {request.Metadata.Name} does not wait for your review: {request.Facts?.WhyNotYou ?? "look at it again"}");
                exitCode = ExitCode.Failed;
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem);
                exitCode = ExitCode.Failed;
            }
        return ([.. chosen.Distinct()], exitCode);
    }
}
