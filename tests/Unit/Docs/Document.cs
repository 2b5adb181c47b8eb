using System.Text.RegularExpressions;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>A text of the repository, as its readers see it.</summary>
internal sealed record Document(string Path, string Text)
{
    /// <summary>Where the checkout lies.</summary>
    public static readonly string Root = FindRoot();

    /// <summary>Every text that people read.</summary>
    public static IEnumerable<Document> All =>
        Directory.EnumerateFiles(Root, "*.md").Concat(Directory.EnumerateFiles(System.IO.Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories))
            .Select(file => Read(System.IO.Path.GetRelativePath(Root, file)));

    /// <summary>The fenced blocks: what stands behind the fence, and what between the fences.</summary>
    public IEnumerable<(string Info, string Content)> Blocks =>
        Regex.Matches(Text, "^```(?<info>[^\n]*)\n(?<content>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture)
            .Select(block => (block.Groups["info"].Value, block.Groups["content"].Value));

    /// <summary>The rows of tables, cell by cell, without the backquotes.</summary>
    public IEnumerable<string[]> Rows =>
        Text.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray());

    public static Document Read(string path) => new(path, File.ReadAllText(System.IO.Path.Combine(Root, path)));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "CertAuthority.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests do not run inside a checkout");
    }
}
