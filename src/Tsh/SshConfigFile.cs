using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The file with which <c>tsh config</c> configures hosts and certificates for ssh; each login updates it.</summary>
internal static class SshConfigFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Updates the file after a login, if <c>tsh config</c> has created one. If that fails, the login still succeeds, with a warning.
    /// </summary>
    public static async Task Refresh(ParseResult parsed, Home home, CaClient ca, CancellationToken cancellation)
    {
        if (!File.Exists(home.SshConfig))
            return;
        try
        {
            AtomicFile.Replace(home.SshConfig, Encoding.UTF8.GetBytes((await Text(parsed, home, ca, cancellation)).Text), OwnerOnly);
        }
        catch (Exception failed) when (failed is ProblemException or UnreachableException or FailureException)
        {
            parsed.Warn($"ssh is not told of this login: {failed.Message}");
        }
    }

    /// <summary>Returns the text for ssh, and the hosts in it.</summary>
    public static async Task<(string Text, ListedNode[] Nodes)> Text(
        ParseResult parsed, Home home, CaClient ca, CancellationToken cancellation)
    {
        var list = await ca.Send(Routes.ListMyNodes, new ListMyNodes(UserOption.Chosen(parsed, home)), cancellation);
        list = list with { Nodes = UsableNodes.Filter(parsed, list.Nodes) };
        list = list with { Nodes = NodeWays.Passable(parsed, list) };
        new NodeAddresses(home).Remember([
            .. list.Nodes.Select(
                node => new ReachableNode(node.Name, node.Address, node.Logins, NodeWays.To(node.Via, list.Jumps ?? [])))]);
        var program = SshConfig.Program(
            home, Environment.ProcessPath, Environment.GetEnvironmentVariable("TSH_HOME") is { Length: > 0 } ? Home.Root() : null);
        return (SshConfig.Text(
            home, list, Held.In(home), home.Memory.PerHost, ServerOption.Chosen(parsed), program, TimeProvider.System.GetUtcNow()),
            list.Nodes);
    }
}
