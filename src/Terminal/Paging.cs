using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// Lists that can be very long. People see the first part and the command that continues; programs get everything, in pages that the daemon
/// can hold in memory.
/// </summary>
public sealed class Paging
{
    private const int Shown = 100;
    private const int Piece = 1000;

    private readonly Command list;
    private readonly string name;
    private readonly FormatOption format;
    private readonly LimitOption limit = new($"{Shown} in a table, else all");
    private readonly Option<string?> after;

    /// <summary>Adds <c>--limit</c> and <c>--after</c>.</summary>
    /// <param name="list">The command, with all of its other options.</param>
    /// <param name="name">The command as a user types it, such as <c>tctl certs ls</c>.</param>
    /// <param name="format">The output format; the text format is for people.</param>
    /// <param name="place">What a position in the list is.</param>
    public Paging(Command list, string name, FormatOption format, string place = "PLACE")
    {
        (this.list, this.name, this.format) = (list, name, format);
        after = new Option<string?>("--after")
        {
            HelpName = place,
            Description = "Go on where a page ended; the hint under it says where"
        };
        list.Options.Add(limit);
        list.Options.Add(after);
    }

    /// <summary>Reads the requested part of the list.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ask">Gets a page: at most this many items, after a position.</param>
    /// <returns>The items, and the position after which there are more; null if there are none.</returns>
    public Task<(T[] Items, string? Next)> Read<T>(ParseResult parsed, Func<int, string?, Task<(T[] Items, string? Next)>> ask)
    {
        var most = parsed.GetValue(limit) ?? (parsed.GetValue(format) == FormatOption.Text ? Shown : int.MaxValue);
        return Read(most, parsed.GetValue(after), ask);
    }

    /// <summary>Prints the items as a table, and under it, if there are more, the command that continues.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="table">The items.</param>
    /// <param name="next">The position after which there are more; null if there are none.</param>
    public void Print(ParseResult parsed, Table table, string? next)
    {
        parsed.Print(table);
        if (next is not null)
            parsed.Hint($"there are more: {string.Join(' ', Again(parsed).Append($"--after={next}"))}");
    }

    /// <summary>Returns the position after which the list begins, if the user gave one.</summary>
    public string? After(ParseResult parsed) => parsed.GetValue(after);

    /// <summary>Reads the requested part of the list, or all of it, and takes each page as it arrives.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="begin">The position after which the list begins; null for its beginning.</param>
    /// <param name="ask">Gets a page: at most this many items, after a position.</param>
    /// <param name="take">Takes the items of a page.</param>
    public async Task ReadEach<T>(
        ParseResult parsed, string? begin, Func<int, string?, Task<(T[] Items, string? Next)>> ask, Action<T[]> take)
    {
        var left = parsed.GetValue(limit) ?? long.MaxValue;
        do
        {
            var piece = await ask((int)Math.Min(left, Piece), begin);
            take(piece.Items);
            left -= piece.Items.Length;
            begin = piece.Next;
        }
        while (begin is not null && left > 0);
    }

    /// <summary>Reads all items.</summary>
    public static async Task<T[]> All<T>(Func<int, string?, Task<(T[] Items, string? Next)>> ask) =>
        (await Read(int.MaxValue, null, ask)).Items;

    private static async Task<(T[] Items, string? Next)> Read<T>(
        int most, string? next, Func<int, string?, Task<(T[] Items, string? Next)>> ask)
    {
        var items = new List<T>();
        do
        {
            var piece = await ask(Math.Min(most - items.Count, Piece), next);
            items.AddRange(piece.Items);
            next = piece.Next;
        }
        while (next is not null && items.Count < most);
        return ([.. items], next);
    }

    // Rebuilds the command as it was given, without its start position.
    private IEnumerable<string> Again(ParseResult parsed) =>
        list.Options.Where(option => option != after).Select(option => (option.Name, Result: parsed.GetResult(option)))
            .Where(option => option.Result is { Implicit: false })
            .Select(
                option => option.Result!.Tokens is []
                    ? option.Name
                    : $"{option.Name}={Word(string.Join(',', option.Result.Tokens.Select(token => token.Value)))}").Prepend(name);

    private static string Word(string value) => value.Contains(' ') ? $"\"{value.Replace('"', ' ')}\"" : value;
}
