using System.Collections.Immutable;
using System.Diagnostics;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class PredicateTests
{
    // Bob, a lead of the team dba with two pagers, reads alice's request for dba and db-read.
    private static readonly ReviewFacts Facts = new(
        ["staff", "lead"], Map(("team", ["dba", "storage"]), ("pager", ["1", "2"])), ["dba", "db-read"], "TICKET-42", Map(("services", ["billing", "ssh-jump"])), "go ahead");

    [Theory]
    // As people write them elsewhere.
    [InlineData("contains(reviewer.roles, \"lead\")", true)]
    [InlineData("contains(reviewer.roles,\"dev\")", false)]
    [InlineData("!equals(request.reason, \"\")", true)]
    [InlineData("contains(reviewer.traits[\"team\"], \"dba\")", true)]
    [InlineData("contains(reviewer.traits[\"teams\"], \"dba\")", false)]
    [InlineData("contains(request.system_annotations[\"services\"], \"billing\")", true)]
    [InlineData("contains(request.system_annotations[\"none\"], \"billing\")", false)]
    [InlineData("contains(reviewer.traits[\"team\"],\"web\") || contains(reviewer.roles, \"lead\")", true)]
    [InlineData("!contains(request.roles, \"admin\") && equals(review.reason, \"go ahead\")", true)]
    [InlineData("equals(request.reason, \"TICKET-42\") && equals(review.reason, \"ok\")", false)]
    [InlineData("regexp.match(reviewer.roles, \"l*\")", true)]
    [InlineData("regexp.match(reviewer.roles, \"*\") && !regexp.match(request.roles, \"prod-*\")", true)]
    [InlineData("regexp.match(request.reason, \"^TICKET-[0-9]+$\")", true)]
    [InlineData("regexp.match(request.reason, \"^TICKET-[0-9]$\")", false)]
    [InlineData("regexp.match(request.system_annotations[\"services\"], `^ssh-\\w+$`)", true)]
    // Who is what to whom.
    [InlineData("equals(reviewer.traits[\"pager\"], request.roles)", false)]
    [InlineData("equals(reviewer.traits[\"none\"], request.system_annotations[\"none\"])", true)]
    [InlineData("equals(request.roles, request.roles)", true)]
    [InlineData("equals(\"a\", \"b\")", false)]
    [InlineData("contains(reviewer.roles, request.reason)", false)]
    // && binds closer than ||, ! closest.
    [InlineData("equals(\"\", \"\") || equals(\"\", \"a\") && equals(\"\", \"a\")", true)]
    [InlineData("(equals(\"\", \"\") || equals(\"\", \"a\")) && equals(\"\", \"a\")", false)]
    [InlineData("!equals(\"\", \"a\") && !!equals(\"\", \"\")", true)]
    [InlineData("!(equals(\"\", \"\") && equals(\"\", \"a\"))", true)]
    // Blanks, lines and quotes.
    [InlineData("\n  contains (\n reviewer . roles , \"lead\" )", null)]
    [InlineData("\n  contains (\n\treviewer.roles , \"lead\" )\n", true)]
    [InlineData("contains( reviewer.traits [ \"team\" ] , `dba` )", true)]
    [InlineData("equals(\"a\\\"b\\\\\", `a\"b\\`)", true)]
    public void Predicate_is_evaluated_against_its_facts(string text, bool? holds)
    {
        var predicate = Predicate.TryParse(text, PredicateScope.Filter, out var fault);
        Assert.True(holds is null == predicate is null, fault?.What);
        if (predicate is null)
            return;
        Assert.Equal((holds, text), (predicate.Holds(Facts), predicate.Text));
    }

    [Theory]
    [InlineData("", 1, "a condition is missing; the functions are equals, contains and regexp.match")]
    [InlineData("  ", 3, "a condition is missing; the functions are equals, contains and regexp.match")]
    [InlineData("contains(reviewer.role, \"lead\")", 10, "there is no \"reviewer.role\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations")]
    [InlineData("equals(review.reason, \"ok\")", 8, "there is no \"review.reason\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations")]
    [InlineData("contains(user.spec.traits[\"a\"], \"b\")", 10, "there is no \"user.spec.traits\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations")]
    [InlineData("contain(reviewer.roles, \"lead\")", 1, "there is no function \"contain\"; the functions are equals, contains and regexp.match")]
    [InlineData("reviewer.roles", 1, "reviewer.roles is not a condition; the functions are equals, contains and regexp.match")]
    [InlineData("true", 1, "true is not a condition; the functions are equals, contains and regexp.match")]
    [InlineData("\"lead\"", 1, "a text is not a condition; the functions are equals, contains and regexp.match")]
    [InlineData("contains", 9, "contains takes two values in parentheses")]
    [InlineData("contains()", 1, "contains takes two values, not 0")]
    [InlineData("equals(request.reason)", 1, "equals takes two values, not 1")]
    [InlineData("equals(\"\",\"\") && contains(request.roles, \"a\", \"b\")", 18, "contains takes two values, not 3")]
    [InlineData("contains(request.reason, \"a\")", 10, "contains looks into a list")]
    [InlineData("contains(\"a\", \"a\")", 10, "contains looks into a list")]
    [InlineData("contains(reviewer.traits, \"a\")", 10, "reviewer.traits is taken by its key: reviewer.traits[\"…\"]")]
    [InlineData("contains(reviewer.roles, request.roles)", 26, "contains looks for a text")]
    [InlineData("contains(reviewer.roles, reviewer.traits)", 26, "contains looks for a text")]
    [InlineData("equals(reviewer.roles, \"a\")", 24, "equals takes two texts or two lists")]
    [InlineData("equals(\"a\", request.system_annotations)", 13, "equals takes two texts or two lists")]
    [InlineData("equals(reviewer.traits, reviewer.traits)", 8, "reviewer.traits is taken by its key: reviewer.traits[\"…\"]")]
    [InlineData("request.reason == \"\"", 1, "request.reason is not a condition; the functions are equals, contains and regexp.match")]
    [InlineData("equals(\"\",\"\") == equals(\"\",\"\")", 15, "\"==\": write equals(…, …)")]
    [InlineData("reviewer.roles[\"a\"]", 1, "reviewer.roles is not a condition; the functions are equals, contains and regexp.match")]
    [InlineData("contains(reviewer.roles[\"a\"], \"b\")", 24, "reviewer.roles has no keys")]
    [InlineData("contains(reviewer.traits[team], \"b\")", 26, "a key is a text in quotes")]
    [InlineData("contains(reviewer.traits[\"team\", \"b\")", 32, "\"]\" is missing before \", \"b\")\" is not expected here")]
    [InlineData("contains(reviewer.traits.team, \"b\")", 10, "there is no \"reviewer.traits.team\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations")]
    [InlineData("contains(reviewer.roles, \"lead)", 26, "a text has no end")]
    [InlineData("contains(reviewer.roles, \"a\\d\")", 28, "in quotes a backslash stands before a quote or another backslash; between ` and ` it stands for itself")]
    [InlineData("contains(reviewer.roles, 'lead')", 26, "\"'lead')\" is not expected here")]
    [InlineData("contains(reviewer.roles, \"lead\"", 32, "\")\" is missing")]
    [InlineData("contains(reviewer.roles, )", 26, "\")\" is not expected here")]
    [InlineData("contains(reviewer.roles, \"a\") contains", 31, "\"contains\" is not expected here")]
    [InlineData("contains(reviewer.roles, \"a\") & x", 31, "\"&\" stands alone; it is &&")]
    [InlineData("contains(reviewer.roles, \"a\") |", 31, "\"|\" stands alone; it is ||")]
    [InlineData("contains(reviewer.roles, \"a\") &&", 33, "a condition is missing; the functions are equals, contains and regexp.match")]
    [InlineData("(contains(reviewer.roles, \"a\")", 31, "\")\" is missing")]
    [InlineData("contains(reviewer.roles, \"a\"))", 30, "\")\" is not expected here")]
    [InlineData("regexp.match(reviewer.roles, request.reason)", 30, "regexp.match takes its pattern as a text in quotes")]
    [InlineData("regexp.match(reviewer.traits, \"a\")", 14, "reviewer.traits is taken by its key: reviewer.traits[\"…\"]")]
    [InlineData("regexp.match(reviewer.roles, \"^(a$\")", 30, "\"^(a$\": a group is not closed")]
    [InlineData("regexp.match(reviewer.roles, \"^a|b$\")", 30, "\"^a|b$\": ^ and $ hold the whole expression: alternatives stand in a group, ^(dba|admin)$, and neither end is escaped, quoted, repeated or multiline")]
    [InlineData("regexp.match(reviewer.roles, `^(a)\\1$`)", 30, "\"^(a)\\1$\": \"\\1\": RE2 has no references back to a group")]
    public void Fault_is_reported_with_its_column(string text, int column, string told)
    {
        Assert.Null(Predicate.TryParse(text, PredicateScope.Where, out var fault));
        Assert.Equal(new PredicateFault(column, told), fault);
    }

    [Fact]
    public void Only_a_filter_can_refer_to_the_review()
    {
        Assert.NotNull(Predicate.TryParse("equals(review.reason, \"ok\")", PredicateScope.Filter, out _));
        Assert.Null(Predicate.TryParse("contains(review.annotations[\"a\"], \"ok\")", PredicateScope.Filter, out var fault));
        Assert.EndsWith("request.system_annotations, review.reason", fault!.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("negations", "!")]
    [InlineData("parentheses", "(")]
    [InlineData("both", "!(")]
    public void Depth_is_bounded(string what, string opening)
    {
        const string condition = "equals(\"\", \"\")";
        var fits = string.Concat(Enumerable.Repeat(opening, Predicate.MaxDepth / opening.Length));
        Assert.True(Predicate.TryParse(fits + condition + Closing(fits), PredicateScope.Where, out _) is not null, what);
        Assert.Null(Predicate.TryParse(opening + fits + condition + Closing(opening + fits), PredicateScope.Where, out var fault));
        Assert.Equal("a predicate nests at most 16 deep", fault!.What);

        static string Closing(string opened) => new(')', opened.Count(c => c == '('));
    }

    [Fact]
    public void Length_is_bounded()
    {
        var longest = string.Concat(Enumerable.Repeat("!equals(\"\", \"\") || ", Predicate.LongestText / 19 - 1)) + "equals(\"\", \"\")";
        Assert.True(Predicate.TryParse(longest.PadRight(Predicate.LongestText), PredicateScope.Where, out _)!.Holds(Facts));
        Assert.Null(Predicate.TryParse(longest.PadRight(Predicate.LongestText + 1), PredicateScope.Where, out var fault));
        Assert.Equal(new PredicateFault(Predicate.LongestText + 1, "a predicate has at most 2048 characters"), fault);
    }

    [Fact]
    public void Hostile_patterns_end_in_bounded_time()
    {
        // The worst that fits: nested stars over the longest reason, a hundred times.
        var one = "regexp.match(request.reason, \"^(a*)*b$\") || regexp.match(request.reason, \"*a*a*b\")";
        var worst = string.Join(" || ", Enumerable.Repeat(one, Predicate.LongestText / (one.Length + 4)));
        var predicate = Predicate.TryParse(worst, PredicateScope.Where, out _)!;
        var clock = Stopwatch.StartNew();
        Assert.False(predicate.Holds(Facts with { RequestReason = new string('a', Names.MaxReasonBytes) }));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
    }

    private static ImmutableSortedDictionary<string, ImmutableArray<string>> Map(params (string Key, ImmutableArray<string> Values)[] entries) =>
        entries.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Values, StringComparer.Ordinal);
}
