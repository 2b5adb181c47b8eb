using System.Globalization;
using System.Text;

namespace CertAuthority.Protocol;

/// <summary>Text from people on its way to a terminal or a log.</summary>
public static class Printable
{
    /// <summary>
    /// The text with every control, formatting and lone surrogate character written as an escape: <c>\n</c>, <c>\u{1b}</c>,
    /// <c>\u{202e}</c>; a backslash as two, so that an escape is never what somebody typed. Otherwise a reason could move the cursor, forge a line, or turn the reading direction.
    /// </summary>
    public static string Escape(string text)
    {
        if (text.All(c => c is >= ' ' and <= '~' and not '\\'))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '\n')
                escaped.Append("\\n");
            else if (rune.Value == '\\')
                escaped.Append("\\\\");
            else if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned)
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            else
                escaped.Append(rune);
        }
        return escaped.ToString();
    }
}
