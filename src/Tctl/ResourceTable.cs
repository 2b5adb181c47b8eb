using System.Globalization;
using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Shows resources of one kind as a table. The daemon defines the columns of each kind.</summary>
internal static class ResourceTable
{
    /// <summary>Creates a table with one row for each resource.</summary>
    /// <param name="kind">Their kind, which defines the columns.</param>
    /// <param name="resources">The resources.</param>
    public static Table For(ResourceKindInfo kind, JsonElement[] resources)
    {
        ResourceColumn[] columns = [
            .. kind.Columns.Where(
                column => column.WhereAny is not true || resources.Any(resource => Cell(resource, column.Path).Length > 0))];
        // Only the names of locks are IDs.
        var table = new Table([.. columns.Select(column => column.Header)]) { Nothing = $"no {kind.Name}s", Ids = 0 };
        foreach (var resource in resources)
            table.Add([.. columns.Select(column => Shown(column, Cell(resource, column.Path)))]);
        return table;
    }

    private static Cell Shown(ResourceColumn column, string text) =>
        column.Path.EndsWith(".expires", StringComparison.Ordinal)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var time)
            ? time
            : text;

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
