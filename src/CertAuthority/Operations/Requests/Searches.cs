using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Searches for what users can request by name.</summary>
internal static class Searches
{
    public static Task<ResourcesFound> Search(Authority ca, Caller by, SearchResources ask)
    {
        if (ask.Kind != ResourceKinds.Node)
            throw Problems.InvalidField("kind", $"takes node, because only nodes are requested by name, not \"{ask.Kind}\"");
        var labels = Labels(ask.Labels ?? "");
        var words = (ask.Search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var policy = snapshot.Policy();
            NodeSet nodes = [.. policy.EveryNode.Where(
                node => labels.All(label => node.Labels.GetValueOrDefault(label.Key) == label.Value)
                    && Array.TrueForAll(words, word => Has(node, word)))];
            var found =
                Elevation.WithinAsking(
                    snapshot.ActingUser(by, ask.User), RequestKind.Resources, policy.Roles, nodes, policy.LocksAt(now), now)
                .SelectMany(elevation => elevation.Nodes.Select(name => (Node: policy.Nodes[name], elevation.Role)))
                .GroupBy(opened => opened.Node, opened => opened.Role)
                .OrderBy(opened => opened.Key.Name, StringComparer.Ordinal)
                .Select(
                    opened => new ResourceFound(
                        new PinnedNode(opened.Key.Id, opened.Key.Name).ToString(), opened.Key.Labels.ToDictionary(), [.. opened]))
                .ToList();
            var limit = Pages.Size(ask.Limit);
            return new ResourcesFound([.. found.Take(limit)], Math.Max(0, found.Count - limit));
        }));
    }

    private static Dictionary<string, string> Labels(string text)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var label in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
            if (label.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw Problems.InvalidField("labels", $"takes labels such as env=prod, not \"{label}\"");
            else if (!labels.TryAdd(key, value) && labels[key] != value)
                throw Problems.InvalidField("labels", $"has two values of the label \"{key}\", and no node has");
        return labels;
    }

    /// <summary>Whether a word is in the name of a node, or in one of its labels, written <c>env=prod</c>.</summary>
    public static bool Has(Node node, string word) =>
        Has(node.Name, word) || node.Labels.Any(label => Has($"{label.Key}={label.Value}", word));

    /// <summary>Whether a word is in a text, in upper or lower case.</summary>
    public static bool Has(string text, string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
}
