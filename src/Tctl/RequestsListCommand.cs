using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests ls</c>.</summary>
internal sealed class RequestsListCommand : Verb
{
    private readonly FormatOption format = new();

    public RequestsListCommand()
        : base("ls", "Lists everybody's requests, newest first", "tctl requests ls", "tctl requests ls --format=json")
    {
        Aliases.Add("list");
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var list = await ca.Send(Routes.ListRequests, new ListRequests(), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(list.Requests);
        else
            parsed.Print(RequestText.Table(list.Requests).Lines());
        return ExitCode.Done;
    }
}
