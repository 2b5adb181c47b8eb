using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Selects the nodes of a list that ssh can use. A node that it cannot use is left out, and does not affect the rest.</summary>
internal static class UsableNodes
{
    /// <summary>Leaves out the nodes that ssh cannot use, with one warning that names all of them.</summary>
    /// <param name="parsed">The command line; it decides where the warning goes.</param>
    /// <param name="nodes">The nodes as the daemon lists them.</param>
    public static ListedNode[] Filter(ParseResult parsed, ListedNode[] nodes)
    {
        ListedNode[] odd = [.. nodes.Where(node => !IsUsable(node))];
        if (odd is [])
            return nodes;
        parsed.Warn(
            $"left out, for ssh cannot use the address: {string.Join(", ", odd.Take(10).Select(node => $"{node.Name} ({node.Address})"))}{(odd.Length > 10 ? ", …" : "")}");
        parsed.Hint($"an administrator corrects it: tctl edit node/{odd[0].Name}");
        return [.. nodes.Except(odd)];
    }

    // A text that is not an address at all is not left out: such a server is not trusted, and the whole list is refused.
    private static bool IsUsable(ListedNode node) =>
        !SshArguments.IsPlain(node.Address) || SshArguments.TryEndpoint(node.Address) is not null;
}
