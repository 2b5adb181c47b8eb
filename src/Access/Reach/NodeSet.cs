using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;

namespace CertAuthority.Access.Reach;

/// <summary>
/// Nodes, with answers to what each decision asks about all of them, so that a decision costs what the roles reach and not what exists:
/// which nodes a selector selects, which one has a name, and which have an end.
/// </summary>
[CollectionBuilder(typeof(NodeSet), nameof(Of))]
public sealed class NodeSet : IReadOnlyCollection<Node>
{
    // Below this, looking at each node is quicker than an index is made.
    private const int Few = 16;

    private readonly ImmutableArray<Node> all;
    private readonly ImmutableArray<Node> ending;
    private readonly Lazy<Dictionary<string, Node>> byName;
    private readonly Lazy<Dictionary<(string Key, string Value), List<Node>>> byLabel;

    private NodeSet(ImmutableArray<Node> nodes)
    {
        all = nodes;
        ending = nodes.RemoveAll(node => node.Expires is null);
        byName = new(() => nodes.ToDictionary(node => node.Name, StringComparer.Ordinal));
        byLabel = new(() =>
        {
            var index = new Dictionary<(string, string), List<Node>>();
            foreach (var node in nodes)
                foreach (var (key, value) in node.Labels)
                    if (index.TryGetValue((key, value), out var some))
                        some.Add(node);
                    else
                        index.Add((key, value), [node]);
            return index;
        });
    }

    /// <inheritdoc/>
    public int Count => all.Length;

    /// <summary>Whether a node has an end, so that what the nodes are depends on the time.</summary>
    public bool HaveEnds => !ending.IsEmpty;

    /// <summary>Makes a set of nodes with different names.</summary>
    public static NodeSet Of(ReadOnlySpan<Node> nodes) => new([.. nodes]);

    /// <summary>Makes a set of nodes with different names.</summary>
    public static implicit operator NodeSet(ImmutableArray<Node> nodes) => new(nodes);

    /// <summary>Makes a set of nodes with different names.</summary>
    public static implicit operator NodeSet(Node[] nodes) => new([.. nodes]);

    /// <summary>Returns the node with this name; null if there is none.</summary>
    public Node? Named(string name)
    {
        if (Count > Few)
            return byName.Value.GetValueOrDefault(name);
        foreach (var node in all)
            if (node.Name == name)
                return node;
        return null;
    }

    /// <summary>Returns the nodes that a selector selects, in no particular order.</summary>
    public ImmutableArray<Node> Selected(LabelSelector selector) =>
        selector.IsNone ? []
        : selector.IsAll ? all
        : Candidates(selector) is { } some ? [.. some.Where(node => selector.Matches(node.Labels))]
        : all.RemoveAll(node => !selector.Matches(node.Labels));

    /// <summary>Returns the nodes that end before an instant.</summary>
    public IEnumerable<Node> EndingBefore(DateTimeOffset instant) => ending.Where(node => node.Expires < instant);

    /// <summary>Returns the nodes that have ended.</summary>
    public IEnumerable<Node> Ended(DateTimeOffset now) => ending.Where(node => node.IsOver(now));

    /// <summary>Leaves out the nodes that have ended.</summary>
    public NodeSet Standing(DateTimeOffset now) => Ended(now).Any() ? new(all.RemoveAll(node => node.IsOver(now))) : this;

    /// <inheritdoc/>
    public IEnumerator<Node> GetEnumerator() => ((IEnumerable<Node>)all).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Returns nodes with all that the selector selects among them; null if only each node itself can tell.</summary>
    private IEnumerable<Node>? Candidates(LabelSelector selector)
    {
        if (Count <= Few)
            return null;
        // A node has one value for a key, so the values of an entry have no node in common.
        return selector.Entries.Where(entry => entry.Key != "*" && entry.Value.All(pattern => pattern.IsLiteral))
            .Select(entry => entry.Value.Select(pattern => pattern.Text).Distinct(StringComparer.Ordinal)
                .Select(value => byLabel.Value.GetValueOrDefault((entry.Key, value), [])).ToList())
            .MinBy(lists => lists.Sum(list => list.Count))
            ?.SelectMany(list => list);
    }
}
