using System.Text.RegularExpressions;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>How the texts, messages and comments of this repository are written, as far as a program can see it.</summary>
public class PlainWordsTests
{
    /// <summary>The documents, and what else people read: programs with their messages and comments, scripts, examples.</summary>
    private static IEnumerable<Document> Texts => Document.All.Concat(
        new[] { "src", "tests", "bench", "packaging", "scripts" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Document.Root, folder), "*", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Document.Root, file))
            .Where(path => !path.EndsWith(".json", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Select(Document.Read));

    [Fact]
    public void Cannot_is_one_word() => Assert.Equal([], Found(@"\bcan[ ]not\b|_can[_]not_", _ => true));

    /// <summary>A user is they. In tests, bob is he; and what a migration says is part of what it is known by.</summary>
    [Fact]
    public void Text_uses_they_for_a_person() => Assert.Equal([], Found(@"\b(he|his|him|himself)\b", path => !path.StartsWith("tests/", StringComparison.Ordinal) && !path.Contains("/migrations/", StringComparison.Ordinal)));

    [Fact]
    public void Headings_name_their_subject() => Assert.Equal([], Found(@"^\#+\ (How|What|Who|Where|When|Which|Why|If|Being|For[ ]those)\b", path => path.EndsWith(".md", StringComparison.Ordinal)));

    private static IEnumerable<string> Found(string pattern, Func<string, bool> looks) =>
        from text in Texts
        where looks(text.Path)
        from line in text.Text.Split('\n').Select((words, number) => (words, number: number + 1))
        where Regex.IsMatch(line.words, pattern, RegexOptions.IgnoreCase)
        select $"{text.Path}:{line.number}: {line.words.Trim()}";
}
