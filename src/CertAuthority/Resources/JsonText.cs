using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace CertAuthority.Resources;

/// <summary>JSON text into nodes that know where they stand. YAML's reader takes most of JSON, but not every escape alike.</summary>
internal static class JsonText
{
    /// <summary>The values, one after the other as in JSON Lines, or null when the text is not JSON through and through.</summary>
    public static List<ResourceNode>? TryParse(ReadOnlySpan<byte> utf8, int maxDepth, Faults faults)
    {
        var found = new List<(ResourceNode At, string What)>();
        var roots = new List<ResourceNode>();
        try
        {
            var walk = new Walk(utf8, maxDepth, faults, found);
            do
                roots.Add(walk.Value());
            while (walk.Next());
        }
        catch (JsonException)
        {
            return null;
        }
        foreach (var (at, what) in found)
            faults.Add(at, what);
        return roots;
    }

    private ref struct Walk
    {
        private readonly ReadOnlySpan<byte> utf8;
        private readonly Faults text;
        private readonly List<(ResourceNode At, string What)> faults;
        private Utf8JsonReader reader;
        private Place place;

        public Walk(ReadOnlySpan<byte> utf8, int maxDepth, Faults text, List<(ResourceNode At, string What)> faults)
        {
            this.utf8 = utf8;
            this.text = text;
            this.faults = faults;
            reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth, AllowMultipleValues = true });
            place = Place.Start;
            reader.Read();
        }

        /// <summary>The value at which the reader stands; its depth is bounded by the reader's.</summary>
        public ResourceNode Value()
        {
            place = place.At(utf8, (int)reader.TokenStartIndex);
            var at = text.Mark(place.Line, place.Column);
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    return Map(at);
                case JsonTokenType.StartArray:
                    var items = new List<ResourceNode>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                        items.Add(Value());
                    return new ResourceNode.List(items, at);
                case JsonTokenType.Null:
                    return new ResourceNode.Scalar("", IsNull: true, at);
                case JsonTokenType.String:
                    return Text(at);
                default:
                    // As written, not as .NET prints it: true, 3.10.
                    return new ResourceNode.Scalar(Encoding.UTF8.GetString(reader.ValueSpan), IsNull: false, at);
            }
        }

        /// <summary>Whether another value follows.</summary>
        public bool Next() => reader.Read();

        private ResourceNode.Map Map(Mark at)
        {
            var entries = new List<(ResourceNode.Scalar, ResourceNode)>();
            var seen = new HashSet<string>(StringComparer.Ordinal);
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                place = place.At(utf8, (int)reader.TokenStartIndex);
                var key = Text(text.Mark(place.Line, place.Column));
                reader.Read();
                var value = Value();
                if (seen.Add(key.Text))
                    entries.Add((key, value));
                else
                    faults.Add((key, $"\"{key.Text}\" is given twice"));
            }
            return new ResourceNode.Map(entries, at);
        }

        private readonly ResourceNode.Scalar Text(Mark at)
        {
            try
            {
                return new ResourceNode.Scalar(reader.GetString()!, IsNull: false, at);
            }
            catch (InvalidOperationException)
            {
                var half = new ResourceNode.Scalar("", IsNull: false, at);
                faults.Add((half, "an escape in this text is half a character"));
                return half;
            }
        }
    }
}

/// <summary>Where a byte of a text stands, counted in the units that YAML's reader counts in.</summary>
/// <param name="Offset">Of the byte.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Place(int Offset, int Line, int Column)
{
    public static readonly Place Start = new(0, 1, 1);

    /// <summary>A place further on: each byte between is looked at once.</summary>
    public Place At(ReadOnlySpan<byte> utf8, int offset)
    {
        var between = utf8[Offset..offset];
        var last = between.LastIndexOf((byte)'\n');
        return last < 0
            ? new Place(offset, Line, Column + Encoding.UTF8.GetCharCount(between))
            : new Place(offset, Line + between.Count((byte)'\n'), 1 + Encoding.UTF8.GetCharCount(between[(last + 1)..]));
    }
}
