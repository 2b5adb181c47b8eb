using System.Net;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>Writes a report as one page that needs nothing else, on paper too: no script, no picture, no other file.</summary>
internal static class ReportHtml
{
    // The widths of a column, in characters: of the longest, of a word that must stay whole, and of what is around the text.
    private const double Widest = 26;
    private const int Word = 12;
    private const int Padding = 4;

    private const string Style = """
        :root { color-scheme: light; }
        body { margin: 2em auto; max-width: 110em; padding: 0 1.5em; background: #fff; color: #1a1a1a; font: 15px/1.45 sans-serif; }
        h1 { font-size: 1.7em; } h2 { font-size: 1.3em; margin-top: 2.2em; border-bottom: 2px solid #1a1a1a; }
        a { color: #0b3d91; }
        table { border-collapse: collapse; width: 100%; margin: 1em 0; }
        table.wide { table-layout: fixed; font-size: 0.87em; }
        th, td { border: 1px solid #767676; padding: 0.3em 0.5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
        thead th { background: #ececec; }
        code { overflow-wrap: anywhere; }
        @page { size: A4 landscape; margin: 14mm; }
        @media print {
          body { margin: 0; max-width: none; padding: 0; font-size: 9.5pt; }
          a { color: inherit; text-decoration: none; }
          section { break-before: page; }
          section.short { break-before: auto; }
          h2 { break-after: avoid; }
          thead { display: table-header-group; }
          tr { break-inside: avoid; }
        }
        """;

    // A file that somebody edited may have anything there.
    private static string Day(string time) => time.Length > 10 ? time[..10] : time;

    /// <summary>Returns the page.</summary>
    /// <param name="report">The report.</param>
    /// <param name="sha256">The SHA-256 of the file that the report was read from; null if it was taken just now.</param>
    public static string Write(AccessReport report, string? sha256)
    {
        var sections = ReportSection.ForPeople(report);
        var title = $"Access report, {Day(report.Since)} to {Day(report.Until)}";
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append($"<title>{Text(title)}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n<main>\n<h1>{Text(title)}</h1>\n");
        Facts(page, report, sha256);
        page.Append("<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ol>\n");
        foreach (var section in sections)
            page.Append($"<li><a href=\"#{section.Name}\">{Text(section.Title)}</a> ({section.Rows.Count})</li>\n");
        page.Append("</ol>\n</nav>\n");
        foreach (var section in sections)
            Write(page, section);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Facts(StringBuilder page, AccessReport report, string? sha256)
    {
        (string Name, string Value)[] facts =
        [
            ("Taken", report.Taken),
            ("Period", report.Until == report.Taken ? $"from {report.Since}" : $"from {report.Since} to just before {report.Until}"),
            ("Audit", $"up to entry {report.Position}{(report.NotSeen is { } missing ? $"; {missing}" : "")}"),
            ("Site", $"{Wording.Count(report.Users, "user")}, {Wording.Count(report.Roles, "role")}, {Wording.Count(report.Hosts, "host")}"),
            ("Grants", $"{report.Grants.Length}: {report.Grants.Count(grant => grant.Overridden is not null)} that passed over a rule, "
                + $"{report.Grants.Count(grant => grant.Self is true)} of an own request, "
                + $"{report.Grants.Count(grant => grant.Certificates == 0)} without a certificate"),
            ("SHA-256", sha256 ?? "to review and sign a report, take it with --format=json first"),
        ];
        page.Append("<table>\n<tbody>\n");
        foreach (var (name, value) in facts)
            page.Append($"<tr><th scope=\"row\">{Text(name)}</th><td>{Text(value)}</td></tr>\n");
        page.Append("</tbody>\n</table>\n");
    }

    private static void Write(StringBuilder page, ReportSection section)
    {
        page.Append($"<section id=\"{section.Name}\"{(section.Rows.Count < 5 ? " class=\"short\"" : "")}>\n<h2>{Text(section.Title)}</h2>\n")
            .Append($"<p>{Text(section.Meaning)}</p>\n");
        if (section.Rows.Count == 0)
            page.Append($"<p>Nothing: {Text(section.Nothing)}.</p>\n");
        else
        {
            page.Append($"<table class=\"wide\" aria-label=\"{Text(section.Title)}\">\n<colgroup>");
            foreach (var width in Widths(section))
                page.Append($"<col style=\"width: {width}%\">");
            page.Append("</colgroup>\n<thead>\n<tr>");
            foreach (var column in section.Columns)
                page.Append($"<th scope=\"col\">{Text(column)}</th>");
            page.Append("</tr>\n</thead>\n<tbody>\n");
            foreach (var row in section.Rows)
                page.Append("<tr>").AppendJoin("", row.Select(cell => $"<td>{Text(cell)}</td>")).Append("</tr>\n");
            page.Append("</tbody>\n</table>\n");
        }
        page.Append("</section>\n");
    }

    // In percent of the table: by what most rows of a column need, so that no cell makes the table wider than the page.
    private static IEnumerable<int> Widths(ReportSection section)
    {
        var needs = section.Columns.Select(
            (header, column) => Padding + Math.Clamp(
                section.Rows.Average(row => row[column].Length),
                Math.Max(header.Length, Math.Min(Word, section.Rows.Max(row => row[column].Split(' ').Max(word => word.Length)))), Widest))
            .ToList();
        return needs.Select(need => (int)(100 * need / needs.Sum()));
    }

    // Invisible characters, and those that change the direction of reading, are shown as escapes; then nothing is markup.
    private static string Text(string text) => WebUtility.HtmlEncode(Printable.Escape(text));
}
