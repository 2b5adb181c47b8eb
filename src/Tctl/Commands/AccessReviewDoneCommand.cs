using System.CommandLine;
using System.Globalization;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access review done</c>.</summary>
internal sealed class AccessReviewDoneCommand : CliCommand
{
    // The user may have to type a passphrase.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Argument<string> number = new("NUMBER")
    {
        Description = "The number of the review",
        CompletionSources = { AdminCompletions.OpenAccessReviews }
    };
    private readonly ReportOption report = new();
    private readonly Option<string?> key = new("--key")
    {
        HelpName = "FILE",
        Description = "The SSH key to sign with; ssh-keygen asks for its passphrase",
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<string?> signature = new("--signature")
    {
        HelpName = "FILE",
        Description = "A signature that ssh-keygen -Y sign made elsewhere, instead of --key",
        CompletionSources = { Suggestions.Files }
    };

    public AccessReviewDoneCommand()
        : base(
            "done", "Signs a review off: you have gone through its report",
            "tctl access review done 3 --report=report.json --key=~/.ssh/id_ed25519",
            "tctl access review done 3 --report=report.json --signature=document.sig")
    {
        Arguments.Add(number);
        foreach (var option in (Option[])[report, key, signature, new FormatOption()])
            Options.Add(option);
        Validators.Add(parsed =>
        {
            if ((parsed.GetValue(key) is null) == (parsed.GetValue(signature) is null))
                parsed.AddError("name either --key, to sign now, or --signature, made elsewhere");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var file = await ReportFile.Read(parsed.GetValue(report)!, cancellation);
        using var ca = ServerOption.Connect(parsed);
        var review = await Find(ca, parsed.GetValue(number)!, cancellation);
        if (review.Sha256 != file.Sha256)
            throw new FailureException(
                $"access review {review.Number} is of another report: its SHA-256 is {review.Sha256}, and this file has {file.Sha256}");
        // Made here, so that nobody signs a text of the daemon without knowing what it says.
        var document = AccessReviewDocument.Text(review.Number, review.Started, file.Sha256, file.Report.Position);
        var armored = parsed.GetValue(signature) is { } made
            ? await NamedFile.Text(made, cancellation)
            : await Sign(parsed.GetValue(key)!, document, cancellation);
        var done = await ca.Send(Routes.SignAccessReview, new SignAccessReview(review.Number, armored), cancellation);
        parsed.PrintResult(done, $"access review {done.Number} has been signed off with the key {done.Signature?.Fingerprint}");
        return ExitCode.Done;
    }

    private static async Task<AccessReview> Find(CaClient ca, string text, CancellationToken cancellation) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < long.MaxValue
        && (await ca.Send(Routes.ListAccessReviews, new ListAccessReviews(1, $"{number + 1}"), cancellation)).Reviews is [var review]
        && review.Number == number
            ? review
            : throw new FailureException($"there is no access review {text}", "tctl access review ls lists them");

    private static async Task<string> Sign(string key, string document, CancellationToken cancellation)
    {
        var keygen = new ChildProcess("ssh-keygen", ["-Y", "sign", "-n", AccessReviewDocument.Namespace, "-f", key])
        {
            Input = Encoding.UTF8.GetBytes(document),
            Within = Patience,
        };
        try
        {
            var exit = await keygen.Run(cancellation);
            return exit.ExitCode == 0
                ? exit.Output
                : throw new FailureException($"ssh-keygen could not sign with {key}: {Last(exit.Error)}");
        }
        catch (IOException)
        {
            throw new FailureException("ssh-keygen cannot be started", "install the OpenSSH client");
        }
    }

    private static string Last(string error) => error.Split('\n')[^1];
}
