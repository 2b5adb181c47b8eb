using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes tokens</c>.</summary>
internal sealed class NodesTokensCommand : CliCommand
{
    private readonly FormatOption format = new();

    public NodesTokensCommand()
        : base(
            "tokens", "Lists what lets hosts join by themselves", "tctl nodes tokens", "tctl nodes tokens --format=json | jq -r '.[].id'")
    {
        Options.Add(new WideOption());
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var tokens = (await ca.Send(Routes.ListJoinTokens, new ListJoinTokens(), cancellation)).Tokens;
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(tokens);
            return ExitCode.Done;
        }
        var table = new Table("ID", "Node", "Uses", "Ends", "Labels", "Addresses", "Admits", "Host Key")
        {
            Nothing = "no tokens",
            Ids = 0,
            Vital = "Ends",
            Expendable = ["Addresses", "Labels", "Host Key"]
        };
        foreach (var token in tokens)
            table.Add(
                token.Id, token.Name, $"{token.Uses}", Wording.Time(token.Ends), Wording.Labels(token.Labels),
                string.Join(", ", token.Addresses), token.Admit ? "by itself" : "no", token.HostKey ?? "");
        parsed.Print(table);
        return ExitCode.Done;
    }
}

/// <summary><c>tctl nodes end-token</c>.</summary>
internal sealed class NodesEndTokenCommand : CliCommand
{
    private readonly Argument<string> id = new("ID")
    {
        Description = "Which, as tctl nodes tokens lists it; a unique prefix suffices",
        CompletionSources = { AdminCompletions.JoinTokens },
    };

    public NodesEndTokenCommand()
        : base("end-token", "Ends a token before its time", "tctl nodes end-token 0123456789abcdef")
    {
        Arguments.Add(id);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var ended = await ca.Send(Routes.EndJoinToken, new EndJoinToken(parsed.GetValue(id)!), cancellation);
        parsed.PrintResult(ended, $"the token {ended.Id} for {ended.Name} has ended");
        return ExitCode.Done;
    }
}
