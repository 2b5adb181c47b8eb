using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// The addresses of nodes, in the file <c>addresses</c> of a home: <c>NAME ADDRESS</c> in each line, and after these the name of the jump
/// host, if the node has one. They are used while the daemon is unreachable.
/// </summary>
/// <param name="home">The home.</param>
internal sealed class NodeAddresses(Home home)
{
    /// <summary>Finds the node of a name or an address; null if it is not known, or not unique.</summary>
    /// <param name="wanted">The text as the user typed it.</param>
    public ReachableNode? Find(string wanted)
    {
        var known = Read();
        return NodeNames.Matches(wanted, known, one => one.Name, one => one.Address) is [var only]
            ? new ReachableNode(only.Name, only.Address, [], NodeWays.To(only.Via, known))
            : null;
    }

    /// <summary>Stores these addresses, next to those of other nodes. A failure to store them does not fail the command.</summary>
    public void Remember(params ReachableNode[] nodes)
    {
        var old = Read();
        JumpHost[] all = [
            .. old.Concat(nodes.SelectMany(Lines).Where(IsUsable)).GroupBy(one => one.Name)
                .Select(same => same.Last()).OrderBy(one => one.Name, StringComparer.Ordinal)];
        if (all.SequenceEqual(old))
            return;
        try
        {
            home.EnsureFolder();
            AtomicFile.Replace(
                home.Addresses,
                Encoding.UTF8.GetBytes(string.Concat(all.Select(one => $"{one.Name} {one.Address} {one.Via}".TrimEnd() + "\n"))),
                UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            // The old addresses stay.
        }
    }

    // Ignores any text that is not a name or address of a node, whoever wrote it.
    private JumpHost[] Read() =>
    [
        .. (AtomicFile.Read(home.Addresses) ?? "").Split('\n').Select(line => line.Split(' ')).Where(words => words.Length is 2 or 3)
            .Select(words => new JumpHost(words[0], words[1], words.ElementAtOrDefault(2))).Where(IsUsable),
    ];

    // Any node can be a jump host.
    private static IEnumerable<JumpHost> Lines(ReachableNode node) =>
        [.. node.Jumps ?? [], new JumpHost(node.Name, node.Address, node.Jumps is [.., var last] ? last.Name : null)];

    private static bool IsUsable(JumpHost one) =>
        PlainNames.IsNode(one.Name) && SshArguments.TryEndpoint(one.Address) is not null && (one.Via is null || PlainNames.IsNode(one.Via));
}
