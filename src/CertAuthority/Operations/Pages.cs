using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Lists of what has happened grow for ever, so they are answered a page at a time: whoever asks for more gets a full page and where the
/// next one begins.
/// Lists of what there is now (roles, users, nodes, locks) are as long as administrators made them, and are answered whole.
/// </summary>
internal static class Pages
{
    /// <summary>What is on a page at most, and without a limit.</summary>
    public const int Most = 1000;

    /// <exception cref="Protocol.ProblemException">It is no number from 1 up.</exception>
    public static int Size(int? limit) =>
        limit is < 1 ? throw Problems.InvalidField("limit", "takes a number from 1 up") : Math.Min(limit ?? Most, Most);

    /// <summary>The number behind which a page begins, in a list that goes down; null for the first page.</summary>
    /// <exception cref="Protocol.ProblemException">It is no such number.</exception>
    public static long? Behind(string? after) => after is null ? null
        : long.TryParse(after, System.Globalization.NumberStyles.None, null, out var number) && number > 0 ? number
        : throw NoPlace(after);

    /// <summary>The place of a request behind which a page begins, in a list by the time of filing; null for the first page.</summary>
    /// <exception cref="Protocol.ProblemException">It is no such place.</exception>
    public static RequestPlace? BehindRequest(string? after) => after is null ? null
        : RequestPlace.TryParse(after) is { Group: "" } place ? place
        : throw NoPlace(after);

    /// <summary>A page of items, of which one more than fits was read to see whether there are more.</summary>
    public static (List<T> Items, string? Next) Cut<T>(List<T> items, int size, Func<T, string> place) =>
        items.Count <= size ? (items, null) : (items[..size], place(items[size - 1]));

    private static Exception NoPlace(string after) =>
        Problems.Invalid($"\"{after}\" is no place in this list", "take the one that the page before ended with");
}
