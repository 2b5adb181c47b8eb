using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request ls</c>.</summary>
internal sealed class RequestListCommand : Verb
{
    private readonly LimitOption limit = new();
    private readonly FormatOption format = new();

    public RequestListCommand()
        : base("ls", "Lists your requests, newest first", "tsh request ls", "tsh request ls --limit=5", "tsh request ls --format=json")
    {
        Aliases.Add("list");
        Options.Add(limit);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Of(parsed);
        using var ca = ServerOption.Connect(parsed);
        var list = await ca.Send(Routes.ListMyRequests, new ListMyRequests(UserOption.Chosen(parsed, home), parsed.GetValue(limit)), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(list.Requests);
        else
            parsed.Print(RequestText.Table(list.Requests).Lines());
        parsed.HintAtReady(list.Requests, home.RequestsInUse(TimeProvider.System.GetUtcNow()));
        return ExitCode.Done;
    }
}
