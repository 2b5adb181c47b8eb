using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request review</c>.</summary>
internal sealed class RequestReviewCommand : CliCommand
{
    private readonly ListArgument ids = new("ID", "The requests, or the beginnings of their ids")
    {
        CompletionSources = { UserCompletions.Reviewable }
    };
    private readonly Option<bool> approve = new("--approve") { Description = "You would grant it" };
    private readonly Option<bool> deny = new("--deny") { Description = "You would not" };
    private readonly Option<string?> reason = new("--reason")
    {
        HelpName = "TEXT",
        Description = "Why; the requester and other reviewers read it"
    };
    private readonly ListOption roles = new("--roles", "With --approve: only these of the roles asked for", "ROLE");
    private readonly TimeOption assumeStartTime = new("--assume-start-time", "With --approve: when the access begins at the earliest");
    private readonly DurationOption maxDuration = new("--max-duration", "With --approve: how long the access lasts at most, such as 30m");
    private readonly YesOption yes = new();

    public RequestReviewCommand()
        : base(
            "review",
            "Says what you think of somebody's requests",
            "tsh request review bc8ca931 --approve --reason=\"go ahead\"",
            "tsh request review bc8ca931 --approve --roles=db-read --max-duration=30m",
            "tsh request review bc8ca931 --deny --reason=\"not tonight\"",
            "tsh request review bc8ca931 04ababd6 --approve")
    {
        Arguments.Add(ids);
        foreach (var option in (Option[])[approve, deny, reason, roles, maxDuration, assumeStartTime, yes, new FormatOption()])
            Options.Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(approve) == result.GetValue(deny))
                result.AddError("say either --approve or --deny");
            else if (result.GetValue(deny)
                && ((Option[])[roles, maxDuration, assumeStartTime, yes]).FirstOrDefault(
                    option => result.GetResult(option) is { Implicit: false }) is { } stray)
                result.AddError($"{stray.Name} goes with --approve");
        });
    }

    /// <summary>Returns the command that approves a request.</summary>
    public static string Line(string id) => $"tsh request review {id} --approve";

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var results = new Results<RequestResolved>(parsed);
        return await results.Each(parsed.GetValue(ids)!, async id =>
        {
            var (reviewed, shown) = await Review(parsed, ca, id, results.About, cancellation);
            results.Add(reviewed, RequestText.Reviewed(reviewed, parsed.GetValue(approve)));
            foreach (var warning in reviewed.Warnings.Except(shown))
                parsed.Warn(results.About + warning);
        });
    }

    private async Task<(RequestResolved Reviewed, string[] Shown)> Review(
        ParseResult parsed, CaClient ca, string id, string about, CancellationToken cancellation)
    {
        var review = new ReviewRequest(
            id, parsed.GetValue(approve) ? ReviewDecisions.Approve : ReviewDecisions.Deny,
            UserOption.Chosen(parsed, Home.Chosen(parsed)), parsed.GetValue(reason) ?? "",
            roles.Given(parsed), parsed.GetValue(assumeStartTime), parsed.GetValue(maxDuration));
        string[] shown = [];
        if (parsed.GetValue(approve))
        {
            (var whole, shown) = await parsed.BeforeApproval(
                ca.Send(
                    Routes.GetMyRequest,
                    new GetMyRequest(
                        review.Id, review.User, Facts: true, Roles: review.Roles is { } some ? string.Join(',', some) : null,
                        MaxDuration: review.MaxDuration),
                    cancellation),
                parsed.GetValue(yes), about, cancellation);
            review = review with { Id = whole ?? review.Id };
        }
        return (await ca.Send(Routes.ReviewRequest, review, cancellation), shown);
    }
}
