namespace CertAuthority.Protocol;

/// <summary>Finds the word that a user meant by a misspelt one.</summary>
public static class Spelling
{
    // A short word is a few letters away from too many others, and one or two letters are one letter away from most of them.
    private const int ShortWord = 5;
    private const int Shortest = 3;

    /// <summary>Returns the known word that is nearest to a misspelt one; null if none is near.</summary>
    public static string? Nearest(string word, IEnumerable<string> known) =>
        word.TrimStart('-').Length < Shortest ? null : Near(word, known).FirstOrDefault();

    private static IEnumerable<string> Near(string word, IEnumerable<string> known) => known
        .Select(one => (Word: one, Distance: Distance(word.ToLowerInvariant(), one)))
        .Where(one => one.Distance <= (word.Length < ShortWord ? 1 : 2))
        .OrderBy(one => one.Distance).Select(one => one.Word);

    /// <summary>
    /// Returns how many letters have to be inserted, left out, replaced, or swapped with their neighbour to turn one word into the other.
    /// </summary>
    public static int Distance(string from, string to)
    {
        var steps = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
            for (var j = 0; j <= to.Length; j++)
                steps[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(
                        Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1,
                        i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]
                            ? Math.Min(steps[i - 2, j - 2] + 1, Replaced(i, j))
                            : Replaced(i, j));
        return steps[from.Length, to.Length];

        int Replaced(int i, int j) => steps[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
    }
}
