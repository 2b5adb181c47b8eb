using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh request search</c>.</summary>
internal sealed class RequestSearchCommand : CliCommand
{
    // The largest number of resources in a request.
    private const int MostResources = 300;

    private readonly Option<string> kind = new("--kind")
    {
        HelpName = "KIND",
        Description = "What to search for: node",
        DefaultValueFactory = _ => "node",
        CompletionSources = { "node" }
    };
    private readonly Option<string?> labels = new("--labels")
    {
        HelpName = "KEY=VALUE[,KEY=VALUE…]",
        Description = "Only those with all of these labels"
    };
    private readonly Option<string?> search = new("--search")
    {
        HelpName = "WORDS",
        Description = "Only those with each of these words in the name or the labels"
    };
    private readonly LimitOption limit = new("1000");
    private readonly FormatOption format = new();

    public RequestSearchCommand()
        : base(
            "search",
            "Lists the hosts that you can ask for by name, and the command that asks",
            "tsh request search --kind=node",
            "tsh request search --labels=env=prod,type=db",
            "tsh request search --search=\"payroll db\" --format=json | jq -r '.[].resource'")
    {
        foreach (var option in (Option[])[kind, labels, search, limit, new WideOption(), format])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var found = await ca.Send(
            Routes.SearchResources,
            new SearchResources(
                parsed.GetValue(kind)!, parsed.GetValue(labels), parsed.GetValue(search), parsed.GetValue(limit),
                UserOption.Chosen(parsed, Home.Chosen(parsed))),
            cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(found.Resources);
            return ExitCode.Done;
        }
        var table = new Table("Resource", "Labels", "By Roles")
        {
            Nothing = "there is no host like that which you can ask for by name",
        };
        foreach (var one in found.Resources)
            table.Add(one.Resource, Wording.Labels(one.Labels), string.Join(',', one.Roles));
        parsed.Print(table);
        if (found.More > 0)
            parsed.Say($"and {found.More} more");
        if (found.Resources.Length > MostResources)
            parsed.Hint($"a request names at most {MostResources}: narrow it down with --labels or --search");
        else if (found.Resources is not [])
            parsed.Hint(
                $"to ask for {(found.Resources is [_] ? "it" : "all of them")}: tsh request create --resource={string.Join(',', found.Resources.Select(one => one.Resource))} --reason=TEXT");
        return ExitCode.Done;
    }
}
