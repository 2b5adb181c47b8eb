using System.Globalization;
using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>Writes JSON as YAML that every parser, of YAML 1.1 or 1.2, reads in the same way.</summary>
internal static class Yaml
{
    // Words that some parsers read as a truth value, a null or a number.
    private static readonly HashSet<string> Special = new(StringComparer.OrdinalIgnoreCase)
    {
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
    };

    /// <summary>Writes a message of the protocol.</summary>
    public static IEnumerable<string> Write<T>(T message) =>
        Lines(JsonSerializer.SerializeToElement(message, ProtocolJson.Lenient.Of<T>()));

    /// <summary>Writes a document in block style, without markers.</summary>
    public static IEnumerable<string> Lines(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object when value.EnumerateObject().Any() => value.EnumerateObject().SelectMany(Member),
        JsonValueKind.Array when value.GetArrayLength() > 0 => value.EnumerateArray().SelectMany(Item),
        JsonValueKind.String => [Scalar(value.GetString()!)],
        // Empty collections, numbers, true, false and null are valid YAML as they are.
        _ => [value.GetRawText()],
    };

    private static IEnumerable<string> Member(JsonProperty member)
    {
        var name = Scalar(member.Name);
        return Nests(member.Value)
            ? [$"{name}:", .. Lines(member.Value).Select(line => $"  {line}")]
            : [$"{name}: {Lines(member.Value).Single()}"];
    }

    private static IEnumerable<string> Item(JsonElement item) => Lines(item).Select((line, i) => i == 0 ? $"- {line}" : $"  {line}");

    private static bool Nests(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => false,
    };

    /// <summary>Writes a string plain only if no parser can read it as anything else; otherwise in double quotes.</summary>
    private static string Scalar(string text)
    {
        var isPlain = text is [var first, ..] && char.IsAsciiLetter(first)
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && !Special.Contains(text);
        return isPlain ? text : Quoted(text);
    }

    // Not quoted as in JSON, which writes a character beyond U+FFFF as two halves that YAML parsers reject.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
                quoted.Append('\\').Append(rune);
            else if (rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.OtherNumber or
                (>= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherSymbol))
                quoted.Append(rune);
            else
                quoted.Append(rune.Value <= 0xffff ? $"\\u{rune.Value:x4}" : $"\\U{rune.Value:x8}");
        }
        return quoted.Append('"').ToString();
    }
}
