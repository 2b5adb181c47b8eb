using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The nodes of a list that ssh can be told about. One that it cannot use is left out, and never costs the others.</summary>
internal static class UsableNodes
{
    /// <summary>Leaves out what ssh cannot use, with one warning that names all of it.</summary>
    /// <param name="parsed">Where the warning goes.</param>
    /// <param name="nodes">As the daemon lists them.</param>
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

    // What is no address at all is not left out: such a server is not believed, and the whole list is refused.
    private static bool IsUsable(ListedNode node) =>
        !SshArguments.IsPlain(node.Address) || SshArguments.TryEndpoint(node.Address) is not null;
}
