using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// The addresses of nodes, in the file <c>addresses</c> of a home: <c>NAME ADDRESS</c>, a line each. They serve while the daemon is away.
/// </summary>
/// <param name="home">Whose.</param>
internal sealed class NodeAddresses(Home home)
{
    /// <summary>The node of a name or an address; null where it is not known, or not exactly one.</summary>
    /// <param name="wanted">As it was typed.</param>
    public (string Name, string Address)? Find(string wanted)
    {
        var known = Read();
        return NodeNames.Matches(wanted, known, one => one.Name, one => one.Address) is [var only] ? only : null;
    }

    /// <summary>Keeps these addresses, beside those of other nodes. That it cannot is no failure of whatever was asked for.</summary>
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
            // Then the old ones stay.
        }
    }

    // What is no name or address of a node is left out, whoever wrote it.
    private (string Name, string Address)[] Read() =>
    [
        .. (AtomicFile.Read(home.Addresses) ?? "").Split('\n').Select(line => line.Split(' ')).Where(words => words.Length == 2)
            .Select(words => (words[0], words[1])).Where(IsUsable),
    ];

    private static bool IsUsable((string Name, string Address) one) =>
        PlainNames.IsNode(one.Name) && SshArguments.TryEndpoint(one.Address) is not null;
}
