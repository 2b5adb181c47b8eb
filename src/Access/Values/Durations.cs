using System.Globalization;
using System.Text;

namespace CertAuthority.Access.Values;

/// <summary>
/// Reads and writes durations as people write them: <c>[Nd][Nh][Nm][Ns]</c>, in this order, each part at most once: <c>30h0m0s</c>,
/// <c>90s</c>.
/// </summary>
public static class Durations
{
    // More than any limit of the site, and far less than a TimeSpan or a certificate's uint64 can hold.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36500);

    /// <summary>
    /// Reads a duration of zero or more whole seconds. Returns false for anything else: a number without a unit (<c>30</c>), a sign, a
    /// fraction, a repeated or misplaced part, or more than a hundred years.
    /// </summary>
    public static bool TryParse(string text, out TimeSpan duration) => TryParseWish(text, out duration) && duration <= Longest;

    /// <summary>
    /// Reads a duration that a limit may still refuse by name. A duration of more than a hundred years is accepted too, and counts as a
    /// hundred years and one second.
    /// </summary>
    public static bool TryParseWish(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        const string units = "dhms";
        long[] seconds = [86400, 3600, 60, 1];
        var tooLong = (long)Longest.TotalSeconds + 1;
        long total = 0;
        var nextUnit = 0;
        var digits = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsAsciiDigit(text[i]))
                continue;
            var unit = units.IndexOf(text[i], StringComparison.Ordinal);
            if (unit < nextUnit || i == digits)
                return false;
            // Nine digits of days still fit into a long; more digits are too many in every unit.
            var number = text.AsSpan(digits, i - digits).TrimStart('0');
            total += number switch
            {
                { Length: 0 } => 0,
                { Length: > 9 } => tooLong,
                _ => Math.Min(tooLong, long.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture) * seconds[unit]),
            };
            nextUnit = unit + 1;
            digits = i + 1;
        }
        if (text.Length == 0 || digits != text.Length)
            return false;
        duration = TimeSpan.FromSeconds(Math.Min(total, tooLong));
        return true;
    }

    /// <summary>
    /// Writes a duration in the shortest form that <see cref="TryParse"/> reads: <c>58m</c>, <c>1h30m</c>, <c>30h</c>, <c>0s</c>. Days are
    /// used from two days up; beyond a hundred years the text says only that.
    /// </summary>
    public static string Show(TimeSpan duration)
    {
        var left = (long)duration.TotalSeconds;
        if (left <= 0)
            return "0s";
        if (duration > Longest)
            return $"more than {Show(Longest)}";
        var text = new StringBuilder();
        if (left >= 2 * 86400)
            Part('d', 86400);
        Part('h', 3600);
        Part('m', 60);
        Part('s', 1);
        return text.ToString();

        void Part(char unit, long size)
        {
            if (left >= size)
                text.Append(left / size).Append(unit);
            left %= size;
        }
    }

    /// <summary>Returns why a duration cannot be requested at all: it is zero or less, or more than the site ever allows.</summary>
    internal static Refusal? Beyond(string name, TimeSpan? wish, TimeSpan longest)
    {
        if (wish <= TimeSpan.Zero)
            return Refusal.Of(name, "must be greater than zero");
        return wish > longest ? Refusal.Of(name, $"{Show(wish.Value)} is more than the site's maximum of {Show(longest)}") : null;
    }
}
