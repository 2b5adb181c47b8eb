using System.Collections.Concurrent;
using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>
/// The ways to hosts that are reached through others: <c>spec.via</c> of each names a jump host, which can have a way itself.
/// </summary>
public sealed class Ways
{
    /// <summary>The most jump hosts on one way.</summary>
    public const int MostJumps = 4;

    /// <summary>The most hosts directly behind one jump host: sshd accepts 4096 destinations in one line.</summary>
    public const int MostBehind = 4000;

    private readonly Dictionary<string, Node> jumps = new(StringComparer.Ordinal);
    private readonly ILookup<string, Node> behind;

    // A jump host with thousands of hosts behind it is looked at for each of them.
    private readonly ConcurrentDictionary<string, string> principalsFiles = new(StringComparer.Ordinal);

    /// <summary>Finds the ways among these nodes.</summary>
    /// <param name="nodes">The nodes; a way that leads through any other node is broken.</param>
    public Ways(IEnumerable<Node> nodes)
    {
        var through = new List<Node>();
        foreach (var node in nodes)
        {
            if (node.Jump)
                jumps[node.Name] = node;
            if (node.Via is not null)
                through.Add(node);
        }
        behind = through.ToLookup(node => node.Via!, StringComparer.Ordinal);
    }

    /// <summary>
    /// Returns the jump hosts on the way to a node, the one that users connect to first; empty if it is reached directly. Null if the way
    /// is broken: it names a node that is not there or is no jump host, or it is too long.
    /// </summary>
    public ImmutableArray<Node>? To(Node node)
    {
        var way = ImmutableArray<Node>.Empty;
        for (var next = node.Via; next is not null; next = way[0].Via)
        {
            if (way.Length == MostJumps || !jumps.TryGetValue(next, out var jump))
                return null;
            way = way.Insert(0, jump);
        }
        return way;
    }

    /// <summary>Returns the nodes whose <c>spec.via</c> names a jump host.</summary>
    public IEnumerable<Node> DirectlyBehind(string jump) => behind[jump];

    /// <summary>Returns the nodes whose way leads through a jump host, each once.</summary>
    public ImmutableArray<Node> Behind(string jump)
    {
        var (found, names) = (ImmutableArray.CreateBuilder<Node>(), new HashSet<string>(StringComparer.Ordinal) { jump });
        var open = new Queue<string>(names);
        while (open.TryDequeue(out var next))
            foreach (var node in behind[next].Where(node => names.Add(node.Name)))
            {
                found.Add(node);
                open.Enqueue(node.Name);
            }
        return found.ToImmutable();
    }

    /// <summary>Returns why the way of a node cannot be used; null if it can.</summary>
    /// <param name="node">The node.</param>
    /// <param name="all">Every node that exists, by name.</param>
    public Refusal? Fault(Node node, IReadOnlyDictionary<string, Node> all)
    {
        if (DirectlyBehind(node.Name).Count() is > MostBehind and var many)
            return new Refusal(
                $"{many} hosts are reached through {node.Name}; the limit is {MostBehind}", "give some of them another jump host",
                RefusalKind.Invalid);
        var passed = new List<string> { node.Name };
        for (var next = node.Via; next is not null; next = all[next].Via)
        {
            passed.Add(next);
            if (!all.TryGetValue(next, out var jump))
                return new Refusal(
                    $"node '{passed[^2]}' is reached through {next}, and there is no such node", "create the jump host first",
                    RefusalKind.Invalid);
            if (passed.IndexOf(next) < passed.Count - 1)
                return new Refusal(
                    $"the way to node '{node.Name}' leads in a circle: {string.Join(", through ", passed)}",
                    "take spec.via out of one of them", RefusalKind.Invalid);
            if (!jump.Jump)
                return new Refusal(
                    $"node '{passed[^2]}' is reached through {next}, which is no jump host",
                    $"give the node {next} spec.jump: true, and enroll it again", RefusalKind.Invalid);
            if (passed.Count - 1 > MostJumps)
                return new Refusal(
                    $"the way to node '{node.Name}' has more than {MostJumps} jump hosts: {string.Join(", through ", passed)}", null,
                    RefusalKind.Invalid);
        }
        return null;
    }

    /// <summary>
    /// Returns the file by which a jump host decides who may go where: the lines of a principals file, with the addresses directly behind
    /// it as the only destinations. Empty if there is none, so that nobody enters.
    /// </summary>
    /// <param name="jump">The name of the jump host.</param>
    public string PrincipalsFile(string jump) => principalsFiles.GetOrAdd(jump, MakePrincipalsFile);

    private string MakePrincipalsFile(string jump)
    {
        var destinations = string.Join(
            ',', behind[jump].Select(node => node.Endpoint).OfType<NodeAddress>()
                .Select(at => $"permitopen=\"{(at.Host.Contains(':') ? $"[{at.Host}]" : at.Host)}:{at.Port ?? 22}\"")
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(MostBehind));
        // Without a destination, the line would permit all.
        return destinations.Length == 0
            ? ""
            : $"{destinations} {Names.JumpLogin}@{jump}\n{destinations} {Names.JumpLogin}\n";
    }
}
