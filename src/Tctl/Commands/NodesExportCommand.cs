using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes export</c>.</summary>
internal sealed class NodesExportCommand : CliCommand
{
    private const UnixFileMode ReadableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Argument<string> name = new("NODE") { Description = "The host", CompletionSources = { AdminCompletions.Nodes } };
    private readonly Option<string?> outFolder = new("--out")
    {
        HelpName = "FOLDER",
        Description = "Write them below this folder, as they are to lie below / of the host",
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<bool> paste = new("--paste")
    {
        Description = "Print the lines for the sshd_config of a host that reads no drop-ins (OpenSSH before 8.2, or no Include)"
    };
    private readonly ListOption exempt = new(
        "--exempt", "Addresses from which the host sees the daemon, whose failed logins earn no penalty; only for OpenSSH 9.8 and later",
        "ADDRESS")
    {
        Items = PlainNames.Addresses,
    };
    private readonly FormatOption format = new();

    public NodesExportCommand()
        : base(
            "export",
            "Writes the files that bring a host under the authority, for whatever carries files to it",
            "tctl nodes export db1 --out=roles/ssh/files/db1",
            "tctl nodes export db1 --paste",
            "tctl nodes export db1 --format=json | jq -r '.[] | .path'")
    {
        Arguments.Add(name);
        Options.Add(outFolder);
        Options.Add(paste);
        Options.Add(exempt);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var files = (await ca.Send(
            Routes.GetNodeFiles,
            new GetNodeFiles(
                parsed.GetValue(name)!, Exempt: exempt.Given(parsed) is { Length: > 0 } addresses ? string.Join(',', addresses) : null),
            cancellation)).Files;
        var folder = parsed.GetValue(outFolder);
        if (folder is not null)
            foreach (var file in files)
                Write(folder, file);
        if (parsed.GetValue(paste))
            parsed.PrintAsIs(Pasted(files[^1]));
        else if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(files);
        else
            parsed.Print(files.Select(file => folder is null ? file.Path : Below(folder, file)));
        if (folder is null && !parsed.GetValue(paste) && parsed.GetValue(format) != FormatOption.Json)
            parsed.Hint($"to have them: tctl nodes export {parsed.GetValue(name)} --out=FOLDER");
        return ExitCode.Done;
    }

    // A Match block continues to the end of the file or to the next Match. In a drop-in, the file ends it; pasted at the top, it would
    // include the lines that follow.
    private static IEnumerable<string> Pasted(NodeFile dropIn)
    {
        var lines = System.Text.Encoding.UTF8.GetString(dropIn.Content).TrimEnd('\n').Split('\n');
        var match = Array.FindIndex(lines, line => line.StartsWith("Match ", StringComparison.Ordinal));
        // The comment above belongs to the block.
        var end = match < 0 ? lines.Length : match - 1;
        string[] last = match < 0 ? [] : ["", "# At the end of /etc/ssh/sshd_config:", .. lines[end..]];
        return ["# At the beginning of /etc/ssh/sshd_config:", .. lines[..end], .. last];
    }

    private static void Write(string folder, NodeFile file)
    {
        var path = Below(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Replace(path, file.Content, ReadableByAll);
    }

    // The daemon names the path; whatever it names, the path stays below the directory.
    private static string Below(string folder, NodeFile file)
    {
        var root = Path.GetFullPath(folder);
        var path = Path.GetFullPath(Path.Join(root, file.Path));
        return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new FailureException($"the daemon names a file outside of {folder}");
    }
}
