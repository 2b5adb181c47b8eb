using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl requests get</c>.</summary>
internal sealed class RequestsGetCommand : CliCommand
{
    private readonly Argument<string> id = new("ID")
    {
        Description = "The request, or the beginning of its id",
        CompletionSources = { AdminCompletions.Requests() }
    };
    private readonly Option<bool> hosts = new("--hosts") { Description = "Name every host that it opens, however many they are" };
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Yaml);

    public RequestsGetCommand()
        : base(
            "get", "Shows a request, and what an approval would open", "tctl requests get bc8ca931",
            "tctl requests get bc8ca931 --hosts")
    {
        Arguments.Add(id);
        Options.Add(hosts);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var request = await ca.Send(
            Routes.GetRequest, new GetRequest(parsed.GetValue(id)!, Facts: true, parsed.GetValue(hosts)), cancellation);
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                parsed.PrintJson(request);
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(Yaml.Write(request));
                break;
            default:
                parsed.Print(RequestText.Details(request, $"tctl requests approve {request.Metadata.Name}"));
                break;
        }
        return ExitCode.Done;
    }
}
