using System.Globalization;
using System.Text;

namespace CertAuthority;

/// <summary>
/// Checks a text, character by character, for whether people can see everything in it. The same rules decide what is rejected as input
/// (<c>Names.IsPlainText</c>) and what is written as an escape in output (<c>Printable.Escape</c>). Access and Protocol reference no other
/// project, so each compiles this file.
/// </summary>
internal struct VisibleText
{
    // Vietnamese puts two marks on a letter, pointed Hebrew with accents four. More marks would cover the lines above and below.
    private const int MostMarks = 4;

    private bool hasBase;
    private int marks;

    /// <summary>
    /// Whether the next character of the text is visible as itself: it is not a control, not invisible, and not a mark that has no letter
    /// or exceeds the number of marks on one letter.
    /// </summary>
    public bool Shows(Rune next)
    {
        var category = Rune.GetUnicodeCategory(next);
        if (IsHidden(next, category))
        {
            hasBase = false;
            return false;
        }
        if (category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
            return hasBase && ++marks <= MostMarks;
        if (category is not UnicodeCategory.SpacingCombiningMark)
            (hasBase, marks) = (!Rune.IsWhiteSpace(next), 0);
        return true;
    }

    // In addition to the Unicode category: what Unicode calls default-ignorable, and letters and symbols without a visible shape.
    private static bool IsHidden(Rune rune, UnicodeCategory category) =>
        category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        || rune == Rune.ReplacementChar
        || rune.Value is
            0x034F // combining grapheme joiner
            or 0x115F or 0x1160 or 0x3164 or 0xFFA0 // fillers of Hangul
            or 0x17B4 or 0x17B5 // inherent vowels of Khmer
            or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF) // variation selectors
            or 0x2800 // blank pattern of Braille
            or 0xFFFC // stands for an object that is not there
            or 0x1D159; // empty note
}
