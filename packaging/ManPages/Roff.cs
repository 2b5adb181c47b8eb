using System.Text;

namespace CertAuthority.ManPages;

/// <summary>Text for man(7), where some characters mean something else wherever they stand, and others at the beginning of a line.</summary>
internal sealed class Roff
{
    private readonly StringBuilder text = new();

    /// <summary>A macro with arguments; each is one, whatever is in it.</summary>
    public Roff Macro(string name, params string[] arguments)
    {
        text.Append('.').Append(name);
        foreach (var argument in arguments)
            text.Append(" \"").Append(Escape(argument)).Append('"');
        text.Append('\n');
        return this;
    }

    /// <summary>A request to roff itself, which knows neither quotes nor escapes.</summary>
    public Roff Request(string line)
    {
        text.Append(line).Append('\n');
        return this;
    }

    /// <summary>A line of text.</summary>
    public Roff Line(string line) => Raw(Escape(line));

    /// <summary>Pieces set next to each other, some in another font: <c>B</c> bold, <c>I</c> italic, <c>R</c> roman.</summary>
    public Roff Line(params (char Font, string Text)[] pieces) =>
        Raw(string.Concat(pieces.Select(piece => piece.Font == 'R' ? Escape(piece.Text) : $"\\f{piece.Font}{Escape(piece.Text)}\\fR")));

    private Roff Raw(string escaped)
    {
        // A dot or an apostrophe at the beginning would be a macro.
        text.Append(escaped is ['.' or '\'', ..] ? "\\&" : "").Append(escaped).Append('\n');
        return this;
    }

    /// <summary>
    /// The characters themselves: a bare hyphen becomes a typographic one that nobody can paste into a shell, quotes are turned, a backslash
    /// begins an escape.
    /// </summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
            _ = rune.Value switch
            {
                '\\' => escaped.Append("\\e"),
                '-' => escaped.Append("\\-"),
                '\'' => escaped.Append("\\(aq"),
                '"' => escaped.Append("\\(dq"),
                '`' => escaped.Append("\\(ga"),
                '^' => escaped.Append("\\(ha"),
                '~' => escaped.Append("\\(ti"),
                '…' => escaped.Append("..."),
                '\n' => escaped.Append(' '),
                > '~' => escaped.Append($"\\[u{rune.Value:X4}]"),
                _ => escaped.Append(rune),
            };
        return escaped.ToString();
    }

    public override string ToString() => text.ToString();
}
