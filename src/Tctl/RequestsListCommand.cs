using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests ls</c>.</summary>
internal sealed class RequestsListCommand : Verb
{
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Yaml);

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
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                parsed.PrintJson(list.Requests);
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(list.Requests.SelectMany((request, i) => i == 0 ? Yaml.Of(request) : Yaml.Of(request).Prepend("---")));
                break;
            default:
                parsed.Print(RequestText.Table(list.Requests));
                break;
        }
        return ExitCode.Done;
    }
}
