using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access review start</c>.</summary>
internal sealed class AccessReviewStartCommand : CliCommand
{
    private readonly ReportOption report = new();

    public AccessReviewStartCommand()
        : base(
            "start", "Records that you begin to review a report", "tctl access review start --report=report.json",
            "tctl access review start --report=report.json --format=json | jq .number")
    {
        Options.Add(report);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var path = parsed.GetValue(report)!;
        var file = await ReportFile.Read(path, cancellation);
        using var ca = ServerOption.Connect(parsed);
        var review = await ca.Send(
            Routes.StartAccessReview, new StartAccessReview(file.Sha256, file.Report.Position), cancellation);
        parsed.PrintResult(review, $"access review {review.Number} has been started");
        if (!FormatOption.IsJson(parsed))
            parsed.Hint($"to sign it off: tctl access review done {review.Number} --report={path} --key=~/.ssh/id_ed25519");
        return ExitCode.Done;
    }
}

/// <summary><c>--report</c>: the file with the report under review.</summary>
internal sealed class ReportOption : Option<string>
{
    public ReportOption()
        : base("--report")
    {
        HelpName = "FILE";
        Description = "The report, as tctl access report --format=json wrote it";
        Required = true;
        CompletionSources.Add(Suggestions.Files);
    }
}
