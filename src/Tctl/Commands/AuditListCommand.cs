using System.CommandLine;
using CertAuthority.Linux;
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
    private readonly ListOption events = new("--event", "Only these events: names or globs such as certificate.*", "EVENT");
    private readonly Option<string?> account = new("--account") { HelpName = "ACCOUNT", Description = "Only what this account did" };
    private readonly SinceOption since = new("Not before");
    private readonly TimeOption until = new("--until", "Before");
    private readonly Option<string?> order = new("--order")
    {
        HelpName = $"{AuditOrders.Newest}|{AuditOrders.Oldest}",
        Description = $"Which comes first. Default: {AuditOrders.Newest}, with --follow {AuditOrders.Oldest}",
        CompletionSources = { AuditOrders.Newest, AuditOrders.Oldest }
    };
    private readonly Option<bool> follow = new("--follow")
    {
        Description = "Print new entries as they are made, until Ctrl-C; from the entry after --after, else from --since, else from now on"
    };
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, FormatOption.JsonLines);
    private readonly Paging paging;

    public AuditListCommand()
        : base(
            "ls", "Lists what happened, newest first", "tctl audit ls --limit=20", "tctl audit ls --user=alice --since=2026-11-22T18:00Z",
            "tctl audit ls --event=role.*,access.refused --since=24h --format=json", "tctl audit ls --follow",
            "tctl audit ls --follow --after=4711 --format=jsonl")
    {
        foreach (var option in (Option[])[user, request, events, account, since, until, order, follow])
            Options.Add(option);
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tctl audit ls", format, "SEQ");
        Validators.Add(parsed =>
        {
            if (!parsed.GetValue(follow))
                return;
            if (parsed.GetResult(until) is not null)
                parsed.AddError("--follow has no end, so it does not take --until");
            if (parsed.GetValue(order) is { } first && first != AuditOrders.Oldest)
                parsed.AddError($"--follow lists the {AuditOrders.Oldest} entry first");
            if (format.IsNamed(parsed, FormatOption.Json))
                parsed.AddError($"--follow takes --format={FormatOption.Text} or --format={FormatOption.JsonLines}: an array has an end");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        if (parsed.GetValue(follow))
            await Follow(parsed, ca, cancellation);
        else if (parsed.GetValue(format) == FormatOption.JsonLines)
            await paging.ReadEach(parsed, paging.After(parsed), Page, parsed.PrintJsonLines);
        else
        {
            var (entries, next) = await paging.Read(parsed, Page);
            if (parsed.GetValue(format) == FormatOption.Json)
                parsed.PrintJson(entries);
            else
                PrintTable(parsed, entries, next);
        }
        return ExitCode.Done;

        async Task<(AuditEntry[], string?)> Page(int limit, string? after)
        {
            var page = await ca.Send(Routes.ListAudit, Ask(parsed) with { Limit = limit, After = after }, cancellation);
            if (page.Archived is { } archived)
                parsed.Say(archived.Describe());
            return (page.Entries, page.Next);
        }
    }

    /// <summary>Prints entries as they come, until the user or the reader of the output has enough.</summary>
    private async Task Follow(ParseResult parsed, CaClient ca, CancellationToken cancellation)
    {
        using var readerGone = new CancellationTokenSource();
        new Thread(() =>
        {
            StandardStream.AwaitReaderGone();
            readerGone.Cancel();
        })
        { IsBackground = true }.Start();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, readerGone.Token);
        try
        {
            var ask = Ask(parsed) with { Order = AuditOrders.Oldest, Wait = "25s" };
            var begin = paging.After(parsed) ?? (ask.Since is null ? await Newest(ca, end.Token) : null);
            var following = new AuditFollowing(parsed, ca, ask);
            await paging.ReadEach(
                parsed, begin, (limit, after) => following.Next(limit, after, end.Token),
                entries =>
                {
                    if (parsed.GetValue(format) == FormatOption.JsonLines)
                        parsed.PrintJsonLines(entries);
                    else
                        parsed.Print(entries.Select(
                            entry => $"{Wording.Time(entry.Time)} {entry.Event} by {entry.DescribeActor()}: {entry.DescribeFacts()}"));
                });
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nobody reads it any more: head -1 has its line.
        }
    }

    private ListAudit Ask(ParseResult parsed) => new(
        User: parsed.GetValue(user), Request: parsed.GetValue(request), Since: parsed.GetValue(since), Until: until.Given(parsed),
        Event: events.Given(parsed) is { } names ? string.Join(',', names) : null, Account: parsed.GetValue(account),
        Order: parsed.GetValue(order));

    // The position of whoever has every entry that there is now.
    private static async Task<string> Newest(CaClient ca, CancellationToken cancellation) =>
        (await ca.Send(Routes.ListAudit, new ListAudit(Limit: 1), cancellation)).Entries is [{ Seq: { } last }] ? $"{last}" : "0";

    private void PrintTable(ParseResult parsed, AuditEntry[] entries, string? next)
    {
        var table = new Table("Time", "Event", "By", "What") { Nothing = "no entries" };
        foreach (var entry in entries)
            table.Add(entry.Time, entry.Event, entry.DescribeActor(), entry.DescribeFacts());
        paging.Print(parsed, table, next);
    }
}
