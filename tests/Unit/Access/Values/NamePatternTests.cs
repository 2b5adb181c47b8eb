using System.Diagnostics;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class NamePatternTests
{
    private static readonly TimeSpan Bounded = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("dba", "dba", true)]
    [InlineData("dba", "dbas", false)]
    [InlineData("dba", "DBA", false)]
    [InlineData("dba", "", false)]
    [InlineData("db.", "dba", false)]
    [InlineData("db+", "dbb", false)]
    [InlineData("^dba", "dba", false)]
    [InlineData("dba$", "dba", false)]
    [InlineData("^", "", false)]
    public void Literal_matches_only_itself(string pattern, string name, bool fits) => Assert.Equal(fits, Pattern(pattern).Matches(name));

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "anything", true)]
    [InlineData("db*", "db", true)]
    [InlineData("db*", "dba", true)]
    [InlineData("db*", "adb", false)]
    [InlineData("*db", "prod-db", true)]
    [InlineData("*db", "prod-dba", false)]
    [InlineData("a*c", "ac", true)]
    [InlineData("a*c", "abcbc", true)]
    [InlineData("a*c", "abcb", false)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("**", "x", true)]
    [InlineData("a**b", "ab", true)]
    [InlineData("d.a*", "dba", false)]
    [InlineData("*a", "", false)]
    public void Star_matches_zero_or_more_characters(string pattern, string name, bool fits) => Assert.Equal(fits, Pattern(pattern).Matches(name));

    [Theory]
    [InlineData("^db[a-c]$", "dba", true)]
    [InlineData("^db[a-c]$", "dbd", false)]
    [InlineData("^db[a-c]$", "xdba", false)]
    [InlineData("^db[a-c]$", "DBA", false)]
    [InlineData("^(dev|test)-.*$", "dev-1", true)]
    [InlineData("^(dev|test)-.*$", "prod-1", false)]
    [InlineData("^$", "", true)]
    [InlineData("^$", "x", false)]
    public void Regular_expression_is_written_between_caret_and_dollar(string pattern, string name, bool fits) => Assert.Equal(fits, Pattern(pattern).Matches(name));

    [Theory]
    [InlineData("^(dba|admin)$", "dba", true)]
    [InlineData("^(dba|admin)$", "dba-superuser", false)]
    [InlineData("^[a|b]$", "|", true)]
    [InlineData(@"^a\|b$", "a|b", true)]
    [InlineData("^dba$", "dba\n", false)]
    public void Regular_expression_matches_the_whole_name(string pattern, string name, bool fits) => Assert.Equal(fits, Pattern(pattern).Matches(name));

    [Theory]
    [InlineData("dba", true)]
    [InlineData("db*", false)]
    [InlineData("^dba$", false)]
    public void Only_a_literal_matches_a_single_name(string pattern, bool literal) => Assert.Equal(literal, Pattern(pattern).IsLiteral);

    [Theory]
    [InlineData("^(a$", "a group is not closed")]
    [InlineData("^(?x)a#$", "\"(?x)a#\": RE2 has no such group: this flag; its flags are i, m, s and U")]
    [InlineData("^a)(b$", "\")\" closes no group")]
    [InlineData("^a)|(b$", "\")\" closes no group")]
    [InlineData("^[z-a]$", "the range z-a runs backwards")]
    [InlineData("^(?<x>a)\\k<x>$", "\"\\k\" is no escape of RE2 that means the same here")]
    [InlineData("^(?=a)a$", "\"(?=a)a\": RE2 has no such group: a look ahead or behind")]
    [InlineData("^(?<!b)a$", "\"(?<!b)\": RE2 has no such group: a look ahead or behind")]
    [InlineData("^(?>a+)b$", "\"(?>a+)\": RE2 has no such group: an atomic group")]
    public void Regular_expression_that_RE2_lacks_is_rejected(string pattern, string said)
    {
        Assert.Null(NamePattern.TryParse(pattern, out var fault));
        Assert.Equal(said, fault);
    }

    // One reader's ^dba|admin$ fits "dba-superuser", another's does not; in a deny as in an allow one of them is wrong.
    [Theory]
    [InlineData("^dba|admin$")]
    [InlineData("^a$|b|^c$")]
    [InlineData("^(a|b)|c$")]
    [InlineData("^[(]a|b$")]
    [InlineData("^[]|]|b$")]
    [InlineData("^(?m)a$")]
    [InlineData(@"^a\$")]
    [InlineData(@"^a\Q$")]
    [InlineData("^*a$")]
    public void An_expression_that_is_not_anchored_at_both_ends_is_refused(string pattern)
    {
        Assert.Null(NamePattern.TryParse(pattern, out var fault));
        Assert.StartsWith("^ and $ hold the whole expression", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_regular_expression_has_at_most_512_characters()
    {
        Assert.NotNull(NamePattern.TryParse($"^{new string('a', 510)}$", out _));
        Assert.Null(NamePattern.TryParse($"^{new string('a', 511)}$", out var fault));
        Assert.Equal("a regular expression has at most 512 characters", fault);
    }

    [Theory]
    [InlineData("^(a+)+$")]
    [InlineData("^(a*)*$")]
    [InlineData("^(a|aa)+$")]
    [InlineData("^(.*a){12}$")]
    [InlineData("*a*a*a*a*a*a*a*a*a*b")]
    public void Hostile_pattern_takes_bounded_time(string pattern)
    {
        var name = new string('a', 50_000) + "!";
        var clock = Stopwatch.StartNew();
        Assert.False(Pattern(pattern).Matches(name));
        Assert.True(clock.Elapsed < Bounded, $"{pattern} took {clock.Elapsed}");
    }

    [Theory]
    [InlineData("^((a{1,99}){1,99}){1,99}$")]
    [InlineData("^(((((a{99}){99}){99}){99}){99})$")]
    [InlineData("^a{2000000000}$")]
    public void Pattern_with_large_repetitions_takes_bounded_time(string pattern)
    {
        var clock = Stopwatch.StartNew();
        _ = NamePattern.TryParse(pattern, out _)?.Matches(new string('a', 5_000) + "!");
        Assert.True(clock.Elapsed < Bounded, $"{pattern} took {clock.Elapsed}");
    }

    private static NamePattern Pattern(string text) => NamePattern.TryParse(text, out var fault) ?? throw new FormatException(fault);
}
