using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh certs ls</c>.</summary>
internal sealed class CertsListCommand : CliCommand
{
    private readonly Option<string?> state = new("--state")
    {
        HelpName = "live|expired|revoked",
        Description = "In this state only",
        CompletionSources = { "live", "expired", "revoked" }
    };
    private readonly FormatOption format = new();
    private readonly Paging paging;

    public CertsListCommand()
        : base(
            "ls", "Lists your certificates, newest first, on this machine or elsewhere", "tsh certs ls --state=live",
            "tsh certs ls --format=json")
    {
        Options.Add(state);
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tsh certs ls", format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var user = UserOption.Chosen(parsed, Home.Chosen(parsed));
        var (certificates, next) = await paging.Read(parsed, async (limit, after) =>
            await ca.Send(
                Routes.ListMyCertificates, new ListMyCertificates(user, parsed.GetValue(state), limit, after), cancellation) is var page
                ? (page.Certificates, page.Next)
                : default);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(certificates);
            return ExitCode.Done;
        }
        var now = TimeProvider.System.GetUtcNow();
        var table = new Table("Serial", "Roles", "Principals", "Valid Until", "Status")
        {
            Nothing = "no certificates",
            Expendable = ["Roles"],
        };
        foreach (var certificate in certificates)
            table.Add(
                certificate.Serial, string.Join(',', certificate.Roles), string.Join(',', certificate.Principals),
                certificate.ValidBefore,
                certificate.Revoked ? "REVOKED" : certificate.ValidBefore <= now ? "EXPIRED" : "VALID");
        paging.Print(parsed, table, next);
        return ExitCode.Done;
    }
}
