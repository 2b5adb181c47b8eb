using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A group of hosts as it is stored.</summary>
/// <param name="NodeLabels">The labels that select its members.</param>
/// <param name="Token">What hosts and certificates call the group now.</param>
internal sealed record NodeGroupRow(Dictionary<string, string[]> NodeLabels, string Token)
{
    public static readonly ResourceTable<NodeGroup> Table = ResourceTable.Of(
        ResourceKinds.NodeGroup, NodeGroupRowJson.Default.NodeGroupRow, From, (row, name) => row.Read(name), Touch) with
    {
        InPolicy = (policy, next, name, group) => policy.With(next, name, group),
        Removing = (transaction, id) => transaction.Execute("DELETE FROM node_group_members WHERE group_id = $1", id),
    };

    /// <summary>Returns a token that no host and no certificate has.</summary>
    /// <param name="name">The name of the group.</param>
    public static string NewToken(string name) =>
        NodeGroup.TokenOf(name, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))));

    private static void Touch(Transaction transaction, NodeGroup? before, NodeGroup? after)
    {
        if (before is not null)
            transaction.Touched.Group(before);
        if (after is not null && before?.Selector.IsLike(after.Selector) != true)
            transaction.Touched.Regroup(after.Id);
    }

    private static NodeGroupRow From(NodeGroup group) => new(
        group.Selector.Entries.ToDictionary(
            entry => entry.Key, entry => entry.Value.Select(pattern => pattern.Text).ToArray(), StringComparer.Ordinal), group.Token);

    private NodeGroup Read(string name) => new(
        Guid.Empty, name, 0,
        new LabelSelector(
            NodeLabels.ToImmutableSortedDictionary(entry => entry.Key, entry => RowParts.Patterns(entry.Value), StringComparer.Ordinal)))
    {
        Token = Token,
    };
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(NodeGroupRow))]
internal sealed partial class NodeGroupRowJson : JsonSerializerContext;
