using System.CommandLine;
using System.Globalization;
using CertAuthority.Tctl.Reports;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access report</c>.</summary>
internal sealed class AccessReportCommand : CliCommand
{
    private const string Html = "html";
    private const string Csv = "csv";
    private const int Listed = 50;

    private static readonly TimeSpan Quarter = TimeSpan.FromDays(90);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3660);

    private readonly SinceOption since = new("The first instant of the period. Default: 90d");
    private readonly TimeOption until = new("--until", "The first instant after the period. Default: now");
    private readonly TimeSpanOption unused = new(
        "--unused", "How long a role must not have been in use to be listed. Default: 90d", Longest);
    private readonly Option<bool> full = new("--full") { Description = $"List every user and host of a row; at most {Listed} otherwise" };
    private readonly Option<string?> from = new("--from")
    {
        HelpName = "FILE",
        Description = "Show a report that was saved with --format=json, instead of taking one",
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<string?> section = new("--section")
    {
        HelpName = string.Join('|', ReportSection.Names),
        Description = "Which part to write; a CSV file has only one",
    };
    private readonly FormatOption format = new(FormatOption.Text, FormatOption.Json, Html, Csv);

    public AccessReportCommand()
        : base(
            "report", "Reports who has access, what was granted and used, and what was changed",
            "tctl access report --since=90d --format=json > report.json",
            "tctl access report --from=report.json --format=html > report.html",
            "tctl access report --from=report.json --format=csv --section=grants > grants.csv",
            "tctl access report --since=2026-07-01 --until=2026-10-01 --unused=180d")
    {
        section.CompletionSources.Add(ReportSection.Names);
        foreach (var option in (Option[])[since, until, unused, full, from, section, new WideOption(), format])
            Options.Add(option);
        Validators.Add(parsed =>
        {
            var isCsv = format.IsNamed(parsed, Csv);
            if (parsed.GetValue(section) is { } name && !ReportSection.Names.Contains(name))
                parsed.AddError($"--section takes {string.Join(", ", ReportSection.Names[..^1])} or {ReportSection.Names[^1]}, not '{name}'");
            else if (isCsv && parsed.GetValue(section) is null)
                parsed.AddError($"--format={Csv} needs --section={string.Join('|', ReportSection.Names)}: a CSV file has one table");
            else if (!isCsv && parsed.GetValue(section) is not null)
                parsed.AddError($"--section is for --format={Csv}; the other formats have every section");
            if (parsed.GetValue(from) is not null
                && ((Option[])[since, until, unused, full]).Any(option => parsed.GetResult(option) is { Implicit: false }))
                parsed.AddError("--from shows a report as it was taken; --since, --until, --unused and --full are for a new one");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var saved = parsed.GetValue(from) is { } file ? await ReportFile.Read(file, cancellation) : null;
        var report = saved?.Report ?? await Take(parsed, cancellation);
        var output = parsed.InvocationConfiguration.Output;
        switch (parsed.GetValue(format))
        {
            case FormatOption.Json:
                await output.WriteAsync(report.ToJson());
                break;
            case Html:
                await output.WriteAsync(ReportHtml.Write(report, saved?.Sha256));
                break;
            case Csv:
                await output.WriteAsync(ReportCsv.Write(ReportSection.ForPrograms(report, parsed.GetValue(section)!)));
                break;
            default:
                Print(parsed, report);
                break;
        }
        return ExitCode.Done;
    }

    private async Task<AccessReport> Take(ParseResult parsed, CancellationToken cancellation)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        var period = new ReportPeriod(now, Since(parsed, now), until.Given(parsed), parsed.GetValue(unused) ?? Quarter);
        if ((period.Until ?? now) is var end && period.Since >= end)
            throw new FailureException(
                $"the period would end at {Wording.Time(end)}, and begin at {Wording.Time(period.Since)}", exitCode: ExitCode.Usage);
        using var ca = ServerOption.Connect(parsed);
        var report = await new ReportSource(ca, parsed.Say).Take(period, parsed.GetValue(full) ? null : Listed, cancellation);
        if (report.NotSeen is { } missing)
            parsed.Warn(missing);
        return report;
    }

    private DateTimeOffset Since(ParseResult parsed, DateTimeOffset now) => parsed.GetValue(since) switch
    {
        null => now - Quarter,
        var text when TimeSpanOption.Parse(text) is { } ago && ago <= Longest => now - ago,
        var text when TimeOption.Complete(text) is { } time => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture),
        var text => throw new FailureException(
            $"--since takes a time such as 2026-11-22T18:00, or a duration before now such as 90d, not '{text}'", exitCode: ExitCode.Usage),
    };

    private static void Print(ParseResult parsed, AccessReport report)
    {
        parsed.Print($"Access report, taken {report.Taken} at entry {report.Position} of the audit; {report.Since} to {report.Until}");
        foreach (var one in ReportSection.ForPeople(report))
        {
            parsed.Print(["", $"{one.Title}: {one.Rows.Count}"]);
            var table = new Table(one.Columns) { Nothing = one.Nothing };
            foreach (var row in one.Rows)
                table.Add(row);
            if (!table.IsEmpty)
                parsed.Print(table);
        }
    }
}
