using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access;

namespace CertAuthority.Store;

/// <summary>Columns into the types they stand for.</summary>
internal static class Rows
{
    public static Guid Id(this DbDataReader row, int column) => Guid.ParseExact(row.GetString(column), "D");

    public static DateTimeOffset Time(this DbDataReader row, int column) => DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(column));

    public static string? Text(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static ImmutableArray<string> Texts(this DbDataReader row, int column) =>
        [.. JsonSerializer.Deserialize(row.GetString(column), RowJson.Default.StringArray)!];

    public static ImmutableArray<PinnedRole> Pins(this DbDataReader row, int column) =>
        [.. JsonSerializer.Deserialize(row.GetString(column), RowJson.Default.PinnedRoleArray)!];

    public static string Json(IEnumerable<string> texts) => JsonSerializer.Serialize([.. texts], RowJson.Default.StringArray);

    public static string Json(IEnumerable<PinnedRole> pins) => JsonSerializer.Serialize([.. pins], RowJson.Default.PinnedRoleArray);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(PinnedRole[]))]
internal sealed partial class RowJson : JsonSerializerContext;
