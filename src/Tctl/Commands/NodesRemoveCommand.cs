using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes rm</c>.</summary>
internal sealed class NodesRemoveCommand : CliCommand
{
    private readonly Argument<string> name = new("NODE") { Description = "Which host", CompletionSources = { AdminCompletions.Nodes } };
    private readonly HostsWait wait = new();
    private readonly SshOption ssh = new();

    public NodesRemoveCommand()
        : base(
            "rm",
            "Takes a host out of the authority; with --ssh it also undoes there what enroll did",
            "tctl nodes rm db1",
            "tctl nodes rm db1 --ssh root@db1.example.com")
    {
        Arguments.Add(name);
        Options.Add(ssh);
        Options.Add(wait);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var node = parsed.GetValue(name)!;
        using var ca = ServerOption.Connect(parsed);
        // Checks the node before the host is touched.
        await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(node), cancellation);
        if (parsed.GetValue(ssh) is { } at)
        {
            await using var host = await RemoteHost.Connect(at, mayAsk: true, parsed.Warn, cancellation);
            await host.Run("look", cancellation);
            await host.Run("swap", cancellation);
            await host.Run("keep", cancellation);
            parsed.Say($"{at.Host} trusts the authority no more; what let people in before does so again");
        }
        var exitCode = await parsed.Show(
            await ca.Send(Routes.RemoveResource, new RemoveResource(ResourceKinds.Node, node), cancellation), wait, ca, cancellation);
        if (parsed.GetValue(ssh) is null)
            parsed.Hint("the host still trusts the authority: undo it there with --ssh, or remove the drop-in and /etc/ssh/certauthority");
        return exitCode;
    }
}
