using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Protocol;

public class PrintableTests
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(500);

    private static readonly Gen<string> AnyText = Gen.Choose(0, 0xFFFF).Select(code => (char)code).ArrayOf().Select(characters => new string(characters));

    [Theory]
    [InlineData("plain words: 100% \"done\" <ok> ~", "plain words: 100% \"done\" <ok> ~")]
    [InlineData("Wartung für Jürgen", "Wartung für Jürgen")]
    [InlineData("数据库 🚀", "数据库 🚀")]
    [InlineData("two\nlines", @"two\nlines")]
    [InlineData(@"two\nlines", @"two\\nlines")]
    [InlineData(@"DOMAIN\alice", @"DOMAIN\\alice")]
    [InlineData("a\rb", @"a\u{d}b")]
    [InlineData("a\tb", @"a\u{9}b")]
    [InlineData("\u001b[2J\u001b[31mred", @"\u{1b}[2J\u{1b}[31mred")]
    [InlineData("\u009b2J", @"\u{9b}2J")]
    [InlineData("\u001b]0;title\u0007", @"\u{1b}]0;title\u{7}")]
    [InlineData("a\0b", @"a\u{0}b")]
    [InlineData("a\u007fb", @"a\u{7f}b")]
    [InlineData("gnp.\u202egpj", @"gnp.\u{202e}gpj")]
    [InlineData("\u2066a\u2069", @"\u{2066}a\u{2069}")]
    [InlineData("a\u200bb", @"a\u{200b}b")]
    [InlineData("a\u2028b", @"a\u{2028}b")]
    [InlineData("a\U000e0041b", @"a\u{e0041}b")]
    [InlineData("\ue0001", @"\u{e000}1")]
    [InlineData("", "")]
    public void Control_and_direction_characters_are_escaped(string text, string shown) => Assert.Equal(shown, Printable.Escape(text));

    [Fact]
    public void Different_texts_are_shown_differently()
    {
        string[] pieces = ["\n", "n", "\\", "\u001b", "u", "{", "1b", "}", "\u202e"];
        List<string> texts = [""];
        for (var length = 0; length < 4; length++)
            texts.AddRange([.. from text in texts from piece in pieces select text + piece]);
        texts = [.. texts.Distinct()];
        Assert.Equal(texts.Count, texts.Select(Printable.Escape).Distinct().Count());
    }

    [Fact]
    public void Shown_text_has_no_invisible_character() =>
        Prop.ForAll(AnyText.ToArbitrary(), text => Printable.Escape(text).EnumerateRunes().All(rune => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))).Check(Often);
}
