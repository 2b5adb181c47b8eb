using System.Text;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Columns as wide as their widest cell, one blank between.</summary>
public sealed class Table(params string[] headers)
{
    private readonly List<string[]> rows = [];

    /// <summary>Adds a row with as many cells as there are headers.</summary>
    public void Add(params string[] cells) => rows.Add([.. cells.Select(Printable.Escape)]);

    /// <summary>The headers, a rule, and the rows.</summary>
    public IEnumerable<string> Lines()
    {
        var widths = headers.Select((header, column) => rows.Select(row => row[column].Length).Append(header.Length).Max()).ToArray();
        yield return Line(headers, widths);
        yield return Line([.. widths.Select(width => new string('-', width))], widths);
        foreach (var row in rows)
            yield return Line(row, widths);
    }

    private static string Line(string[] cells, int[] widths)
    {
        var line = new StringBuilder();
        for (var column = 0; column < cells.Length; column++)
            line.Append(cells[column].PadRight(widths[column])).Append(' ');
        return line.ToString().TrimEnd(' ');
    }
}
