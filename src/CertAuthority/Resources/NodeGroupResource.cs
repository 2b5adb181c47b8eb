using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>Converts <c>kind: node_group</c> between text and <see cref="NodeGroup"/>.</summary>
internal static class NodeGroupResource
{
    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The group has no ID, revision and token yet.</summary>
    public static NodeGroup Read(string version, FieldReader root)
    {
        if (version != "v1")
            root.Fault("version", "a node_group has version v1");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsNodeName, Names.NodeForm);
        metadata.Foreign("labels", "description");
        metadata.Done();
        var spec = root.Map("spec");
        var labels = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<NamePattern>>(StringComparer.Ordinal);
        foreach (var (key, values) in spec.TextLists("node_labels"))
            if (values.IsEmpty)
                spec.Fault(key, $"the label {key.Text} has no value, so it would select nothing");
            else if (key.Text == "*")
                spec.Fault(key, "a group cannot have every host; a role for all hosts grants bare logins, which need no group");
            else
                labels[key.Text] = NamePatterns.Read(spec, values);
        if (labels.Count == 0)
            spec.Fault("node_labels", "spec.node_labels says which hosts are in the group, as in a role");
        spec.Done();
        root.Done();
        return new NodeGroup(Guid.Empty, name, 0, new LabelSelector(labels.ToImmutable()));
    }

    public static JsonObject Write(NodeGroup group) =>
        ResourceMetadata.Write(
            ResourceKinds.NodeGroup, "v1", group.Name, group.Revision, "", new Dictionary<string, string>(),
            new JsonObject
            {
                ["node_labels"] = new JsonObject(
                    group.Selector.Entries.Select(
                        entry => KeyValuePair.Create<string, JsonNode?>(
                            entry.Key, ResourceMetadata.Array(entry.Value.Select(pattern => pattern.Text))))),
            });
}
