using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Divides lists into pages. Lists of past events grow without limit, so a caller gets one page and the place where the next one begins.
/// Lists of what exists now (roles, users, nodes, locks) are as long as administrators made them, and are returned whole; nodes, of which a
/// site can have thousands, also in pages if the caller asks for that.
/// </summary>
internal static class Pages
{
    /// <summary>The largest page, and the size of a page without a limit.</summary>
    public const int Most = 1000;

    /// <exception cref="Protocol.ProblemException">The limit is not a number from 1 up.</exception>
    public static int Size(int? limit) =>
        limit is < 1 ? throw Problems.InvalidField("limit", "takes a number from 1 up") : Math.Min(limit ?? Most, Most);

    /// <summary>Parses the number after which a page begins in a descending list; null for the first page.</summary>
    /// <exception cref="Protocol.ProblemException">The text is not such a number.</exception>
    public static long? Behind(string? after) => after is null ? null
        : long.TryParse(after, System.Globalization.NumberStyles.None, null, out var number) && number > 0 ? number
        : throw NoPlace(after);

    /// <summary>
    /// Parses the place of a request after which a page begins, in a list by the time of filing; null for the first page.
    /// </summary>
    /// <exception cref="Protocol.ProblemException">The text is not such a place.</exception>
    public static RequestPlace? BehindRequest(string? after) => after is null ? null
        : RequestPlace.TryParse(after) is { Group: "" } place ? place
        : throw NoPlace(after);

    /// <summary>Cuts a page from items that were read with one item more than fits, which shows whether another page follows.</summary>
    public static (List<T> Items, string? Next) Cut<T>(List<T> items, int size, Func<T, string> place) =>
        items.Count <= size ? (items, null) : (items[..size], place(items[size - 1]));

    private static Exception NoPlace(string after) =>
        Problems.InvalidField("after", $"takes the place where a page ended, not \"{after}\"");
}
