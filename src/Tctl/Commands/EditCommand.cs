using System.CommandLine;
using System.Diagnostics;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using UnreachableException = CertAuthority.Protocol.UnreachableException;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>tctl edit</c>: gets a resource, opens it in an editor, and replaces the old one with the result. Typed text is never lost.
/// </summary>
internal sealed class EditCommand : CliCommand
{
    private readonly Argument<string> resource = new("KIND/NAME")
    {
        Description = "role/dba, user/alice, node/db1 or a lock",
        CompletionSources = { AdminCompletions.Resources }
    };
    private readonly HostsWait wait = new();

    public EditCommand()
        : base(
            "edit", "Opens a resource in your editor ($VISUAL, else $EDITOR, else vi), and applies what you make of it",
            "tctl edit role/dba", "EDITOR=nano tctl edit user/alice")
    {
        Arguments.Add(resource);
        Options.Add(wait);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetResult(resource) is { Tokens: [var token] } && ResourceReference.TryParseOne(token.Value) is null)
                result.AddError($"'{token.Value}' is not KIND/NAME, such as role/dba");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var (kind, typed) = ResourceReference.TryParseOne(parsed.GetValue(resource)!)!;
        using var ca = ServerOption.Connect(parsed);
        var before = (await ca.Send(Routes.GetResources, new GetResources(kind, typed), cancellation)).Resources.Single();
        var metadata = before.GetProperty("metadata");
        // The beginning of a lock's ID may have been typed.
        var (name, revision) = (metadata.GetProperty("name").GetString(), metadata.GetProperty("revision").GetString());
        // A separate directory: editors put their own files next to the text, and nobody else can read them.
        var folder = Directory.CreateTempSubdirectory("tctl-edit-").FullName;
        var file = Path.Combine(folder, $"{kind}-{name}.yaml");
        var last = Encoding.UTF8.GetBytes(string.Concat(Yaml.Lines(before).Select(line => line + "\n")));
        await File.WriteAllBytesAsync(file, last, cancellation);
        for (var first = true; ; first = false)
        {
            await OpenEditor(file, cancellation);
            var edited = await File.ReadAllBytesAsync(file, cancellation);
            if (first && edited.AsSpan().SequenceEqual(last))
            {
                Directory.Delete(folder, recursive: true);
                parsed.Say($"{kind} '{name}' was left as it is");
                return ExitCode.Done;
            }
            try
            {
                var applied = await ca.Send(
                    Routes.ApplyResources,
                    new ApplyResources(edited, Path.GetFileName(file), Force: true, Edits: $"{kind}/{name}", Revision: revision),
                    cancellation);
                Directory.Delete(folder, recursive: true);
                return await parsed.Show(applied, wait, ca, cancellation);
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem);
                parsed.Say($"nothing was changed; your text is kept in {file}");
                // Only another text can fix a fault. Opening the editor at once would hide the error message.
                if (refused.Problem.Code != ProblemCode.Invalid || edited.AsSpan().SequenceEqual(last))
                    return ExitCode.Failed;
                parsed.Say("Enter opens it again, Ctrl-C leaves it there");
                if (!await Enter(cancellation))
                    return ExitCode.Failed;
            }
            catch (UnreachableException unreachable)
            {
                parsed.Complain(unreachable.Message, unreachable.Hint);
                parsed.Say($"whether anything was changed is not known; your text is kept in {file}");
                return ExitCode.Unreachable;
            }
            last = edited;
        }
    }

    private static async Task OpenEditor(string file, CancellationToken cancellation)
    {
        var editor = Named("VISUAL") ?? Named("EDITOR") ?? "vi";
        // Runs through a shell, because people add arguments to it: code --wait.
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", $"{editor} \"$1\"", "sh", file]) { UseShellExecute = false })!;
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0)
            throw new FailureException(
                $"the editor {editor} ended with exit code {process.ExitCode}; nothing was changed", $"your text is kept in {file}");
    }

    private static string? Named(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } editor && !string.IsNullOrWhiteSpace(editor) ? editor : null;

    // Reads byte by byte: keys typed ahead belong to the editor.
    private static async Task<bool> Enter(CancellationToken cancellation)
    {
        await using var input = StandardStream.Input();
        var one = new byte[1];
        while (await input.ReadAsync(one, cancellation) == 1)
            if (one[0] == '\n')
                return true;
        return false;
    }
}
