using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>
/// The change of a resource, field by field and limited in size: an audit must report what was changed, but the change must not fill it.
/// </summary>
/// <param name="Changes">The changes, in the order of the fields.</param>
/// <param name="LeftOut">The number of further changes that were left out.</param>
internal sealed record ResourceDifference(ImmutableArray<AuditChange> Changes, int LeftOut)
{
    /// <summary>The largest size of the paths and values of one difference, in bytes.</summary>
    public const int MostBytes = 4096;

    /// <summary>The number of characters that are kept of one value.</summary>
    public const int LongestValue = 300;

    // The number of characters kept from the common part of two long values, as context for the reader.
    private const int KeptInCommon = 40;

    /// <summary>Finds the fields that differ.</summary>
    /// <param name="before">The state before; null for nothing.</param>
    /// <param name="after">The state after; null for nothing.</param>
    public static ResourceDifference Between(JsonObject? before, JsonObject? after)
    {
        var walk = new Walk();
        walk.Fields("", before, after);
        return walk.Found;
    }

    private sealed class Walk
    {
        private readonly ImmutableArray<AuditChange>.Builder changes = ImmutableArray.CreateBuilder<AuditChange>();
        private int bytes;
        private int leftOut;

        public ResourceDifference Found => new(changes.ToImmutable(), leftOut);

        public void Fields(string path, JsonObject? old, JsonObject? now)
        {
            foreach (var name in (old ?? []).Concat(now ?? []).Select(field => field.Key).Distinct(StringComparer.Ordinal))
                Value(path + Step(path, name), old?[name], now?[name]);
        }

        private void Value(string path, JsonNode? old, JsonNode? now)
        {
            if (JsonNode.DeepEquals(old, now))
                return;
            if (IsOr<JsonObject>(old, now) && HasAny(old as JsonObject, now as JsonObject))
                Fields(path, old as JsonObject, now as JsonObject);
            else if (IsOr<JsonArray>(old, now) && HasAny(old as JsonArray, now as JsonArray))
                Items(path, old as JsonArray ?? [], now as JsonArray ?? []);
            else
                Add(path, Text(old), Text(now));
        }

        /// <summary>
        /// Compares lists. A list of plain values is treated as a set: what was added and what was removed. Any other list is compared
        /// position by position.
        /// </summary>
        private void Items(string path, JsonArray old, JsonArray now)
        {
            if (old.Concat(now).Any(item => item is JsonObject or JsonArray))
            {
                for (var i = 0; i < Math.Max(old.Count, now.Count); i++)
                    Value($"{path}[{i}]", i < old.Count ? old[i] : null, i < now.Count ? now[i] : null);
                return;
            }
            var gone = old.Select(Text).ToList();
            var came = now.Select(Text).Where(item => !gone.Remove(item)).ToList();
            if (gone.Count + came.Count == 0)
                Add(path, Text(old), Text(now));
            gone.ForEach(item => Add(path, item, null));
            came.ForEach(item => Add(path, null, item));
        }

        private void Add(string path, string? old, string? now)
        {
            var common = old is null || now is null ? 0 : old.AsSpan().CommonPrefixLength(now);
            var change = new AuditChange(Cut(path, 0), Cut(old, common), Cut(now, common));
            var size = Encoding.UTF8.GetByteCount(change.Path) + Encoding.UTF8.GetByteCount(change.Old ?? "")
                + Encoding.UTF8.GetByteCount(change.New ?? "");
            if (bytes + size > MostBytes)
            {
                leftOut++;
                return;
            }
            bytes += size;
            changes.Add(change);
        }
    }

    private static bool IsOr<T>(JsonNode? old, JsonNode? now) where T : JsonNode => old is null or T && now is null or T;

    // An empty map is a value of its own, so becoming empty is a change too.
    private static bool HasAny(JsonObject? old, JsonObject? now) => old?.Count > 0 || now?.Count > 0;

    private static bool HasAny(JsonArray? old, JsonArray? now) => old?.Count > 0 || now?.Count > 0;

    private static string Step(string path, string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? path.Length == 0 ? name : $".{name}"
            : $"[{JsonValue.Create(name).ToJsonString()}]";

    private static string? Text(JsonNode? value) =>
        value is null ? null : value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    /// <summary>Limits the length of a text; the kept part begins shortly before the place where it differs.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    private static string? Cut(string? text, int common)
    {
        if (text is null || text.Length <= LongestValue)
            return text;
        var from = Math.Max(0, Math.Min(common, text.Length - 1) - KeptInCommon);
        // Never cuts a character in half.
        from -= from > 0 && char.IsLowSurrogate(text[from]) ? 1 : 0;
        var end = Math.Min(text.Length, from + LongestValue);
        end -= end < text.Length && char.IsLowSurrogate(text[end]) ? 1 : 0;
        return $"{(from > 0 ? "…" : "")}{text[from..end]}{(end < text.Length ? "…" : "")}";
    }
}
