using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>Where a predicate stands; that decides what it can speak of.</summary>
public enum PredicateScope
{
    /// <summary><c>where</c> of review_requests: whether somebody may review, before they have said anything.</summary>
    Where,

    /// <summary><c>filter</c> of a threshold: whether a review counts for it.</summary>
    Filter,
}

/// <summary>What is wrong with a predicate, and where in it.</summary>
/// <param name="Column">From 1, in characters.</param>
/// <param name="What">For people.</param>
public sealed record PredicateFault(int Column, string What);

/// <summary>What predicates speak of.</summary>
/// <param name="ReviewerRoles">The names of the reviewer's assigned roles that are in force.</param>
/// <param name="ReviewerTraits">Their traits.</param>
/// <param name="RequestRoles">The names of the roles asked for.</param>
/// <param name="RequestReason">Why they were asked for.</param>
/// <param name="SystemAnnotations">What the requester's roles say about the request.</param>
/// <param name="ReviewReason">The reviewer's words; in <see cref="PredicateScope.Filter"/> only.</param>
public sealed record ReviewFacts(
    ImmutableArray<string> ReviewerRoles,
    ImmutableSortedDictionary<string, ImmutableArray<string>> ReviewerTraits,
    ImmutableArray<string> RequestRoles,
    string RequestReason,
    ImmutableSortedDictionary<string, ImmutableArray<string>> SystemAnnotations,
    string ReviewReason = "");

/// <summary>
/// A condition on a review: <c>contains(reviewer.roles, "lead") &amp;&amp; !equals(request.reason, "")</c>. What it names is
/// looked up when it is read, so that what does not exist is a fault of the role and not an answer. It is evaluated in time
/// that its length and that of the facts bound.
/// </summary>
public sealed class Predicate
{
    /// <summary>The longest, in characters.</summary>
    public const int LongestText = 2048;

    /// <summary>How deep parentheses and negations nest.</summary>
    public const int MaxDepth = 16;

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
