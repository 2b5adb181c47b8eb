using System.Globalization;
using System.Text;

namespace CertAuthority.Protocol;

/// <summary>Escapes text from people before it is written to a terminal or a log.</summary>
public static class Printable
{
    /// <summary>
    /// Returns the text with an escape for every character that is not visible as itself: <c>\n</c>, <c>\u{1b}</c>, <c>\u{202e}</c>,
    /// <c>\u{3164}</c>, half a surrogate pair. A backslash is doubled, so that nobody can type an escape. Without this, a reason could move
    /// the cursor, forge a line, hide a word, or change the reading direction.
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
