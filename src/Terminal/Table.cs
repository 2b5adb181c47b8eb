using System.Text;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Columns as wide as their widest cell, one blank between.</summary>
public sealed class Table(params string[] headers)
{
    private readonly List<string[]> rows = [];

    /// <summary>Adds a row with as many cells as there are headers.</summary>
    public void Add(params string[] cells) => rows.Add([.. cells.Select(Printable.Escape)]);

    /// <summary>Returns the headers, a rule, and the rows.</summary>
    /// <param name="coloured">Whether the states in the column Status are shown in colour.</param>
    public IEnumerable<string> Lines(bool coloured = false)
    {
        var widths = headers.Select((header, column) => rows.Select(row => row[column].Length).Append(header.Length).Max()).ToArray();
        var state = coloured ? Array.IndexOf(headers, "Status") : -1;
        yield return Line(headers, widths);
        yield return Line([.. widths.Select(width => new string('-', width))], widths);
        foreach (var row in rows)
            yield return Line(row, widths, state);
    }

    private static string Line(string[] cells, int[] widths, int state = -1)
    {
        var line = new StringBuilder();
        for (var column = 0; column < cells.Length; column++)
        {
            var cell = cells[column];
            line.Append(column == state ? Colour.OfState(cell) : cell).Append(' ', widths[column] - cell.Length + 1);
        }
        return line.ToString().TrimEnd(' ');
    }
}
