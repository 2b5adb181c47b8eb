using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// The addresses of nodes, in the file <c>addresses</c> of a home: <c>NAME ADDRESS</c> in each line. They are used while the daemon is
/// unreachable.
/// </summary>
/// <param name="home">The home.</param>
internal sealed class NodeAddresses(Home home)
{
    /// <summary>Finds the node of a name or an address; null if it is not known, or not unique.</summary>
    /// <param name="wanted">The text as the user typed it.</param>
    public (string Name, string Address)? Find(string wanted)
    {
        var known = Read();
        return NodeNames.Matches(wanted, known, one => one.Name, one => one.Address) is [var only] ? only : null;
    }

    /// <summary>Stores these addresses, next to those of other nodes. A failure to store them does not fail the command.</summary>
    public void Remember(params ReachableNode[] nodes)
    {
        var old = Read();
        (string Name, string Address)[] all = [
            .. old.Concat(nodes.Select(node => (node.Name, node.Address)).Where(IsUsable)).GroupBy(one => one.Name)
                .Select(same => same.Last()).OrderBy(one => one.Name, StringComparer.Ordinal)];
        if (all.SequenceEqual(old))
            return;
        try
        {
            home.EnsureFolder();
            AtomicFile.Replace(
                home.Addresses, Encoding.UTF8.GetBytes(string.Concat(all.Select(one => $"{one.Name} {one.Address}\n"))),
                UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            // The old addresses stay.
        }
    }

    // Ignores any text that is not a name or address of a node, whoever wrote it.
    private (string Name, string Address)[] Read() =>
    [
        .. (AtomicFile.Read(home.Addresses) ?? "").Split('\n').Select(line => line.Split(' ')).Where(words => words.Length == 2)
            .Select(words => (words[0], words[1])).Where(IsUsable),
    ];

    private static bool IsUsable((string Name, string Address) one) =>
        PlainNames.IsNode(one.Name) && SshArguments.TryEndpoint(one.Address) is not null;
}
