using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>Requests of the past.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Search">What was searched for.</param>
/// <param name="Requests">What was found, newest first.</param>
/// <param name="Next">The position of the next page; null if there is none.</param>
/// <param name="Now">The time.</param>
public sealed record HistoryModel(Desk Desk, Search Search, IReadOnlyList<RequestResource> Requests, string? Next, DateTimeOffset Now)
{
    /// <summary>The path that lists the next page, or the same as a file.</summary>
    /// <param name="page">The path without its query.</param>
    /// <param name="after">The position after which it begins; null for the first page.</param>
    public string Link(string page, string? after = null)
    {
        (string Name, string? Value)[] fields =
        [
            ("person", Search.Person), ("role", Search.Role), ("host", Search.Host), ("state", Search.State), ("since", Search.Since),
            ("whose", Search.Whose), ("after", after),
        ];
        var query = string.Join(
            '&', fields.Where(field => field.Value is not null).Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value!)}"));
        return query.Length > 0 ? $"{page}?{query}" : page;
    }
}

/// <summary>Searches requests, a page at a time.</summary>
internal static class History
{
    private const int OnOnePage = 50;
    private const int Largest = 1000;

    private static readonly string[] Columns =
        ["id", "user", "state", "roles", "hosts", "created", "access_expires", "resolved_by", "reason", "resolve_reason"];

    public static async Task<Answer> Show(Visit visit)
    {
        var search = Of(visit.Query);
        var page = await visit.Desk.History(search, OnOnePage, visit.Cancellation);
        return new Answer.Page(
            "History", "/history", visit.Desk.HistoryCommand(search),
            Html.Part<HistoryView, HistoryModel>(new HistoryModel(visit.Desk, search, page.Requests, page.Next, visit.Now)));
    }

    /// <summary>The same as a file for a spreadsheet, written a page at a time.</summary>
    public static Task<Answer> Csv(Visit visit)
    {
        var search = Of(visit.Query);
        return Task.FromResult<Answer>(new Answer.Download("text/csv; charset=utf-8", "requests.csv", async writer =>
        {
            await writer.WriteAsync(Line(Columns));
            for (string? after = search.After; ;)
            {
                var page = await visit.Desk.History(search with { After = after }, Largest, visit.Cancellation);
                foreach (var request in page.Requests)
                    await writer.WriteAsync(Line(Row(request)));
                if ((after = page.Next) is null)
                    return;
            }
        }));
    }

    private static Search Of(Fields query) => new(
        query["person"], query["role"], query["host"], query["state"], query["since"], query["whose"], query["after"]);

    private static string[] Row(RequestResource request)
    {
        var spec = request.Spec;
        return
        [
            request.Metadata.Name, spec.User, spec.State, string.Join(' ', spec.Roles), string.Join(' ', spec.Resources ?? []),
            Moments.Iso(spec.Created), Moments.Iso(spec.AccessExpires), spec.ResolvedBy ?? "", spec.RequestReason, spec.ResolveReason,
        ];
    }

    /// <summary>
    /// A line of a file for a spreadsheet. A text that a spreadsheet would take for a formula gets an apostrophe, which it does not show.
    /// </summary>
    internal static string Line(IEnumerable<string> cells) => string.Join(
        ',',
        cells.Select(cell => cell is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" + cell : cell)
            .Select(cell => $"\"{cell.Replace("\"", "\"\"")}\"")) + "\r\n";
}
