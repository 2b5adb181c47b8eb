using System.Text;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The texts in a file of C#: every string, with <see cref="Hole"/> for each value that is filled in, also those inside of such values.</summary>
internal sealed class Literals
{
    public const char Hole = '\u0001';

    private readonly string code;
    private readonly List<string> found = [];
    private int at;

    private Literals(string code) => this.code = code;

    public static IReadOnlyList<string> Of(string code)
    {
        var literals = new Literals(code);
        for (; literals.at < code.Length; literals.at++)
            literals.Code();
        return literals.found;
    }

    /// <summary>Goes to the brace that closes what began before, or to the end.</summary>
    private void Code()
    {
        for (var depth = 0; at < code.Length; at++)
            if (Begins("//"))
                at = End("\n");
            else if (Begins("/*"))
                at = End("*/");
            else if (code[at] == '\'')
                at = code.IndexOf('\'', at + (code[at + 1] == '\\' ? 3 : 2));
            else if (code[at] is '"' or '$' or '@' && code[at..Math.Min(at + 6, code.Length)].TrimStart('$', '@').StartsWith('"'))
                Text();
            else if (code[at] == '{')
                depth++;
            else if (code[at] == '}' && depth-- == 0)
                return;
    }

    private void Text()
    {
        // home.Command("login") prints a command of tsh.
        var text = new StringBuilder(code[..at].EndsWith("home.Command(", StringComparison.Ordinal) ? "tsh " : "");
        var start = at;
        while (code[at] != '"')
            at++;
        var (dollars, isVerbatim) = (code[start..at].Count(c => c == '$'), code[start..at].Contains('@'));
        var quotes = code[at..].TakeWhile(c => c == '"').Count() is var count and >= 3 ? count : 1;
        var end = new string('"', quotes);
        var (open, close) = (new string('{', Math.Max(dollars, 1)), Math.Max(dollars, 1));
        for (at += quotes; !Begins(end) || (isVerbatim && Begins("\"\"")); at++)
            if (quotes == 1 && !isVerbatim && code[at] == '\\')
                text.Append(code[++at] == 'n' ? '\n' : code[at]);
            else if (isVerbatim && Begins("\"\""))
                text.Append(code[at++]);
            else if (dollars > 0 && quotes == 1 && (Begins("{{") || Begins("}}")))
                text.Append(code[at++]);
            else if (dollars > 0 && Begins(open))
            {
                at += close;
                Code();
                at += close - 1;
                text.Append(Hole);
            }
            else
                text.Append(code[at]);
        at += quotes - 1;
        found.Add(text.ToString());
    }

    private bool Begins(string what) => string.CompareOrdinal(code, at, what, 0, what.Length) == 0;

    private int End(string what) => code.IndexOf(what, at, StringComparison.Ordinal) is var end and >= 0 ? end + what.Length - 1 : code.Length;
}
