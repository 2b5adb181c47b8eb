using System.CommandLine;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl certs ls</c>.</summary>
internal sealed class CertsListCommand : CliCommand
{
    private readonly Option<string?> user = new("--user")
    {
        HelpName = "USER",
        Description = "Of this user only",
        CompletionSources = { AdminCompletions.Users }
    };
    private readonly Option<string?> request = new("--request")
    {
        HelpName = "ID",
        Description = "Issued under this request only",
        CompletionSources = { AdminCompletions.Requests() }
    };
    private readonly Option<string?> state = new("--state")
    {
        HelpName = "live|expired|revoked",
        Description = "In this state only",
        CompletionSources = { "live", "expired", "revoked" }
    };
    private readonly Option<string?> node = new("--node")
    {
        HelpName = "NODE",
        Description = "Only those that open a login on this node",
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly FormatOption format = new();
    private readonly Paging paging;

    public CertsListCommand()
        : base(
            "ls", "Lists every certificate ever signed, newest first", "tctl certs ls --limit=20", "tctl certs ls --state=live --node=db1",
            "tctl certs ls --format=json")
    {
        foreach (var option in (Option[])[user, request, state, node])
            Options.Add(option);
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tctl certs ls", format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (certificates, next) = await paging.Read(parsed, async (limit, after) => await ca.Send(
            Routes.ListCertificates,
            new ListCertificates(
                limit, parsed.GetValue(user), parsed.GetValue(request), parsed.GetValue(state), parsed.GetValue(node), after), cancellation)
            is var page ? (page.Certificates, page.Next) : default);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(certificates);
            return ExitCode.Done;
        }
        var now = TimeProvider.System.GetUtcNow();
        // The new columns come last, so that scripts find the existing ones where they were.
        var withConditions = certificates.Any(certificate => certificate.HasConditions);
        string[] columns = ["Serial", "Key Id", "Roles", "Principals", "Valid Until", "Status", "Name"];
        var table = new Table(withConditions ? [.. columns, "Conditions"] : columns)
        {
            Nothing = "no certificates",
            Expendable = ["Name", "Key Id", "Conditions", "Roles"]
        };
        foreach (var certificate in certificates)
        {
            Cell[] row =
            [
                certificate.Serial,
                certificate.KeyId,
                string.Join(',', certificate.Roles),
                string.Join(',', certificate.Principals),
                certificate.ValidBefore,
                certificate.Revoked ? "REVOKED" : certificate.ValidBefore <= now ? "EXPIRED" : "VALID",
                certificate.Name ?? "",
            ];
            table.Add(withConditions ? [.. row, CriticalOption.Describe(certificate.CriticalOptions) ?? ""] : row);
        }
        paging.Print(parsed, table, next);
        return ExitCode.Done;
    }
}
