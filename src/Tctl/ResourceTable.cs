using System.Text.Json;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Resources of one kind as a table of what one looks for first.</summary>
internal static class ResourceTable
{
    /// <summary>A resource a row.</summary>
    public static Table For(string kind, JsonElement[] resources)
    {
        var columns = Columns(kind);
        // Where users come from matters as soon as not all have a resource.
        if (resources.Any(resource => Cell(resource, FromGroups.Path).Length > 0))
            columns = [.. columns, FromGroups];
        var table = new Table([.. columns.Select(column => column.Header)]);
        foreach (var resource in resources)
            table.Add([.. columns.Select(column => Cell(resource, column.Path))]);
        return table;
    }

    private static readonly (string Header, string Path) FromGroups = ("From Groups", "metadata.from_groups");

    private static (string Header, string Path)[] Columns(string kind) => kind switch
    {
        "role" =>
        [
            ("Role", "metadata.name"), ("Logins", "spec.allow.logins"), ("Node Labels", "spec.allow.node_labels"),
            ("May Request", "spec.allow.request.roles"), ("Max Session", "spec.options.max_session_ttl"),
        ],
        "user" =>
        [
            ("User", "metadata.name"), ("Roles", "spec.roles"), ("Logins", "spec.traits.logins"), ("Unix Users", "spec.unix_users"),
        ],
        "node" => [("Node", "metadata.name"), ("Address", "spec.addr"), ("Labels", "metadata.labels")],
        "lock" => [("Lock", "metadata.name"), ("Target", "spec.target"), ("Message", "spec.message"), ("Expires", "spec.expires")],
        _ => [("Kind", "kind"), ("Name", "metadata.name")],
    };

    private static string Cell(JsonElement resource, string path)
    {
        foreach (var member in path.Split('.'))
            if (resource.ValueKind != JsonValueKind.Object || !resource.TryGetProperty(member, out resource))
                return "";
        return Text(resource);
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => string.Join(',', value.EnumerateArray().Select(Text)),
        JsonValueKind.Object => string.Join(' ', value.EnumerateObject().Select(member => $"{member.Name}={Text(member.Value)}")),
        _ => value.ToString(),
    };
}
