using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl create</c>.</summary>
internal sealed class CreateCommand : CliCommand
{
    private readonly Argument<string[]> files = new("FILE")
    {
        Description =
            "YAML or JSON, several documents if need be; a folder stands for its *.yaml and *.yml files; - or nothing is standard input",
        Arity = ArgumentArity.ZeroOrMore,
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
            "create", "Creates every resource of the files, or none", "tctl create dba-role.yaml", "tctl create roles/ users/alice.yaml",
            "tctl get role/dba | tctl create -f",
            "tctl create --drop-unenforceable exported-roles.yaml")
    {
        Arguments.Add(files);
        Options.Add(force);
        Options.Add(dropUnenforceable);
        Options.Add(wait);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var read = await ResourceFiles.Read(parsed.GetValue(files) is [_, ..] given ? given : ["-"], cancellation);
        var (content, first) = read[0];
        using var ca = ServerOption.Connect(parsed);
        return await parsed.Show(
            await ca.Send(
                Routes.ApplyResources, new ApplyResources(
                    content, first, parsed.GetValue(force), parsed.GetValue(dropUnenforceable),
                    More: read.Skip(1).ToArray() is [_, ..] more ? more : null),
                cancellation), wait, ca, cancellation);
    }
}
