using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Predicates;

/// <summary>
/// Reads, by descent and in one pass:
/// <code>
/// either    = both { "||" both }
/// both      = condition { "&amp;&amp;" condition }
/// condition = "!" condition | "(" either ")" | function "(" value "," value ")"
/// value     = text | path | path "[" text "]"
/// text      = "…" with \" and \\ for those two, or `…` as it is
/// </code>
/// </summary>
internal sealed class PredicateParser(string text, PredicateScope scope)
{
    /// <summary>The longest predicate, in characters.</summary>
    internal const int LongestText = 2048;

    /// <summary>How deeply parentheses and negations may nest.</summary>
    internal const int MaxDepth = 16;

    private const string Functions = "the functions are equals, contains and regexp.match";

    private int at;

    public PredicateFault? Fault { get; private set; }

    /// <summary>Reads the condition; returns null if <see cref="Fault"/> says why there is none.</summary>
    public Func<ReviewFacts, bool>? Parse()
    {
        try
        {
            if (text.Length > LongestText)
                throw Wrong(LongestText, $"a predicate has at most {LongestText} characters");
            var condition = Either(depth: 0);
            return Next() == '\0' ? condition : throw Wrong(at, Stray());
        }
        catch (FaultException wrong)
        {
            Fault = wrong.Fault;
            return null;
        }
    }

    private Func<ReviewFacts, bool> Either(int depth)
    {
        var first = Both(depth);
        while (TakeTwice('|'))
        {
            var (left, right) = (first, Both(depth));
            first = facts => left(facts) || right(facts);
        }
        return first;
    }

    private Func<ReviewFacts, bool> Both(int depth)
    {
        var first = Condition(depth);
        while (TakeTwice('&'))
        {
            var (left, right) = (first, Condition(depth));
            first = facts => left(facts) && right(facts);
        }
        return first;
    }

    private Func<ReviewFacts, bool> Condition(int depth)
    {
        var next = Next();
        if (depth > MaxDepth)
            throw Wrong(at, $"a predicate nests at most {MaxDepth} deep");
        switch (next)
        {
            case '!':
                at++;
                var inner = Condition(depth + 1);
                return facts => !inner(facts);
            case '(':
                at++;
                var grouped = Either(depth + 1);
                Expect(')');
                return grouped;
            default:
                return Call();
        }
    }

    private Func<ReviewFacts, bool> Call()
    {
        if (Next() is '"' or '`')
            throw Wrong(at, $"a text is not a condition; {Functions}");
        var start = at;
        var name = Word();
        if (name.Length == 0)
            throw Wrong(at, at == text.Length ? $"a condition is missing; {Functions}" : Stray());
        if (name is not ("equals" or "contains" or "regexp.match"))
            throw Wrong(start, Next() == '(' ? $"there is no function \"{name}\"; {Functions}" : $"{name} is not a condition; {Functions}");
        if (Next() != '(')
            throw Wrong(at, $"{name} takes two values in parentheses");
        at++;
        var values = new List<Value>();
        if (Next() != ')')
            do
                values.Add(ReadValue());
            while (Take(','));
        Expect(')');
        return values is [var first, var second]
            ? Apply(name, first, second)
            : throw Wrong(start, $"{name} takes two values, not {values.Count}");
    }

    private static Func<ReviewFacts, bool> Apply(string name, Value first, Value second)
    {
        switch (name, first, second)
        {
            case ("equals", { Text: { } one }, { Text: { } other }):
                return facts => one(facts) == other(facts);
            case ("equals", { Texts: { } one }, { Texts: { } other }):
                return facts => one(facts).SequenceEqual(other(facts));
            case ("equals", { Map: null }, _):
                throw Wrong(second.At, "equals takes two texts or two lists");
            case ("contains", { Texts: { } list }, { Text: { } item }):
                return facts => list(facts).Contains(item(facts));
            case ("contains", { Texts: not null }, _):
                throw Wrong(second.At, "contains looks for a text");
            case ("regexp.match", { Map: null }, { Literal: { } literal }):
                if (NamePattern.TryParse(literal, out var fault) is not { } pattern)
                    throw Wrong(second.At, $"\"{literal}\": {fault}");
                return first is { Text: { } subject }
                    ? facts => pattern.Matches(subject(facts))
                    : facts => first.Texts!(facts).Any(pattern.Matches);
            case ("regexp.match", { Map: null }, _):
                throw Wrong(second.At, "regexp.match takes its pattern as a text in quotes");
            default:
                throw Wrong(
                    first.At,
                    first.Map is not null ? $"{first.Name} is taken by its key: {first.Name}[\"…\"]" : "contains looks into a list");
        }
    }

