using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>
/// What became of a resource, field by field and bounded: an audit has to say what was changed, and must not be filled by it.
/// </summary>
/// <param name="Changes">In the order of the fields.</param>
/// <param name="LeftOut">How many more there were.</param>
internal sealed record ResourceDifference(ImmutableArray<AuditChange> Changes, int LeftOut)
{
    /// <summary>How many bytes the paths and values of one difference have at most.</summary>
    public const int MostBytes = 4096;

    /// <summary>How many characters of one value are kept.</summary>
    public const int LongestValue = 300;

    // Of the part that two long values have in common, so much is kept for whoever reads.
    private const int KeptInCommon = 40;

    /// <summary>The fields that differ.</summary>
    /// <param name="before">What it was; null for nothing.</param>
    /// <param name="after">What it became; null for nothing.</param>
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
        /// Of values what came and what went, for a list of them is a set in all but form; of anything else place by place.
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

    // An empty one is a value of its own: to become empty is a change as well.
    private static bool HasAny(JsonObject? old, JsonObject? now) => old?.Count > 0 || now?.Count > 0;

    private static bool HasAny(JsonArray? old, JsonArray? now) => old?.Count > 0 || now?.Count > 0;

    private static string Step(string path, string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? path.Length == 0 ? name : $".{name}"
            : $"[{JsonValue.Create(name).ToJsonString()}]";

    private static string? Text(JsonNode? value) =>
        value is null ? null : value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    /// <summary>A text of bounded length, from shortly before the place where it differs on.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    private static string? Cut(string? text, int common)
    {
        if (text is null || text.Length <= LongestValue)
            return text;
        var from = Math.Max(0, Math.Min(common, text.Length - 1) - KeptInCommon);
        // Never half a character.
        from -= from > 0 && char.IsLowSurrogate(text[from]) ? 1 : 0;
        var end = Math.Min(text.Length, from + LongestValue);
        end -= end < text.Length && char.IsLowSurrogate(text[end]) ? 1 : 0;
        return $"{(from > 0 ? "…" : "")}{text[from..end]}{(end < text.Length ? "…" : "")}";
    }
}
