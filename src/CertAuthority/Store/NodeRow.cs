using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A node as it is stored.</summary>
/// <param name="Address">
/// The address where its sshd listens. Earlier versions stored addresses that this version rejects in files; such a node can be read, and
/// only the connection to its host is blocked.
/// </param>
/// <param name="Labels">The labels by which roles select it; null for none.</param>
/// <param name="KrlMaxAge">The largest age of a revocation list on the host, in seconds; null for any age.</param>
/// <param name="LoginDomain">The domain of the accounts on the host; null for plain names only.</param>
/// <param name="Push">Whether the daemon writes to the host.</param>
/// <param name="OtherCas">The CA keys of other authorities that the host trusts; null for none.</param>
/// <param name="KeepKeys">Whether plain keys open the host too.</param>
/// <param name="Via">The name of the jump host through which it is reached; null for none.</param>
/// <param name="Jump">Whether it is a jump host.</param>
/// <param name="Expires">When it ends, in Unix seconds; null for never.</param>
internal sealed record NodeRow(
    string Address, Dictionary<string, string>? Labels = null, long? KrlMaxAge = null, string? LoginDomain = null, bool Push = false,
    string[]? OtherCas = null, bool KeepKeys = false, string? Via = null, bool Jump = false, long? Expires = null)
{
    public static readonly ResourceTable<Node> Table = ResourceTable.Of(
        ResourceKinds.Node, NodeRowJson.Default.NodeRow, From, (row, name) => row.Read(name), Touch) with
    {
        InPolicy = (policy, next, name, node) => policy.With(next, name, node),
        Removing = (transaction, id) =>
        {
            if (Guid.TryParse(id, out var node))
                transaction.Touched.NodeWritten(node, null);
            transaction.Execute("DELETE FROM node_syncs WHERE node_id = $1", id);
            transaction.Execute("DELETE FROM node_trust WHERE node_id = $1", id);
            transaction.Execute("DELETE FROM node_reports WHERE node_id = $1", id);
        },
    };

    // No certificate names a node that is new; but it can name a group that the node is in.
    private static void Touch(Transaction transaction, Node? before, Node? after)
    {
        if (before is not null)
            transaction.Touched.Node(before);
        if (after is not null)
            transaction.Touched.NodeWritten(after.Id, after.Name);
    }

    private static NodeRow From(Node node) => new(
        node.Address,
        node.Labels.IsEmpty ? null : new Dictionary<string, string>(node.Labels, StringComparer.Ordinal),
        (long?)node.KrlMaxAge?.TotalSeconds,
        node.LoginDomain,
        node.Push,
        node.OtherCas.IsEmpty ? null : [.. node.OtherCas],
        node.KeepKeys,
        node.Via,
        node.Jump,
        node.Expires?.ToUnixTimeSeconds());

    private Node Read(string name) =>
        new(Guid.Empty, name, 0, NodeAddress.Stored(Address), (Labels ?? []).ToImmutableSortedDictionary(StringComparer.Ordinal))
        {
            KrlMaxAge = KrlMaxAge is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            LoginDomain = LoginDomain,
            Push = Push,
            OtherCas = [.. OtherCas ?? []],
            KeepKeys = KeepKeys,
            Via = Via,
            Jump = Jump,
            Expires = Expires is { } end ? DateTimeOffset.FromUnixTimeSeconds(end) : null,
        };
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(NodeRow))]
internal sealed partial class NodeRowJson : JsonSerializerContext;
