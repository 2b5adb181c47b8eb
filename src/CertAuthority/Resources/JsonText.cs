using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace CertAuthority.Resources;

/// <summary>
/// Parses JSON text to nodes that know their position. The YAML parser accepts most of JSON, but reads some escapes differently.
/// </summary>
internal static class JsonText
{
    /// <summary>Returns the values in order, as in JSON Lines, or null if the text is not entirely JSON.</summary>
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

        /// <summary>Reads the value at the reader's position; the reader limits its depth.</summary>
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
                    // Keeps the text as written instead of as .NET prints it: true, 3.10.
                    return new ResourceNode.Scalar(Encoding.UTF8.GetString(reader.ValueSpan), IsNull: false, at);
            }
        }

        /// <summary>Returns whether another value follows.</summary>
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

/// <summary>The position of a byte in a text, in the units that the YAML parser counts.</summary>
/// <param name="Offset">The offset of the byte.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column, from 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Place(int Offset, int Line, int Column)
{
    public static readonly Place Start = new(0, 1, 1);

    /// <summary>Returns a later position; each byte in between is examined once.</summary>
    public Place At(ReadOnlySpan<byte> utf8, int offset)
    {
        var between = utf8[Offset..offset];
        var last = between.LastIndexOf((byte)'\n');
        return last < 0
            ? new Place(offset, Line, Column + Encoding.UTF8.GetCharCount(between))
            : new Place(offset, Line + between.Count((byte)'\n'), 1 + Encoding.UTF8.GetCharCount(between[(last + 1)..]));
    }
}
