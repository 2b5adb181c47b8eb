using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access review ls</c>.</summary>
internal sealed class AccessReviewListCommand : CliCommand
{
    private const int Digits = 16;

    private readonly FormatOption format = new();
    private readonly Paging paging;

    public AccessReviewListCommand()
        : base(
            "ls", "Lists reviews of who has access, newest first", "tctl access review ls",
            "tctl access review ls --format=json | jq -r '.[0].signature.armored'")
    {
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tctl access review ls", format, "NUMBER");
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (reviews, next) = await paging.Read(
            parsed,
            async (limit, after) => await ca.Send(Routes.ListAccessReviews, new ListAccessReviews(limit, after), cancellation) is var page
                ? (page.Reviews, page.Next)
                : default);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(reviews);
            return ExitCode.Done;
        }
        var table = new Table("Number", "Started", "By", "Entry", "SHA-256", "Signed", "By", "Key") { Nothing = "no access reviews" };
        foreach (var one in reviews)
            table.Add(
                $"{one.Number}", one.Started, one.StartedBy, $"{one.Position}", $"{one.Sha256[..Digits]}…",
                one.Signature is { } signature ? signature.Time : "open", one.Signature?.By ?? "", one.Signature?.Fingerprint ?? "");
        paging.Print(parsed, table, next);
        return ExitCode.Done;
    }
}
