using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests ls</c>.</summary>
internal sealed class RequestsListCommand : Verb
{
    // What somebody looks at; programs get everything, in pieces that the daemon can hold.
    private const int Page = 100;
    private const int Piece = 1000;

    private readonly ListOption state = new("--state", "In these states only: pending, approved, denied, cancelled, expired", "STATE");
    private readonly Option<string?> user = new("--user") { HelpName = "USER", Description = "Of this user only" };
    private readonly Option<string?> role = new("--role") { HelpName = "ROLE", Description = "That ask for, or were granted, this role only" };
    private readonly SinceOption since = new("Filed since");
    private readonly Option<string?> sort = new("--sort") { HelpName = "created|user|state", Description = "By what; within it newest first. Default: created" };
    private readonly LimitOption limit = new($"{Page}; all with --format=json or yaml");
    private readonly Option<bool> wide = new("--wide") { Description = "With the reason of each" };
    private readonly Option<string?> after = new("--after") { HelpName = "PLACE", Description = "Go on where a page ended; the hint under it says where" };
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Yaml);

    public RequestsListCommand()
        : base(
            "ls",
            "Lists everybody's requests, newest first",
            "tctl requests ls --state=pending",
            "tctl requests ls --user=alice --since=24h",
            "tctl requests ls --role=dba --state=approved,expired --sort=user",
            "tctl requests ls --format=json")
    {
        Aliases.Add("list");
        foreach (var option in Narrowing.Append(after))
            Options.Add(option);
    }

    private Option[] Narrowing => [state, user, role, since, sort, limit, wide, format];

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var written = parsed.GetValue(format);
        var most = parsed.GetValue(limit) ?? (written == FormatOption.Text ? Page : int.MaxValue);
        var requests = new List<RequestResource>();
        var next = parsed.GetValue(after);
        do
        {
            var list = await ca.Send(
                Routes.ListRequests,
                new ListRequests(
                    state.Given(parsed) is { } states ? string.Join(',', states) : null, parsed.GetValue(user), parsed.GetValue(role), parsed.GetValue(since),
                    parsed.GetValue(sort), Math.Min(most - requests.Count, Piece), next),
                cancellation);
            requests.AddRange(list.Requests);
            next = list.Next;
        }
        while (next is not null && requests.Count < most);
        switch (written)
        {
            case FormatOption.Json:
                parsed.PrintJson(requests.ToArray());
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(requests.SelectMany((request, i) => i == 0 ? Yaml.Of(request) : Yaml.Of(request).Prepend("---")));
                break;
            default:
                parsed.Print(RequestText.Table(requests, parsed.GetValue(wide)));
                break;
        }
        if (next is not null)
            parsed.Hint($"there are more: {string.Join(' ', Again(parsed).Append($"--after={next}"))}");
        return ExitCode.Done;
    }

    // The command as it was given, without the place where it began.
    private IEnumerable<string> Again(ParseResult parsed) =>
        Narrowing.Select(option => (option.Name, Result: parsed.GetResult(option))).Where(option => option.Result is { Implicit: false })
            .Select(option => option.Result!.Tokens is [] ? option.Name : $"{option.Name}={string.Join(',', option.Result.Tokens.Select(token => token.Value))}").Prepend("tctl requests ls");
}
