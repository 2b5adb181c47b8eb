using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// A command that lists what there can be very much of. People see the first of it and how to go on; programs get everything, in pieces
/// that the daemon
/// can hold.
/// </summary>
public sealed class Paging
{
    private const int Shown = 100;
    private const int Piece = 1000;

    private readonly Command list;
    private readonly string name;
    private readonly FormatOption format;
    private readonly LimitOption limit = new($"{Shown} in a table, else all");
    private readonly Option<string?> after = new("--after")
    {
        HelpName = "PLACE",
        Description = "Go on where a page ended; the hint under it says where"
    };

    /// <summary>Adds <c>--limit</c> and <c>--after</c>.</summary>
    /// <param name="list">The command, with all of its other options.</param>
    /// <param name="name">What a user types for it, such as <c>tctl certs ls</c>.</param>
    /// <param name="format">Whether people read it.</param>
    public Paging(Command list, string name, FormatOption format)
    {
        (this.list, this.name, this.format) = (list, name, format);
        list.Options.Add(limit);
        list.Options.Add(after);
    }

    /// <summary>What is wanted of it, and for people a hint when there is more.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ask">Gets a piece: at most so many, behind a place.</param>
    public async Task<T[]> Read<T>(ParseResult parsed, Func<int, string?, Task<(T[] Items, string? Next)>> ask)
    {
        var most = parsed.GetValue(limit) ?? (parsed.GetValue(format) == FormatOption.Text ? Shown : int.MaxValue);
        var (items, next) = await Read(most, parsed.GetValue(after), ask);
        if (next is not null && parsed.GetValue(format) == FormatOption.Text)
            parsed.Hint($"there are more: {string.Join(' ', Again(parsed).Append($"--after={next}"))}");
        return items;
    }

    /// <summary>All that there are.</summary>
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

    // The command as it was given, without the place where it began.
    private IEnumerable<string> Again(ParseResult parsed) =>
        list.Options.Where(option => option != after).Select(option => (option.Name, Result: parsed.GetResult(option)))
            .Where(option => option.Result is { Implicit: false })
            .Select(
                option => option.Result!.Tokens is []
                    ? option.Name
                    : $"{option.Name}={string.Join(',', option.Result.Tokens.Select(token => token.Value))}").Prepend(name);
}
