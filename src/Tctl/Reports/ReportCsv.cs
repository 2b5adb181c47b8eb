namespace CertAuthority.Tctl.Reports;

/// <summary>Writes a section as CSV (RFC 4180), for spreadsheets and programs.</summary>
internal static class ReportCsv
{
    // Spreadsheets take a cell that begins with one of these for a formula, in the wide forms too.
    private const string Formula = "=+-@\t\r\n＝＋－＠";

    /// <summary>Returns the header and the rows.</summary>
    public static string Write(ReportSection section) =>
        string.Concat(section.Rows.Prepend(section.Columns).Select(row => string.Join(',', row.Select(Cell)) + "\r\n"));

    /// <summary>
    /// Returns a text as a cell. What looks like a formula gets an apostrophe in front, so that no spreadsheet runs what somebody wrote as
    /// a reason.
    /// </summary>
    internal static string Cell(string text)
    {
        var safe = text.Length > 0 && (Formula.Contains(text[0]) || (text.TrimStart() is [var first, ..] && Formula.Contains(first)))
            ? $"'{text}"
            : text;
        return safe.AsSpan().ContainsAny(",\"\r\n") ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }
}
