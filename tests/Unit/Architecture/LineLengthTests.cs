using System.Text.RegularExpressions;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Architecture;

/// <summary>The line length of <c>.editorconfig</c>, which no tool of the build enforces.</summary>
public class LineLengthTests
{
    private const int Longest = 140;

    // A message stays whole, so that a search for it finds it.
    private static readonly Regex Message = new("\".*\"");

    [Fact]
    public void Line_of_src_is_too_long_only_for_its_message()
    {
        var tooLong = Directory.EnumerateFiles(Path.Combine(Document.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => File.ReadLines(file).Select((line, at) => (File: Path.GetFileName(file), Number: at + 1, Line: line)))
            .Where(one => one.Line.Length > Longest && Message.Replace(one.Line, "").Length > Longest / 2)
            .Select(one => $"{one.File}:{one.Number}");
        Assert.Empty(tooLong);
    }
}
