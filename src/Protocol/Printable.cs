using System.Globalization;
using System.Text;

namespace CertAuthority.Protocol;

/// <summary>Text from people on its way to a terminal or a log.</summary>
public static class Printable
{
    /// <summary>
    /// The text with every character that does not show as itself written as an escape: <c>\n</c>, <c>\u{1b}</c>, <c>\u{202e}</c>,
    /// <c>\u{3164}</c>, half a surrogate pair;
    /// a backslash as two, so that an escape is never what somebody typed. Otherwise a reason could move the cursor, forge a line, hide a
    /// word, or turn the reading direction.
    /// </summary>
    public static string Escape(string text)
    {
        if (text.All(c => c is >= ' ' and <= '~' and not '\\'))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        var visible = new VisibleText();
        foreach (var rune in text.EnumerateRunes())
        {
            var shows = visible.Shows(rune);
            if (rune.Value == '\n')
                escaped.Append("\\n");
            else if (rune.Value == '\\')
                escaped.Append("\\\\");
            else if (shows)
                escaped.Append(rune);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }
        return escaped.ToString();
    }
}
