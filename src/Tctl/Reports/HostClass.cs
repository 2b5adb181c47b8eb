using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl.Reports;

/// <summary>Hosts that no role and no lock tells apart, so that everybody has the same access to each of them.</summary>
/// <param name="Labels">The labels by which roles select, as they are on these hosts: <c>env=prod,type=db</c>; may be empty.</param>
/// <param name="Names">The names of the hosts, sorted; at least one.</param>
internal sealed record HostClass(string Labels, string[] Names)
{
    private static readonly string[] Parts = ["allow", "deny"];

    /// <summary>Divides the hosts of a site.</summary>
    /// <param name="nodes">Every node.</param>
    /// <param name="roles">Every role: labels that none of them selects or denies by make no difference.</param>
    /// <param name="locks">Every lock: a locked node is alone in its class.</param>
    public static HostClass[] Divide(JsonElement[] nodes, JsonElement[] roles, JsonElement[] locks)
    {
        var keys = new SortedSet<string>(roles.SelectMany(LabelKeys), StringComparer.Ordinal);
        var locked = locks.Select(one => Text(one, "spec", "target", ResourceKinds.Node)).OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        return
        [
            .. nodes.Select(node => (
                    Name: Text(node, "metadata", "name")!, Labels: LabelsOf(node, keys), Domain: Text(node, "spec", "login_domain")))
                .GroupBy(node => (node.Labels, node.Domain, Locked: locked.Contains(node.Name) ? node.Name : null))
                .Select(same => new HostClass(same.Key.Labels, [.. same.Select(node => node.Name).Order(StringComparer.Ordinal)]))
                .OrderBy(same => same.Labels, StringComparer.Ordinal).ThenBy(same => same.Names[0], StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> LabelKeys(JsonElement role) =>
        Parts.SelectMany(part => Members(role, "spec", part, "node_labels").Select(member => member.Name));

    private static string LabelsOf(JsonElement node, SortedSet<string> keys) =>
        string.Join(
            ',',
            Members(node, "metadata", "labels").Where(label => keys.Contains(label.Name))
                .OrderBy(label => label.Name, StringComparer.Ordinal).Select(label => $"{label.Name}={label.Value.GetString()}"));

    private static IEnumerable<JsonProperty> Members(JsonElement resource, params string[] path) =>
        Find(resource, path) is { ValueKind: JsonValueKind.Object } found ? found.EnumerateObject() : [];

    private static string? Text(JsonElement resource, params string[] path) =>
        Find(resource, path) is { ValueKind: JsonValueKind.String } found ? found.GetString() : null;

    private static JsonElement? Find(JsonElement value, string[] path)
    {
        foreach (var member in path)
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(member, out value))
                return null;
        return value;
    }
}
