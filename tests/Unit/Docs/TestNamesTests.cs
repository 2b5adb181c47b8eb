using System.Text.RegularExpressions;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The name of a test states a situation and its outcome, so that a reader of a failed run need not open the file.</summary>
public class TestNamesTests
{
    private const int LongestName = 59;

    /// <summary>An attribute such as Fact, MailTheory or PeopleFact at the beginning of a line.</summary>
    private static readonly Regex Attribute = new(@"^ *\[\w*(Fact|Theory)\b", RegexOptions.Multiline | RegexOptions.ExplicitCapture);

    /// <summary>Such an attribute, whatever stands between it and the method, and the name of the method.</summary>
    private static readonly Regex Test = new(
        @"^    \[\w*(Fact|Theory)\b[^\n]*\n((?!    \[\w*(Fact|Theory)\b)(?!    public )[^\n]*\n)*    public [^\n(=]*?\b(?<name>\w+)\(",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture);

    private static readonly List<(string Class, string Text)> Files =
        [.. Directory.EnumerateFiles(Path.Combine(Document.Root, "tests"), "*.cs", SearchOption.AllDirectories).Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)))];

    private static readonly List<(string Class, string Name)> Tests =
        [.. Files.SelectMany(file => Test.Matches(file.Text).Select(test => (file.Class, test.Groups["name"].Value)))];

    [Fact]
    public void Every_attribute_leads_to_a_name() => Assert.Equal(Files.Sum(file => Attribute.Count(file.Text)), Tests.Count);

    [Fact]
    public void Name_has_fewer_than_60_characters() => ExpectNone(name => name.Length > LongestName);

    [Fact]
    public void Name_uses_the_words_of_the_other_texts() => ExpectNone(name => Regex.IsMatch(name, "can[_]not|(^|_)(told|he|his|him|himself)(_|$)", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture));

    [Fact]
    public void Name_starts_with_its_subject() => ExpectNone(name => Regex.IsMatch(name, "^(What|Who|Whoever|Where|Of|Beside|Nor|Or|And|To)_", RegexOptions.ExplicitCapture));

    private static void ExpectNone(Func<string, bool> isBad)
    {
        var bad = Tests.Where(test => isBad(test.Name)).Select(test => $"{test.Class}.{test.Name} has {test.Name.Length} characters").ToList();
        Assert.True(bad.Count == 0, string.Join('\n', bad));
    }
}
