namespace CertAuthority.Access.Predicates;

/// <summary>
/// A condition on a review: <c>contains(reviewer.roles, "lead") &amp;&amp; !equals(request.reason, "")</c>. What it names is
/// looked up when it is read, so that what does not exist is a fault of the role and not an answer. It is evaluated in time
/// that its length and that of the facts bound.
/// </summary>
public sealed class Predicate
{
    /// <summary>The longest, in characters.</summary>
    public const int LongestText = PredicateParser.LongestText;

    /// <summary>How deep parentheses and negations nest.</summary>
    public const int MaxDepth = PredicateParser.MaxDepth;

    private readonly Func<ReviewFacts, bool> condition;

    private Predicate(string text, Func<ReviewFacts, bool> condition) => (Text, this.condition) = (text, condition);

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>Reads a predicate; null with the first <paramref name="fault"/>.</summary>
    public static Predicate? TryParse(string text, PredicateScope scope, out PredicateFault? fault)
    {
        var parser = new PredicateParser(text, scope);
        var condition = parser.Parse();
        fault = parser.Fault;
        return condition is null ? null : new Predicate(text, condition);
    }

    /// <summary>Whether it is true of the facts.</summary>
    public bool Holds(ReviewFacts facts) => condition(facts);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
