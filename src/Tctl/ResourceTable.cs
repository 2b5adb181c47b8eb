using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Resources of one kind as a table. The daemon says which columns a kind has.</summary>
internal static class ResourceTable
{
    /// <summary>A resource a row.</summary>
    /// <param name="kind">Their kind, with its columns.</param>
    /// <param name="resources">The resources.</param>
    public static Table For(ResourceKindInfo kind, JsonElement[] resources)
    {
        ResourceColumn[] columns = [
            .. kind.Columns.Where(
                column => column.WhereAny is not true || resources.Any(resource => Cell(resource, column.Path).Length > 0))];
        var table = new Table([.. columns.Select(column => column.Header)]);
        foreach (var resource in resources)
            table.Add([.. columns.Select(column => Cell(resource, column.Path))]);
        return table;
    }

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
