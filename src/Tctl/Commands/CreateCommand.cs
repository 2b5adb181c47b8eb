using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl create</c>.</summary>
internal sealed class CreateCommand : CliCommand
{
    // The largest file that the daemon accepts.
    private const int Largest = 1 << 20;

    private readonly Argument<string> file = new("FILE")
    {
        Description = "YAML or JSON, several documents if need be; - or nothing is standard input",
        DefaultValueFactory = _ => "-",
        CompletionSources = { Suggestions.Files },
    };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Replace what exists" };
    private readonly HostsWait wait = new();
    private readonly Option<bool> dropUnenforceable = new("--drop-unenforceable")
    {
        Description = "Leave out what restricts something that nobody here can enforce, and list it; without it such a file is refused",
    };

    public CreateCommand()
        : base(
            "create", "Creates every resource of a file, or none", "tctl create dba-role.yaml", "tctl get role/dba | tctl create -f",
            "tctl create --drop-unenforceable exported-roles.yaml")
    {
        Arguments.Add(file);
        Options.Add(force);
        Options.Add(dropUnenforceable);
        Options.Add(wait);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var name = parsed.GetValue(file)!;
        await using Stream source = name == "-" ? StandardStream.Input() : File.OpenRead(name);
        name = name == "-" ? "stdin" : name;
        var content = await Read(source, name, cancellation);
        using var ca = ServerOption.Connect(parsed);
        return await parsed.Show(
            await ca.Send(
                Routes.ApplyResources, new ApplyResources(content, name, parsed.GetValue(force), parsed.GetValue(dropUnenforceable)),
                cancellation), wait, ca, cancellation);
    }

    private static async Task<byte[]> Read(Stream source, string name, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        var chunk = new byte[16384];
        while (await source.ReadAsync(chunk, cancellation) is var read and > 0)
        {
            content.Write(chunk, 0, read);
            if (content.Length > Largest)
                throw new FailureException($"{name} is larger than 1 MiB");
        }
        return content.ToArray();
    }
}
