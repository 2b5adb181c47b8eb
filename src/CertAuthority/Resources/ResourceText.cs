using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CertAuthority.Resources;

/// <summary>
/// Parses YAML or JSON text to nodes. It accepts the subset with only one interpretation: no anchors, aliases, tags or merge keys (a
/// reviewer sees what is meant), no duplicate keys, limited depth.
/// </summary>
internal static class ResourceText
{
    // Deep enough for any resource; it limits the recursion below.
    private const int MaxDepth = 24;

    /// <summary>
    /// Returns the documents of a file. A JSON array of resources counts as one document for each resource, and several JSON values (JSON
    /// Lines) are several documents. Empty if there are faults.
    /// </summary>
    public static IReadOnlyList<ResourceNode> Parse(ReadOnlySpan<byte> utf8, Faults faults)
    {
        // The byte order mark that some editors write has no meaning in UTF-8.
        utf8 = utf8.StartsWith(Encoding.UTF8.Preamble) ? utf8[Encoding.UTF8.Preamble.Length..] : utf8;
        string text;
        try
        {
            text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(utf8);
        }
        catch (DecoderFallbackException malformed)
        {
            Fault(utf8, Math.Max(0, malformed.Index), "the file is not UTF-8 text");
            return [];
        }
        if (utf8.IndexOf((byte)0) is var nul and >= 0)
        {
            Fault(utf8, nul, "the file has NUL characters");
            return [];
        }
        // JSON is meant to be a subset of YAML, but some of its escapes are read differently, so JSON has its own parser. A text that only
        // looks like JSON continues below.
        if (text.AsSpan().TrimStart() is ['{' or '[', ..] && JsonText.TryParse(utf8, MaxDepth, faults) is { } json)
            return faults.Any ? [] : [.. json.SelectMany(root => root is ResourceNode.List list ? list.Items : [root])];
        return ParseYaml(text, faults);

        void Fault(ReadOnlySpan<byte> utf8, int offset, string what)
        {
            var place = Place.Start.At(utf8, offset);
            faults.Add(place.Line, place.Column, what);
        }
    }

    private static IReadOnlyList<ResourceNode> ParseYaml(string text, Faults faults)
    {
        var documents = new List<ResourceNode>();
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            while (!faults.IsFull && !parser.TryConsume<StreamEnd>(out _))
            {
                parser.Consume<DocumentStart>();
                if (Node(parser, 0, faults) is not ResourceNode.Scalar { IsNull: true } and { } root)
                    documents.AddRange(root is ResourceNode.List list ? list.Items : [root]);
                if (!faults.IsFull)
                    parser.Consume<DocumentEnd>();
            }
        }
        catch (TooDeepException e)
        {
            faults.Add(e.At, $"more than {MaxDepth} levels of nesting");
        }
        catch (YamlException e)
        {
            faults.Add((int)e.Start.Line, (int)e.Start.Column, $"not YAML: {Plain(e.InnerException?.Message ?? e.Message)}");
        }
        // The YAML parser throws this when a plain text in brackets continues at the beginning of a line.
        catch (InvalidOperationException)
        {
            faults.Add(
                (int)(parser.Current?.End.Line ?? 1), (int)(parser.Current?.End.Column ?? 1),
                "not YAML: what follows cannot be read; inside brackets each line is indented");
        }
        return faults.Any ? [] : documents;
    }

    private static ResourceNode Node(Parser parser, int depth, Faults faults)
    {
        var start = parser.Current!.Start;
        var at = faults.Mark((int)start.Line, (int)start.Column);
        if (depth > MaxDepth)
            throw new TooDeepException(at);
        if (parser.TryConsume<AnchorAlias>(out _))
        {
            faults.Add(at, "aliases are not read; write the value out");
            return new ResourceNode.Scalar("", IsNull: true, at);
        }
        var node = parser.Consume<NodeEvent>();
        if (!node.Anchor.IsEmpty)
            faults.Add(at, "anchors are not read; write the value out");
        if (!node.Tag.IsEmpty)
            faults.Add(at, "tags are not read");
        switch (node)
        {
            case YamlDotNet.Core.Events.Scalar scalar:
                var isNull = scalar is { Style: ScalarStyle.Plain, Value: "" or "~" or "null" };
                return new ResourceNode.Scalar(scalar.Value, isNull, at);
            case SequenceStart:
                var items = new List<ResourceNode>();
                while (!faults.IsFull && !parser.TryConsume<SequenceEnd>(out _))
                    items.Add(Node(parser, depth + 1, faults));
                return new ResourceNode.List(items, at);
            default:
                return Mapping(parser, depth, faults, at);
        }
    }

    private static ResourceNode.Map Mapping(Parser parser, int depth, Faults faults, Mark at)
    {
        var entries = new List<(ResourceNode.Scalar, ResourceNode)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!faults.IsFull && !parser.TryConsume<MappingEnd>(out _))
        {
            var key = Node(parser, depth + 1, faults);
            var value = Node(parser, depth + 1, faults);
            if (key is not ResourceNode.Scalar name)
                faults.Add(key, "a key must be a plain text");
            else if (name.Text == "<<")
                faults.Add(key, "merge keys are not read; write the values out");
            else if (!seen.Add(name.Text))
                faults.Add(key, $"\"{name.Text}\" is given twice");
            else
                entries.Add((name, value));
        }
        return new ResourceNode.Map(entries, at);
    }

    // The parser's message may contain parts of the file.
    private static string Plain(string message) => new([.. message.Where(c => !char.IsControl(c)).Take(200)]);

    private sealed class TooDeepException(Mark at) : Exception
    {
        public Mark At { get; } = at;
    }
}
