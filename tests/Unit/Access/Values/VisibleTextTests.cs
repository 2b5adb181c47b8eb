using System.Text;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What people do not see is refused where it comes in, and written out where it is shown.</summary>
public class VisibleTextTests
{
    private static readonly string[] Legible =
    [
        "plain words", "Wartung für Jürgen", "数据库 🚀", "ça va\u00a0?", "Tiếng Việt", "e\u0301a\u0323\u0302", "שָׁלוֹם", "ภาษาไทยนี้", "हिन्दी", "한국어", "3\u20e3",
    ];

    public static readonly TheoryData<string> Hidden =
    [
        "a\u3164b", "a\u115fb", "a\u1160b", "a\uffa0b", "a\u2800b", "a\u034fb", "a\ufe0fb", "a\ufe00b", "a\U000e0100b", "a\U000e0041b", "a\U000e0001b", "a\u180eb", "a\u180bb", "a\u17b4b",
        "a\u200bb", "a\u200cb", "a\u200db", "a\u2060b", "a\ufeffb", "a\u202eb", "a\u2066b", "a\u061cb", "a\u00adb", "a\u2028b", "a\u2029b", "a\u0085b", "a\tb", "a\nb", "a\0b", "a\u001bb", "a\u007fb",
        "a\ue000b", "a\ufffcb", "a\ufffdb", "a\ud800b", "a\udc00", "a\U0001d159b", "a\u0378b", "a\U000f0000b", "a\uffffb",
        // Marks without a letter, and more of them than a letter has.
        "\u0301a", "a \u0301b", "a\u0301\u0301\u0301\u0301\u0301b", "a\u0488\u0489\u20dd\u20de\u20dfb",
    ];

    [Theory]
    [MemberData(nameof(Hidden))]
    public void Hidden_character_is_refused_and_shown_as_an_escape(string text)
    {
        Assert.False(Names.IsPlainText(text));
        Assert.NotNull(Names.ReasonFault(text));
        var shown = Printable.Escape(text);
        Assert.NotEqual(text, shown);
        Assert.Contains('\\', shown);
        Assert.True(Names.IsPlainText(shown), shown);
    }

    [Fact]
    public void Legible_text_is_accepted_and_shown_unchanged()
    {
        foreach (var text in Legible)
        {
            Assert.True(Names.IsPlainText(text), text);
            Assert.Equal(text, Printable.Escape(text));
        }
    }

    // One judge: no character of Unicode is let in and then not shown, or shown and not let in.
    [Fact]
    public void Input_and_output_agree_about_every_character()
    {
        for (var code = 0; code <= 0x10ffff; code++)
            if (Rune.TryCreate(code, out var rune) && code != '\\')
            {
                var text = $"a{rune}b";
                Assert.True(Names.IsPlainText(text) == (Printable.Escape(text) == text), $"U+{code:X4}");
            }
    }
}
