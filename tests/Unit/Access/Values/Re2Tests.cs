using System.Diagnostics;
using System.Text.Json;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What expressions mean, with Go's regexp as the judge: <c>vectors/re2.jsonl</c> has what it made of each construct of RE2's syntax page.</summary>
public class Re2Tests
{
    // What RE2 has and what is refused here, by what the refusal names.
    private static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal)
    {
        [@"\pN"] = @"""\p"" asks for a class of Unicode",
        [@"\PN"] = @"""\P"" asks for a class of Unicode",
        [@"\p{L}"] = @"""\p"" asks for a class of Unicode",
        [@"\p{Greek}"] = @"""\p"" asks for a class of Unicode",
        [@"\P{Greek}"] = @"""\P"" asks for a class of Unicode",
        [@"\p{^Greek}"] = @"""\p"" asks for a class of Unicode",
        [@"[\p{Greek}a]"] = @"""\p"" asks for a class of Unicode",
        [@"\ba"] = @"""\b"", a boundary of words",
        [@"a\b"] = @"""\b"", a boundary of words",
        [@"\Ba"] = @"""\B"", a boundary of words",
        ["(?P<n>a)(?P<n>b)"] = "is there twice",
        ["(?i)é"] = "under (?i) only ASCII letters",
        ["(?i)ß"] = "under (?i) only ASCII letters",
        ["(?i)ω"] = "under (?i) only ASCII letters",
    };

    public sealed record Row(string Pattern, string? Replacement, string[] Fits, Dictionary<string, string>? Replaced, string? Error)
    {
        public override string ToString() => Pattern;
    }

    private static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };
    private static readonly Row[] Vectors = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "vectors", "re2.jsonl")).Select(line => JsonSerializer.Deserialize<Row>(line, Json)!)];
    private static readonly string[] Subjects = Vectors.Single(row => row.Pattern == "SUBJECTS").Fits;

    public static TheoryData<int> Constructs => [.. Enumerable.Range(0, Vectors.Length).Where(n => Vectors[n].Replaced is null && Vectors[n].Fits != Subjects)];

    public static TheoryData<int> Replacements => [.. Enumerable.Range(0, Vectors.Length).Where(n => Vectors[n].Replaced is not null)];

    [Theory]
    [MemberData(nameof(Constructs))]
    public void A_construct_means_the_same_as_in_RE2_or_is_refused(int n)
    {
        var row = Vectors[n];
        var read = Re2.TryParse(row.Pattern, out var fault);
        if (row.Error is not null || Refused.ContainsKey(row.Pattern))
        {
            Assert.True(read is null, $"{row.Pattern} is read; RE2: {row.Error}");
            Assert.Contains(Refused.GetValueOrDefault(row.Pattern, ""), fault!, StringComparison.Ordinal);
        }
        else
        {
            Assert.True(read is not null, $"{row.Pattern}: {fault}");
            Assert.Equal(row.Fits, Subjects.Where(read.IsMatch));
        }
    }

    [Theory]
    [MemberData(nameof(Replacements))]
    public void Replacement_gives_the_same_result_as_in_Go(int n)
    {
        var row = Vectors[n];
        var replace = Re2.TryParse(row.Pattern, out _)!.Replacing(row.Replacement!, out var fault);
        Assert.True(replace is not null, fault);
        Assert.Equal(row.Replaced!.OrderBy(one => one.Key, StringComparer.Ordinal), Subjects.Select(subject => KeyValuePair.Create(subject, replace(subject))).OrderBy(one => one.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("(a)", "$2", "the expression has no group \"2\"")]
    [InlineData("(a)", "$b", "the expression has no group \"b\"")]
    [InlineData("(a)", "$1x", "in a replacement, write ${1} where a letter, a digit or _ follows")]
    [InlineData("(a)", "$&", "in a replacement, a dollar sign that is not followed by a group is written $$")]
    [InlineData("(a)", "x$", "in a replacement, a dollar sign that is not followed by a group is written $$")]
    [InlineData("(a*)*", "x", "to replace, an expression repeats nothing that can be empty, such as (a*)*; write (a+)*")]
    public void A_replacement_that_engines_read_differently_is_refused(string pattern, string replacement, string said)
    {
        Assert.Null(Re2.TryParse(pattern, out _)!.Replacing(replacement, out var fault));
        Assert.Equal(said, fault);
    }

    // Newer than the Go that made the table.
    [Fact]
    public void Group_can_be_named_in_either_spelling() =>
        Assert.Equal("b-a", Re2.TryParse("(?P<x>a)(?<y>b)", out _)!.Replacing("${y}-$x", out _)!("ab"));

    [Theory]
    [InlineData("(a?){500}a{500}")]
    [InlineData("(a|aa)+$")]
    [InlineData(".{500}.{499}")]
    public void No_expression_hangs(string pattern)
    {
        // One that backtracked would take longer than anybody lives; a minute is for a busy machine.
        var watch = Stopwatch.StartNew();
        var read = Re2.TryParse(pattern, out _);
        Assert.NotNull(read);
        read.IsMatch(new string('a', 500) + "!");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData(".{600}.{600}", "once its repetitions are written out")]
    [InlineData("(.{40}){40}", "count beyond 256")]
    [InlineData("(a{0,30}){0,30}b", "count beyond 256")]
    public void Too_costly_expression_is_rejected(string pattern, string said)
    {
        Assert.Null(Re2.TryParse(pattern, out var fault));
        Assert.Contains(said, fault, StringComparison.Ordinal);
    }
}
