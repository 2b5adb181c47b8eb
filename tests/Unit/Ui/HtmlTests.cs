using CertAuthority.Ui.Pages;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Tests.Unit.Ui;

/// <summary>Nothing that people typed is more than a text, and all of it can be seen.</summary>
public class HtmlTests
{
    [Theory]
    [InlineData("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("\" onfocus='x' autofocus=\"", "&quot; onfocus=&#x27;x&#x27; autofocus=&quot;")]
    [InlineData("Jürgen \U0001f600 e\u0301", "J&#xFC;rgen &#x1F600; e&#x301;")]
    [InlineData("a\u202etxt", "a\\u{202e}txt")]
    [InlineData("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}")]
    [InlineData("\u3164", "\\u{3164}")]
    [InlineData("a\r\nb", "a\\u{d}\\nb")]
    public async Task Text_is_encoded_and_what_cannot_be_seen_is_escaped(string text, string html)
    {
        var shown = await Html.Render<CommandView, string>(text);
        Assert.Contains($"<code>{html}</code>", shown);
        Assert.Contains($"data-copy=\"{html}\"", shown);
    }

    [Fact]
    public async Task Marks_that_would_cover_other_lines_are_escaped() =>
        Assert.Contains("\\u{301}", await Html.Render<CommandView, string>("a" + new string('\u0301', 20)));

    [Theory]
    [InlineData("plain", "\"plain\"\r\n")]
    [InlineData("=HYPERLINK(1)", "\"'=HYPERLINK(1)\"\r\n")]
    [InlineData("a\",\"b", "\"a\"\",\"\"b\"\r\n")]
    [InlineData("-1", "\"'-1\"\r\n")]
    [InlineData("@x", "\"'@x\"\r\n")]
    public void Cell_of_a_spreadsheet_is_never_a_formula(string cell, string line) => Assert.Equal(line, History.Line([cell]));
}
