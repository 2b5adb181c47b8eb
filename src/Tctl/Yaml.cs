using System.Globalization;
using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>JSON as YAML that every reader, of YAML 1.1 or 1.2, takes for the same thing.</summary>
internal static class Yaml
{
    // Words that some reader takes for a truth value, a null or a number.
    private static readonly HashSet<string> Special = new(StringComparer.OrdinalIgnoreCase)
    {
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
    };

    /// <summary>A message of the protocol.</summary>
    public static IEnumerable<string> Write<T>(T message) =>
        Lines(JsonSerializer.SerializeToElement(message, ProtocolJson.Lenient.Of<T>()));

    /// <summary>A document in block style, without markers.</summary>
    public static IEnumerable<string> Lines(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object when value.EnumerateObject().Any() => value.EnumerateObject().SelectMany(Member),
        JsonValueKind.Array when value.GetArrayLength() > 0 => value.EnumerateArray().SelectMany(Item),
        JsonValueKind.String => [Scalar(value.GetString()!)],
        // Empty collections, numbers, true, false and null are YAML as they stand.
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

    /// <summary>Plain only where nobody can take it for anything but this string; else in double quotes.</summary>
    private static string Scalar(string text)
    {
        var isPlain = text is [var first, ..] && char.IsAsciiLetter(first)
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && !Special.Contains(text);
        return isPlain ? text : Quoted(text);
    }

    // Not as JSON quotes: it writes a character beyond U+FFFF as two halves, which YAML readers refuse.
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
