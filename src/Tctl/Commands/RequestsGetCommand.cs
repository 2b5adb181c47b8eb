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
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.Yaml);

    public RequestsGetCommand()
        : base("get", "Shows a request", "tctl requests get bc8ca931")
    {
        Arguments.Add(id);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var request = await ca.Send(Routes.GetRequest, new GetRequest(parsed.GetValue(id)!), cancellation);
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                parsed.PrintJson(request);
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(Yaml.Write(request));
                break;
            default:
                parsed.Print(RequestText.Details(request));
                break;
        }
        return ExitCode.Done;
    }
}
