namespace CertAuthority.Access.Values;

/// <summary>
/// A pattern by which a role names other roles and the values of labels: a literal, a glob in which <c>*</c> stands for zero or more
/// characters, or, if it starts with <c>^</c> and ends with <c>$</c>, a regular expression in RE2's syntax.
/// </summary>
public sealed class NamePattern
{
    private readonly Re2? expression;

    private NamePattern(string text, Re2? expression)
    {
        Text = text;
        this.expression = expression;
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary>Whether it matches one text only.</summary>
    public bool IsLiteral => expression is null && !Text.Contains('*', StringComparison.Ordinal);

    /// <summary>Reads a pattern; <paramref name="fault"/> says why a regular expression cannot be used.</summary>
    public static NamePattern? TryParse(string text, out string? fault)
    {
        fault = null;
        if (!(text.Length >= 2 && text[0] == '^' && text[^1] == '$'))
            return new NamePattern(text, null);
        if (Re2.TryParse(text, out fault) is not { } expression)
            return null;
        if (expression.IsWhole)
            return new NamePattern(text, expression);
        // With one anchor in each alternative, some readers match ^dba|admin$ against "dba-and-more" and others only against "dba": too
        // much or too little, also in a deny.
        fault =
            "^ and $ hold the whole expression: alternatives stand in a group, ^(dba|admin)$, and neither end is escaped, quoted, repeated or multiline";
        return null;
    }

    /// <summary>Whether the pattern matches the whole of <paramref name="name"/>. Case matters.</summary>
    public bool Matches(string name) => expression?.IsMatch(name) ?? Glob(Text, name);

    /// <inheritdoc/>
    public override string ToString() => Text;

    // Remembers one star; a mismatch makes it match one more character. Quadratic at worst, and never recursive.
    private static bool Glob(string pattern, string name)
    {
        int p = 0, n = 0, star = -1, mark = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
                (star, mark) = (p++, n);
            else if (p < pattern.Length && pattern[p] == name[n])
                (p, n) = (p + 1, n + 1);
            else if (star >= 0)
                (p, n) = (star + 1, ++mark);
            else
                return false;
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }
}