    private Value ReadValue()
    {
        Next();
        var start = at;
        if (Next() is '"' or '`')
        {
            var literal = Quoted();
            return new Value(start, "", Text: _ => literal, Literal: literal);
        }
        var path = Word();
        var value = path switch
        {
            "reviewer.roles" => new Value(start, path, Texts: facts => facts.ReviewerRoles),
            "reviewer.traits" => new Value(start, path, Map: facts => facts.ReviewerTraits),
            "request.roles" => new Value(start, path, Texts: facts => facts.RequestRoles),
            "request.reason" => new Value(start, path, Text: facts => facts.RequestReason),
            "request.system_annotations" => new Value(start, path, Map: facts => facts.SystemAnnotations),
            "review.reason" when scope == PredicateScope.Filter => new Value(start, path, Text: facts => facts.ReviewReason),
            "" => throw Wrong(at, at == text.Length ? "a value is missing" : Stray()),
            _ =>
                throw Wrong(
                    start,
                    $"there is no \"{path}\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations"
                + (scope == PredicateScope.Filter ? ", review.reason" : "")),
        };
        if (!Take('['))
            return value;
        if (value.Map is not { } map)
            throw Wrong(at - 1, $"{path} has no keys");
        if (Next() is not ('"' or '`'))
            throw Wrong(at, "a key is a text in quotes");
        var key = Quoted();
        Expect(']');
        return new Value(start, path, Texts: facts => map(facts).TryGetValue(key, out var values) ? values : []);
    }

    private string Quoted()
    {
        var start = at;
        var quote = text[at];
        var value = new StringBuilder();
        for (at++; at < text.Length && text[at] != quote; at++)
        {
            if (quote == '"' && text[at] == '\\')
            {
                if (at + 1 == text.Length || text[at + 1] is not ('"' or '\\'))
                    throw Wrong(
                        at, "in quotes a backslash stands before a quote or another backslash; between ` and ` it stands for itself");
                at++;
            }
            value.Append(text[at]);
        }
        return at++ < text.Length ? value.ToString() : throw Wrong(start, "a text has no end");
    }

    // Reads names joined by dots.
    private string Word()
    {
        Next();
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '.'))
            at++;
        return text[start..at];
    }

    /// <summary>Returns the next character that is not blank without consuming it; zero at the end.</summary>
    private char Next()
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\n' or '\r')
            at++;
        return at < text.Length ? text[at] : '\0';
    }

    private bool Take(char c)
    {
        if (Next() != c)
            return false;
        at++;
        return true;
    }

    private bool TakeTwice(char c)
    {
        if (Next() != c)
            return false;
        if (at + 1 == text.Length || text[at + 1] != c)
            throw Wrong(at, $"\"{c}\" stands alone; it is {c}{c}");
        at += 2;
        return true;
    }

    private void Expect(char c)
    {
        if (!Take(c))
            throw Wrong(at, at == text.Length ? $"\"{c}\" is missing" : $"\"{c}\" is missing before {Stray()}");
    }

    private string Stray()
    {
        var rest = text[at..];
        return rest is ['=', '=', ..] or ['!', '=', ..]
            ? $"\"{rest[..2]}\": write equals(…, …)"
            : $"\"{(rest.Length > 20 ? rest[..20] + "…" : rest)}\" is not expected here";
    }

    private static FaultException Wrong(int index, string what) => new(new PredicateFault(index + 1, what));

    private sealed record Value(
        int At,
        string Name,
        Func<ReviewFacts, string>? Text = null,
        Func<ReviewFacts, ImmutableArray<string>>? Texts = null,
        Func<ReviewFacts, ImmutableSortedDictionary<string, ImmutableArray<string>>>? Map = null,
        string? Literal = null);

    private sealed class FaultException(PredicateFault fault) : Exception(fault.What)
    {
        public PredicateFault Fault { get; } = fault;
    }
}
