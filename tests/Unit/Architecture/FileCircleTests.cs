using System.Reflection;
using System.Text.RegularExpressions;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Architecture;

/// <summary>Which files of <c>src</c> use which, read from what was compiled. Constants and names in <c>nameof</c> leave no trace there.</summary>
public partial class FileCircleTests
{
    private static readonly Dictionary<string, string> FileOf = Declared();

    public static readonly TheoryData<string> Projects = [.. Directory.GetDirectories(Path.Combine(Document.Root, "src")).Select(folder => Path.GetFileName(folder))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_file_uses_one_that_depends_on_it(string project)
    {
        var assembly = Assembly.Load(project switch { "CertAuthority" => "certauthority", "Tsh" or "Tctl" => project.ToLowerInvariant(), "Ui" => "certauthority-ui", "Signer" => "certauthority-signer", _ => $"CertAuthority.{project}" });
        var uses = Uses.Of(assembly).Where(use => use.Type.Assembly == assembly).Select(use => (By: File(use.ByType), Of: File(use.Type)))
            .Where(use => use is { By: not null, Of: not null } && use.By != use.Of).Distinct().ToLookup(use => use.By!, use => use.Of!);
        Assert.NotEmpty(uses);
        var reached = uses.ToDictionary(file => file.Key, file => Reached(uses, file.Key));
        var inCircle = uses.SelectMany(file => file.Where(other => reached.GetValueOrDefault(other, []).Contains(file.Key)).Select(other => $"{file.Key} uses {other}"));
        Assert.False(inCircle.Any(), string.Join("\n", inCircle.Order(StringComparer.Ordinal)));
    }

    private static HashSet<string> Reached(ILookup<string, string> uses, string from)
    {
        var reached = new HashSet<string>();
        var next = new Stack<string>(uses[from]);
        while (next.TryPop(out var file))
            if (reached.Add(file))
                foreach (var other in uses[file])
                    next.Push(other);
        return reached;
    }

    private static string? File(Type type) => FileOf.GetValueOrDefault($"{type.Namespace}.{type.Name.Split('`')[0]}");

    private static Dictionary<string, string> Declared()
    {
        var files = new Dictionary<string, string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Document.Root, "src"), "*.cs", SearchOption.AllDirectories))
        {
            var text = System.IO.File.ReadAllText(file);
            var space = Space().Match(text).Groups["name"].Value;
            foreach (Match type in Declaration().Matches(text))
                files.TryAdd($"{space}.{type.Groups["name"].Value}", Path.GetRelativePath(Document.Root, file));
        }
        return files;
    }

    [GeneratedRegex("^namespace (?<name>[A-Za-z.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Space();

    [GeneratedRegex(@"^(?:(?:public|internal|file|static|sealed|abstract|readonly|partial|unsafe|ref) )*(?:class|record struct|record|struct|enum|interface) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Declaration();
}
