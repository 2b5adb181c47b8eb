using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>Reads columns, by their names, into the types that they represent. A query for a single number reads it by position.</summary>
internal static class Rows
{
    public static bool IsNull(this DbDataReader row, string column) => row.IsDBNull(row.GetOrdinal(column));

    public static long Long(this DbDataReader row, string column) => row.GetInt64(row.GetOrdinal(column));

    public static bool Flag(this DbDataReader row, string column) => row.Long(column) != 0;

    public static string String(this DbDataReader row, string column) => row.GetString(row.GetOrdinal(column));

    public static byte[] Bytes(this DbDataReader row, string column) => row.GetFieldValue<byte[]>(row.GetOrdinal(column));

    public static Guid Id(this DbDataReader row, string column) => Guid.ParseExact(row.String(column), "D");

    public static DateTimeOffset Time(this DbDataReader row, string column) => DateTimeOffset.FromUnixTimeSeconds(row.Long(column));

    public static TimeSpan Length(this DbDataReader row, string column) => TimeSpan.FromSeconds(row.Long(column));

    public static string? Text(this DbDataReader row, string column) => row.IsNull(column) ? null : row.String(column);

    public static ImmutableArray<string> Texts(this DbDataReader row, string column) => Texts(row.String(column));

    public static ImmutableArray<string> Texts(string list) => List(list, RowJson.Default.StringArray);

    public static ImmutableArray<PinnedRole> Pins(this DbDataReader row, string column) =>
        row.List(column, RowJson.Default.PinnedRoleArray);

    public static ImmutableArray<PinnedNode> Nodes(this DbDataReader row, string column) =>
        row.List(column, RowJson.Default.PinnedNodeArray);

    public static ImmutableArray<Guid> Ids(this DbDataReader row, string column) => [.. row.Texts(column).Select(Guid.Parse)];

    public static Uid Uid(this DbDataReader row, string column) => Access.Users.Uid.FromStored(row.Long(column));

    public static ImmutableArray<Uid> Uids(this DbDataReader row, string column) =>
        [.. row.List(column, RowJson.Default.Int64Array).Select(Access.Users.Uid.FromStored)];

    public static ImmutableArray<ThresholdSet> Thresholds(this DbDataReader row, string column) =>
        row.List(column, RowJson.Default.ThresholdSetArray);

    public static ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations(this DbDataReader row, string column) =>
        JsonSerializer.Deserialize(row.String(column), RowJson.Default.DictionaryStringStringArray)!
            .ToImmutableSortedDictionary(one => one.Key, one => one.Value.ToImmutableArray(), StringComparer.Ordinal);

    public static SessionPermissions Permissions(this DbDataReader row, string column) =>
        Permissions(row.String(column));

    public static SessionPermissions Permissions(string text) => JsonSerializer.Deserialize(text, RowJson.Default.PermissionsRow)!.Read();

    private static ImmutableArray<T> List<T>(this DbDataReader row, string column, JsonTypeInfo<T[]> type) =>
        List(row.String(column), type);

    // Most lists are empty, and the serializer takes as long for an empty one as for a short one.
    private static ImmutableArray<T> List<T>(string text, JsonTypeInfo<T[]> type) =>
        text == "[]" ? [] : [.. JsonSerializer.Deserialize(text, type)!];

    public static string Json(SessionPermissions permissions) =>
        JsonSerializer.Serialize(PermissionsRow.From(permissions), RowJson.Default.PermissionsRow);

    public static string Json(IEnumerable<string> texts) => JsonSerializer.Serialize([.. texts], RowJson.Default.StringArray);

    public static string Json(IEnumerable<Guid> ids) => Json(ids.Select(id => id.ToString()));

    public static string Json(IEnumerable<Uid> uids) =>
        JsonSerializer.Serialize([.. uids.Select(uid => uid.Stored)], RowJson.Default.Int64Array);

    public static string Json(IEnumerable<ThresholdSet> thresholds) =>
        JsonSerializer.Serialize([.. thresholds], RowJson.Default.ThresholdSetArray);

    public static string Json(ImmutableSortedDictionary<string, ImmutableArray<string>> annotations) =>
        JsonSerializer.Serialize(
            annotations.ToDictionary(one => one.Key, one => one.Value.ToArray()), RowJson.Default.DictionaryStringStringArray);

    public static string Json(IEnumerable<PinnedRole> pins) => JsonSerializer.Serialize([.. pins], RowJson.Default.PinnedRoleArray);

    public static string Json(IEnumerable<PinnedNode> nodes) => JsonSerializer.Serialize([.. nodes], RowJson.Default.PinnedNodeArray);
}

/// <summary>The permissions of a certificate as they are stored.</summary>
/// <param name="AgentForwarding">Whether an agent may be forwarded.</param>
/// <param name="PortForwarding">Whether ports may be forwarded.</param>
/// <param name="X11Forwarding">Whether X11 may be forwarded.</param>
/// <param name="Conditions">Values by the name of their condition; null in a row from when each condition had its own field.</param>
/// <param name="Extensions">Values by the name of their extension.</param>
internal sealed record PermissionsRow(
    bool AgentForwarding, bool PortForwarding, bool X11Forwarding, Dictionary<string, string>? Conditions,
    Dictionary<string, string> Extensions)
{
    /// <summary>The forced command of such a row.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? ForceCommand { get; init; }

    /// <summary>The source addresses of such a row.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string[]? SourceAddresses { get; init; }

    /// <summary>Whether such a row demands a verified security key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool VerifyRequired { get; init; }

    public static PermissionsRow From(SessionPermissions permissions) => new(
        permissions.AgentForwarding, permissions.PortForwarding, permissions.X11Forwarding, permissions.Conditions.ToDictionary(),
        permissions.Extensions.ToDictionary());

    public SessionPermissions Read() => new(
        AgentForwarding,
        PortForwarding,
        X11Forwarding,
        Conditions?.ToImmutableSortedDictionary(StringComparer.Ordinal) ?? SessionConditions.None
            .With(SessionCondition.ForceCommand, ForceCommand)
            .With(SessionCondition.SourceAddress, SourceAddresses is null ? null : string.Join(',', SourceAddresses))
            .With(SessionCondition.VerifyRequired, VerifyRequired ? "" : null),
        Extensions.ToImmutableSortedDictionary(StringComparer.Ordinal));
}

/// <summary>A filter as it is written in a role. Only filters are stored.</summary>
internal sealed class PredicateJson : JsonConverter<Predicate>
{
    public override Predicate Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Predicate.TryParse(reader.GetString() ?? "", PredicateScope.Filter, out var fault)
            ?? throw new JsonException($"column {fault!.Column}: {fault.What}");

    public override void Write(Utf8JsonWriter writer, Predicate value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Text);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(PredicateJson)])]
[JsonSerializable(typeof(PermissionsRow))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(PinnedRole[]))]
[JsonSerializable(typeof(PinnedNode[]))]
[JsonSerializable(typeof(long[]))]
[JsonSerializable(typeof(ThresholdSet[]))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class RowJson : JsonSerializerContext;
