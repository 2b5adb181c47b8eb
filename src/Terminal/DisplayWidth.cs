using System.Globalization;
using System.Text;

namespace CertAuthority.Terminal;

/// <summary>How many columns of a terminal a text takes: two for East Asian wide characters and emoji, none for combining marks.</summary>
public static class DisplayWidth
{
    // Blocks of Unicode's EastAsianWidth.txt that are wide or full-width.
    private static readonly (int First, int Last)[] Wide =
    [
        (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA960, 0xA97F),
        (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE6F), (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF),
        (0x1F900, 0x1F9FF), (0x1FA70, 0x1FAFF), (0x20000, 0x3FFFD),
    ];

    /// <summary>Returns how many columns a text takes.</summary>
    public static int Of(string text) => text.EnumerateRunes().Sum(Of);

    /// <summary>Cuts a text that takes more columns; the last one is then <c>…</c>.</summary>
    public static string Cut(string text, int width)
    {
        if (Of(text) <= width)
            return text;
        var (kept, used) = (new StringBuilder(), 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (used + Of(rune) > width - 1)
                break;
            used += Of(rune);
            kept.Append(rune.ToString());
        }
        return kept.Append('…').ToString();
    }

    private static int Of(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format => 0,
        _ => Array.Exists(Wide, block => rune.Value >= block.First && rune.Value <= block.Last) ? 2 : 1,
    };
}
