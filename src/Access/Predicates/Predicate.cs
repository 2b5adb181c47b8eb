namespace CertAuthority.Access.Predicates;

/// <summary>
/// A condition on a review: <c>contains(reviewer.roles, "lead") &amp;&amp; !equals(request.reason, "")</c>. Its names are resolved when it
/// is read, so an unknown name is a fault of the role rather than a result. Its length and the size of the facts bound the time of an
/// evaluation.
/// </summary>
public sealed class Predicate
{
    /// <summary>The longest predicate, in characters.</summary>
    public const int LongestText = PredicateParser.LongestText;

    /// <summary>How deeply parentheses and negations may nest.</summary>
    public const int MaxDepth = PredicateParser.MaxDepth;

    private readonly Func<ReviewFacts, bool> condition;

    private Predicate(string text, Func<ReviewFacts, bool> condition) => (Text, this.condition) = (text, condition);

    /// <summary>The predicate as written.</summary>
    public string Text { get; }

    /// <summary>Reads a predicate; returns null with the first <paramref name="fault"/>.</summary>
    public static Predicate? TryParse(string text, PredicateScope scope, out PredicateFault? fault)
    {
        var parser = new PredicateParser(text, scope);
        var condition = parser.Parse();
        fault = parser.Fault;
        return condition is null ? null : new Predicate(text, condition);
    }

    /// <summary>Whether the predicate is true for the facts.</summary>
    public bool Holds(ReviewFacts facts) => condition(facts);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
