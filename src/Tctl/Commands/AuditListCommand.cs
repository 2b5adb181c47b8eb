using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit ls</c>.</summary>
internal sealed class AuditListCommand : CliCommand
{
    private readonly Option<string?> user = new("--user")
    {
        HelpName = "USER",
        Description = "About this user only",
        CompletionSources = { AdminCompletions.Users }
    };
    private readonly Option<string?> request = new("--request")
    {
        HelpName = "ID",
        Description = "About this request only",
        CompletionSources = { AdminCompletions.Requests() }
    };
    private readonly SinceOption since = new("Not before");
    private readonly TimeOption until = new("--until", "Before");
    private readonly FormatOption format = new();
    private readonly Paging paging;

    public AuditListCommand()
        : base(
            "ls", "Lists what happened, newest first", "tctl audit ls --limit=20", "tctl audit ls --user=alice --since=2026-11-22T18:00Z",
            "tctl audit ls --since=24h --format=json")
    {
        Validators.Add(result =>
        {
            if (result.GetValue(since) is { } text && SinceOption.Instant(text, TimeProvider.System.GetUtcNow()) is null)
                result.AddError($"--since takes a time such as 2027-01-31T18:00:00Z, or a duration before now such as 24h, not '{text}'");
        });
        foreach (var option in (Option[])[user, request, since, until])
            Options.Add(option);
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tctl audit ls", format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        // tctl runs on the daemon's host, and has its clock.
        var from = parsed.GetValue(since) is { } text ? SinceOption.Instant(text, TimeProvider.System.GetUtcNow()) : null;
        var (entries, next) = await paging.Read(parsed, async (limit, after) => await ca.Send(
            Routes.ListAudit,
            new ListAudit(limit, parsed.GetValue(user), parsed.GetValue(request), from, until.Given(parsed), after),
            cancellation)
            is var page ? (page.Entries, page.Next) : default);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(entries);
            return ExitCode.Done;
        }
        var table = new Table("Time", "Event", "By", "What") { Nothing = "no entries" };
        foreach (var entry in entries)
            table.Add(entry.Time, entry.Event, entry.DescribeActor(), entry.DescribeFacts());
        paging.Print(parsed, table, next);
        return ExitCode.Done;
    }
}
