using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit ls</c>.</summary>
internal sealed class AuditListCommand : Verb
{
    private readonly Option<string?> user = new("--user") { HelpName = "USER", Description = "About this user only", CompletionSources = { Known.Users } };
    private readonly Option<string?> request = new("--request") { HelpName = "ID", Description = "About this request only", CompletionSources = { Known.Requests() } };
    private readonly TimeOption since = new("--since", "Not before");
    private readonly TimeOption until = new("--until", "Before");
    private readonly LimitOption limit = new();
    private readonly FormatOption format = new();

    public AuditListCommand()
        : base("ls", "Lists what happened, newest first", "tctl audit ls --limit=20", "tctl audit ls --user=alice --since=2026-11-22T18:00Z", "tctl audit ls --format=json")
    {
        Aliases.Add("list");
        foreach (var option in (Option[])[user, request, since, until])
            Options.Add(option);
        Options.Add(limit);
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var list = await ca.Send(Routes.ListAudit, new ListAudit(
            parsed.GetValue(limit), parsed.GetValue(user), parsed.GetValue(request), parsed.GetValue(since), parsed.GetValue(until)), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(list.Entries);
            return ExitCode.Done;
        }
        var table = new Table("Time", "Event", "By", "What");
        foreach (var entry in list.Entries)
            table.Add(Wording.Time(entry.Time), entry.Event, By(entry), What(entry));
        parsed.Print(table);
        return ExitCode.Done;
    }

    // As whom somebody logged in says more where he has become somebody else since.
    private static string By(AuditEntry entry)
    {
        var by = entry.Account ?? (entry.Uid is { } uid ? $"uid {uid}" : "certauthority");
        if (entry.Program is { } program)
            return $"{program} (as {by})";
        return entry.LoginUid is { } login && login != entry.Uid ? $"{by} (login uid {login})" : by;
    }

    private static string What(AuditEntry entry)
    {
        (string Name, string? Value)[] facts =
        [
            ("route", entry.Route), ("user", entry.User), ("resource", entry.Resource), ("request", entry.Request), ("state", entry.State), ("self", entry.Self is true ? "yes" : null),
            ("reviewer", entry.Reviewer), ("asked", List(entry.Asked)), ("resources", List(entry.Resources)), ("granted", List(entry.Granted)), ("requests", List(entry.Requests)), ("serial", entry.Serial),
            ("principals", List(entry.Principals)), ("limited_by", entry.LimitedBy), ("reason", entry.Reason),
        ];
        return string.Join("; ", facts.Where(fact => !string.IsNullOrEmpty(fact.Value)).Select(fact => $"{fact.Name}={fact.Value}"));
    }

    private static string? List(string[]? items) => items is null ? null : string.Join(',', items);
}
