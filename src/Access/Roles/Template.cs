using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>
/// A text in which one <c>{{…}}</c> is replaced by the values of a user's trait: <c>{{internal.logins}}</c>, <c>{{external.NAME}}</c>,
/// <c>{{email.local(…)}}</c>, <c>{{regexp.replace(…, "expression", "replacement")}}</c>. Without braces it is a literal. Values are data:
/// each is checked like a literal, and one value never becomes two.
/// </summary>
public sealed class Template
{
    private readonly string before;
    private readonly string after;
    private readonly Expression? expression;

    private Template(string text, string before, Expression? expression, string after, string? trait)
    {
        (Text, Trait) = (text, trait);
        (this.before, this.expression, this.after) = (before, expression, after);
    }

    /// <summary>The template as written.</summary>
    public string Text { get; }

    /// <summary>The trait that provides the values; null for a literal.</summary>
    public string? Trait { get; }

    /// <summary>Whether it is a literal, with the same value for every user.</summary>
    public bool IsLiteral => Trait is null;

    /// <summary>Reads a template; <paramref name="fault"/> describes the error in its expression.</summary>
    public static Template? TryParse(string text, out string? fault)
    {
        fault = null;
        var open = text.IndexOf("{{", StringComparison.Ordinal);
        var close = text.IndexOf("}}", StringComparison.Ordinal);
        if (open < 0 && close < 0)
            return new Template(text, text, null, "", null);
        if (open < 0 || close < open || text.IndexOf("{{", open + 2, StringComparison.Ordinal) >= 0
            || text.IndexOf("}}", close + 2, StringComparison.Ordinal) >= 0)
        {
            fault = "a template has one pair of {{ and }}";
            return null;
        }
        try
        {
            var parser = new Parser(text[(open + 2)..close]);
            return new Template(text, text[..open], parser.Whole(), text[(close + 2)..], parser.Trait);
        }
        catch (FormatException wrong)
        {
            fault = wrong.Message;
            return null;
        }
    }

    /// <summary>Returns the values for these traits, each once; empty if a trait is missing or no value matches.</summary>
    public ImmutableArray<string> Values(IReadOnlyDictionary<string, ImmutableArray<string>> traits) =>
        expression is null ? [Text] : [.. expression(traits).Select(value => before + value + after).Distinct(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public override string ToString() => Text;

    private delegate IEnumerable<string> Expression(IReadOnlyDictionary<string, ImmutableArray<string>> traits);

    /// <summary>Reads <c>internal.NAME</c>, <c>external.NAME</c>, <c>external["NAME"]</c> and the two functions over them.</summary>
    private sealed class Parser(string text)
    {
        private int at;

        /// <summary>The one trait that the expression reads; set once <see cref="Whole"/> has returned.</summary>
        public string? Trait { get; private set; }

        public Expression Whole()
        {
            var expression = Value(depth: 0);
            SkipBlanks();
            return at == text.Length ? expression : throw Wrong($"\"{text[at..]}\" is left over in the template");
        }

        private Expression Value(int depth)
        {
            var word = Word();
            switch (word)
            {
                case "internal" or "external":
                    var trait = Trait = Take('[') ? Bracketed() : Dotted(word);
                    return traits => traits.TryGetValue(trait, out var values) ? values : [];
                case "email":
                    Function("local");
                    var addresses = Argument(depth);
                    Close();
                    return traits => addresses(traits).Select(LocalPart).OfType<string>();
                case "regexp":
                    Function("replace");
                    var subjects = Argument(depth);
                    var pattern = CommaText();
                    var replacement = CommaText();
                    Close();
                    return Replacing(subjects, pattern, replacement);
                default:
                    throw Wrong($"a template takes internal.NAME, external.NAME, email.local(…) or regexp.replace(…), not \"{word}\"");
            }
        }

        private Expression Argument(int depth) => depth < 4 ? Value(depth + 1) : throw Wrong("the template is nested too deeply");

        private static Expression Replacing(Expression subjects, string pattern, string replacement)
        {
            if (Re2.TryParse(pattern, out var fault) is not { } expression)
                throw Wrong($"\"{pattern}\": {fault}");
            if (expression.Replacing(replacement, out fault) is not { } replace)
                throw Wrong(fault!);
            // A value that does not match is dropped: a pattern selects values as well as rewriting them.
            return traits => subjects(traits).Where(expression.IsMatch).Select(replace).Where(value => value.Length > 0);
        }

        private static string? LocalPart(string address) => address.Split('@') is [{ Length: > 0 } local, { Length: > 0 }] ? local : null;

        private void Function(string name)
        {
            if (!Take('.') || Word() != name || !Take('('))
                throw Wrong("the functions are email.local(…) and regexp.replace(…)");
        }

        private string Word()
        {
            SkipBlanks();
            var start = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '-'))
                at++;
            return at > start ? text[start..at] : throw Wrong("a name is missing in the template");
        }

        private string Dotted(string word) => Take('.') ? Word() : throw Wrong($"{word} is followed by .NAME");

        private string Bracketed()
        {
            var name = Quoted();
            return Take(']') ? name : throw Wrong("] is missing in the template");
        }

        private string CommaText() => Take(',') ? Quoted() : throw Wrong("regexp.replace takes a value, an expression and a replacement");

        private string Quoted()
        {
            SkipBlanks();
            if (at == text.Length || text[at] != '"')
                throw Wrong("a text in a template stands in double quotes");
            var value = new StringBuilder();
            for (at++; at < text.Length && text[at] != '"'; at++)
            {
                // As in role files from elsewhere: \" and \\ are escapes inside quotes; any other backslash belongs to the expression.
                if (text[at] == '\\' && at + 1 < text.Length && text[at + 1] is '"' or '\\')
                    at++;
                value.Append(text[at]);
            }
            return Take('"') ? value.ToString() : throw Wrong("a text in a template has no end");
        }

        private void Close()
        {
            if (!Take(')'))
                throw Wrong(") is missing in the template");
        }

        private bool Take(char c)
        {
            SkipBlanks();
            if (at == text.Length || text[at] != c)
                return false;
            at++;
            return true;
        }

        private void SkipBlanks()
        {
            while (at < text.Length && text[at] == ' ')
                at++;
        }

        private static FormatException Wrong(string what) => new(what);
    }
}
