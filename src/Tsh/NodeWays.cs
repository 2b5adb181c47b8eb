using System.CommandLine;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The ways to nodes that are reached through jump hosts. Names and addresses come from elsewhere and are checked here.</summary>
internal static class NodeWays
{
    // The daemon allows fewer; a longer way comes from a list that leads in a circle.
    private const int Most = 8;

    /// <summary>Returns the jump hosts on a way, the one to connect to first at the beginning; null if there are none.</summary>
    /// <param name="via">The name of the last jump host; null for none.</param>
    /// <param name="jumps">All jump hosts that are known.</param>
    /// <exception cref="FailureException">A jump host on the way is not known.</exception>
    public static JumpHost[]? To(string? via, IReadOnlyCollection<JumpHost> jumps)
    {
        if (via is null)
            return null;
        var way = new List<JumpHost>();
        for (var next = via; next is not null; next = way[0].Via)
            way.Insert(
                0,
                way.Count < Most && jumps.FirstOrDefault(jump => jump.Name == next) is { } found
                    ? found
                    : throw new FailureException($"the way through {via} is not known", "an administrator can repair it: tctl nodes ls"));
        return [.. way];
    }

    /// <summary>Leaves out the nodes whose way is broken, with one warning that names them.</summary>
    public static ListedNode[] Passable(ParseResult parsed, NodeList list)
    {
        var jumps = (list.Jumps ?? []).ToDictionary(jump => jump.Name, StringComparer.Ordinal);
        ListedNode[] cut = [.. list.Nodes.Where(node => !IsWhole(node.Via))];
        if (cut is not [])
            parsed.Warn($"left out because the way there is broken: {Wording.Some([.. cut.Select(node => $"{node.Name} (via {node.Via})")])}");
        return cut is [] ? list.Nodes : [.. list.Nodes.Except(cut)];

        bool IsWhole(string? via)
        {
            for (var passed = 0; via is not null && passed < Most; passed++)
            {
                if (!jumps.TryGetValue(via, out var jump))
                    return false;
                via = jump.Via;
            }
            return via is null;
        }
    }

    /// <summary>Returns the certificate at hand that passes a jump host; null if there is none.</summary>
    public static HeldCertificate? Certificate(Home home, string jump) =>
        Held.In(home).For(JumpHost.Login, jump, TimeProvider.System.GetUtcNow())
        ?? NodeCertificate.AtHand(home, JumpHost.Login, jump);

    /// <summary>Returns the value of the option with which ssh goes through the jump hosts to a node; null if there are none.</summary>
    /// <param name="home">The home; it has the key and the certificates.</param>
    /// <param name="node">The node.</param>
    /// <exception cref="FailureException">No certificate at hand passes one of them.</exception>
    public static string? Through(Home home, ReachableNode node) =>
        ProxyCommand.Through((node.Jumps ?? []).Select(jump => Arguments(home, jump, node.Name)));

    private static string[] Arguments(Home home, JumpHost jump, string node)
    {
        PlainNames.CheckNode(jump.Name);
        var (host, port) = SshArguments.Endpoint(jump.Address);
        var certificate = Certificate(home, jump.Name)
            ?? throw new FailureException(
                $"your certificates do not pass the jump host {jump.Name}",
                $"{home.Command("login")}; if that does not help: {home.Command($"access explain --node={node}")}");
        return
        [
            .. SshArguments.Identity(home, certificate.File).SelectMany(option => (string[])["-o", $"{option.Name}={option.Value}"]),
            "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey",
            "-o", $"UserKnownHostsFile={SshArguments.KnownHosts(home)}", "-o", $"HostKeyAlias={jump.Name}", "-o", "ControlPath=none",
            "-p", port ?? "22", "-l", JumpHost.Login, "--", host,
        ];
    }
}
