using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes export</c>.</summary>
internal sealed class NodesExportCommand : Verb
{
    private const UnixFileMode ReadableByAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Argument<string> name = new("NODE") { Description = "The host", CompletionSources = { Known.Nodes } };
    private readonly Option<string?> outFolder = new("--out") { HelpName = "FOLDER", Description = "Write them below this folder, as they are to lie below / of the host", CompletionSources = { Suggestions.Files } };
    private readonly FormatOption format = new();

    public NodesExportCommand()
        : base(
            "export",
            "Writes the files that bring a host under the authority, for whatever carries files to it",
            "tctl nodes export db1 --out=roles/ssh/files/db1",
            "tctl nodes export db1 --format=json | jq -r '.[] | .path'")
    {
        Arguments.Add(name);
        Options.Add(outFolder);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var files = (await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(parsed.GetValue(name)!), cancellation)).Files;
        var folder = parsed.GetValue(outFolder);
        if (folder is not null)
            foreach (var file in files)
                Write(folder, file);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(files);
        else
            parsed.Print(files.Select(file => folder is null ? file.Path : Below(folder, file)));
        if (folder is null && parsed.GetValue(format) != FormatOption.Json)
            parsed.Hint($"to have them: tctl nodes export {parsed.GetValue(name)} --out=FOLDER");
        return ExitCode.Done;
    }

    private static void Write(string folder, NodeFile file)
    {
        var path = Below(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, file.Content, ReadableByAll);
    }

    // The daemon says where; below the folder it stays, whatever it says.
    private static string Below(string folder, NodeFile file)
    {
        var root = Path.GetFullPath(folder);
        var path = Path.GetFullPath(Path.Join(root, file.Path));
        return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path : throw new FailureException($"the daemon names a file outside of {folder}");
    }
}
