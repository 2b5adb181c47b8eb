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
    [InlineData("two\nlines", "two\\nlines")]
    [InlineData("a\rb", "a\\u000db")]
    [InlineData("a\tb", "a\\u0009b")]
    [InlineData("\u001b[2J\u001b[31mred", "\\u001b[2J\\u001b[31mred")]
    [InlineData("\u009b2J", "\\u009b2J")]
    [InlineData("\u001b]0;title\u0007", "\\u001b]0;title\\u0007")]
    [InlineData("a\0b", "a\\u0000b")]
    [InlineData("a\u007fb", "a\\u007fb")]
    [InlineData("gnp.\u202egpj", "gnp.\\u202egpj")]
    [InlineData("\u2066a\u2069", "\\u2066a\\u2069")]
    [InlineData("a\u200bb", "a\\u200bb")]
    [InlineData("a\u2028b", "a\\u2028b")]
    [InlineData("DOMAIN\\alice", "DOMAIN\\alice")]
    [InlineData("a\U000e0041b", "a\\U000e0041b")]
    [InlineData("", "")]
    public void What_could_move_the_cursor_or_turn_the_text_is_written_out(string text, string shown) => Assert.Equal(shown, Printable.Escape(text));

    // Cells of a table are escaped, and the lines that they end up in once more.
    [Fact]
    public void What_is_escaped_stays_as_it_is() =>
        Prop.ForAll(AnyText.ToArbitrary(), text => Printable.Escape(Printable.Escape(text)) == Printable.Escape(text)).Check(Often);

    [Fact]
    public void A_character_beyond_the_first_plane_is_told_apart_from_one_and_a_digit() =>
        Assert.NotEqual(Printable.Escape("\U000e0001"), Printable.Escape("\ue0001"));

    [Fact]
    public void Nothing_that_is_shown_is_invisible() =>
        Prop.ForAll(AnyText.ToArbitrary(), text => Printable.Escape(text).EnumerateRunes().All(rune => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))).Check(Often);
}
