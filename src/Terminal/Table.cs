using System.Text;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>A cell of a table: a text, or an instant, which a person sees relative to now.</summary>
/// <param name="Text">The text, as scripts read it.</param>
/// <param name="Time">The instant; null for a text.</param>
public readonly record struct Cell(string Text, DateTimeOffset? Time = null)
{
    /// <summary>A text.</summary>
    public static implicit operator Cell(string text) => new(text);

    /// <summary>An instant.</summary>
    public static implicit operator Cell(DateTimeOffset time) => new(Wording.Time(time), time);
}

/// <summary>Columns as wide as their widest cell, one blank between.</summary>
public sealed class Table(params string[] headers)
{
    // A column is not cut to less than this: names, states and serials stay whole.
    private const int Narrowest = 12;
    private const int ShortId = 8;

    private readonly List<Cell[]> rows = [];

    /// <summary>What to say instead of headers without a row, such as <c>no requests</c>.</summary>
    public required string Nothing { get; init; }

    /// <summary>The column of IDs of which any unique prefix will do; -1 for none. Names that are not IDs stay whole.</summary>
    public int Ids { get; init; } = -1;

    /// <summary>The columns that a narrow terminal can do without, the least important first.</summary>
    public IReadOnlyList<string> Expendable { get; init; } = [];

    /// <summary>The column that is cut last: when the others cannot be cut more, and those before it in Expendable are left out.</summary>
    public string? Vital { get; init; }

    /// <summary>Whether there is no row.</summary>
    public bool IsEmpty => rows.Count == 0;

    /// <summary>Adds a row with as many cells as there are headers.</summary>
    public void Add(params Cell[] cells) => rows.Add([.. cells.Select(cell => cell with { Text = Printable.Escape(cell.Text) })]);

    /// <inheritdoc cref="Add(Cell[])"/>
    public void Add(params string[] cells) => Add([.. cells.Select(cell => (Cell)cell)]);

    /// <summary>Returns the headers, a rule, and the rows, with every cell in full.</summary>
    /// <param name="coloured">Whether the states in the column Status are shown in colour.</param>
    public IEnumerable<string> Lines(bool coloured = false) =>
        Lines(headers, [.. rows.Select(row => row.Select(cell => cell.Text).ToArray())], coloured);

    /// <summary>
    /// Returns the lines as a person reads them on a terminal: short IDs, times relative to now, and no line wider than the terminal. Long
    /// cells are cut first, then columns are left out.
    /// </summary>
    /// <param name="width">How many columns the terminal has.</param>
    /// <param name="now">The current time.</param>
    /// <param name="coloured">Whether the states in the column Status are shown in colour.</param>
    public IEnumerable<string> Fitted(int width, DateTimeOffset now, bool coloured = false)
    {
        var shown = rows.ConvertAll(row => row.Select((cell, column) => Short(cell, column, now)).ToArray());
        // The time is relative, so it is in no zone.
        var names = headers.Select(header => header.Replace(" At (UTC)", "", StringComparison.Ordinal)).ToArray();
        var kept = Enumerable.Range(0, names.Length).ToList();
        var vital = Array.IndexOf(headers, Vital);
        foreach (var expendable in Expendable.Select(header => Array.IndexOf(headers, header)))
            if (Least(kept, whole: expendable == vital ? -1 : vital) > width)
                kept.Remove(expendable);
        while (kept.Count > 1 && Least(kept) > width)
            kept.RemoveAt(kept.Count - 1);
        var widths = kept.ConvertAll(Natural);
        while (widths.Sum() + widths.Count - 1 > width && widths.Max() > Narrowest)
        {
            var others = widths.Select((wide, i) => kept[i] == vital ? 0 : wide).ToList();
            var cut = others.Max() > Narrowest ? others : widths;
            widths[cut.LastIndexOf(cut.Max())]--;
        }
        return Lines(
            [.. kept.Select((column, i) => DisplayWidth.Cut(names[column], widths[i]))],
            [.. shown.Select(row => kept.Select((column, i) => DisplayWidth.Cut(row[column], widths[i])).ToArray())],
            coloured);

        int Natural(int column) => shown.Select(row => DisplayWidth.Of(row[column])).Append(DisplayWidth.Of(names[column])).Max();

        int Least(List<int> columns, int whole = -1) =>
            columns.Sum(column => column == whole ? Natural(column) : Math.Min(Natural(column), Narrowest)) + columns.Count - 1;
    }

    private string Short(Cell cell, int column, DateTimeOffset now) =>
        cell.Time is { } time ? Wording.Relative(time, now)
        : column == Ids && Guid.TryParse(cell.Text, out _) ? cell.Text[..ShortId]
        : cell.Text;

    private static IEnumerable<string> Lines(string[] names, string[][] cells, bool coloured)
    {
        var widths = names.Select(
            (name, column) => cells.Select(row => DisplayWidth.Of(row[column])).Append(DisplayWidth.Of(name)).Max()).ToArray();
        var state = coloured ? Array.IndexOf(names, "Status") : -1;
        yield return Line(names, widths);
        yield return Line([.. widths.Select(width => new string('-', width))], widths);
        foreach (var row in cells)
            yield return Line(row, widths, state);
    }

    private static string Line(string[] cells, int[] widths, int state = -1)
    {
        var line = new StringBuilder();
        for (var column = 0; column < cells.Length; column++)
        {
            var cell = cells[column];
            line.Append(column == state ? Colour.OfState(cell) : cell).Append(' ', widths[column] - DisplayWidth.Of(cell) + 1);
        }
        return line.ToString().TrimEnd(' ');
    }
}
