using System.CommandLine;
using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl get</c>.</summary>
internal sealed class GetCommand : CliCommand
{
    private readonly ListArgument wanted = new(
        "KIND[/NAME]", "roles, users, nodes, locks: all of them, or one by name; all: every kind, to be fed to tctl create")
    {
        CompletionSources = { AdminCompletions.KindsAndResources }
    };
    private readonly FormatOption format = new(FormatOption.Yaml, FormatOption.Json, FormatOption.Text);

    public GetCommand()
        : base(
            "get", "Shows resources as they would be written in a file", "tctl get role/dba", "tctl get users,nodes --format=json",
            "tctl get all > everything.yaml")
    {
        Arguments.Add(wanted);
        Options.Add(new WideOption());
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var found = new List<(string Kind, JsonElement[] Resources)>();
        foreach (var item in parsed.GetValue(wanted)!)
        {
            var (kind, name) = ResourceReference.Parse(item);
            var resources = (await ca.Send(Routes.GetResources, new GetResources(kind, name), cancellation)).Resources;
            if (kind == ResourceKinds.All)
                found.AddRange(
                    resources.GroupBy(resource => resource.GetProperty("kind").GetString()!).Select(each => (each.Key, each.ToArray())));
            else
                found.Add((kind, resources));
        }
        var all = found.SelectMany(each => each.Resources);
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                parsed.PrintJson(all.ToArray());
                break;
            case FormatOption.Yaml:
                parsed.PrintEscaped(all.SelectMany((resource, i) => i == 0 ? Yaml.Lines(resource) : Yaml.Lines(resource).Prepend("---")));
                break;
            default:
                var kinds = (await ca.Send(Routes.ListKinds, new ListKinds(), cancellation)).Kinds.ToDictionary(
                    kind => kind.Name, StringComparer.Ordinal);
                foreach (var (i, (kind, resources)) in found.Index())
                {
                    if (i > 0)
                        parsed.Print("");
                    parsed.Print(ResourceTable.For(kinds[kind], resources));
                }
                break;
        }
        return ExitCode.Done;
    }
}
