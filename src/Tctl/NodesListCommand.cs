using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes ls</c>.</summary>
internal sealed class NodesListCommand : Verb
{
    private readonly FormatOption format = new();

    public NodesListCommand()
        : base("ls", "Lists the hosts, and until when their own certificates are valid", "tctl nodes ls", "tctl nodes ls --format=json | jq -r '.[].name'")
    {
        Aliases.Add("list");
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var nodes = (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes;
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(nodes);
            return ExitCode.Done;
        }
        var now = TimeProvider.System.GetUtcNow();
        var table = new Table("Node", "Address", "Labels", "Host Certificate");
        foreach (var node in nodes)
            table.Add(node.Name, node.Address, Wording.Labels(node.Labels), Certificate(node.Certificate, now));
        parsed.Print(table);
        return ExitCode.Done;
    }

    private static string Certificate(HostCertificateInfo? certificate, DateTimeOffset now) => certificate switch
    {
        null => "none",
        { ValidBefore: var end } when end <= now => $"ended {Wording.Time(end)}",
        { ValidBefore: var end } => $"until {Wording.Time(end)}",
    };
}
