using System.Globalization;

namespace CertAuthority.Access.Values;

/// <summary>Reads and writes instants for people: reads RFC 3339, writes UTC, in whole seconds.</summary>
public static class Instants
{
    /// <summary>
    /// Reads <c>2027-01-31T18:00:00Z</c>, or the same with a fraction or another offset. Returns false for a text with more than one
    /// reading: one without a zone or without a time.
    /// </summary>
    public static bool TryParse(string text, out DateTimeOffset instant)
    {
        var read = DateTimeOffset.TryParseExact(
            text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None,
            out var exact);
        instant = DateTimeOffset.FromUnixTimeSeconds(exact.ToUnixTimeSeconds());
        return read && (text[^1] == 'Z' || text[^6] is '+' or '-');
    }

    /// <summary>
    /// Returns the instant that is later by a time. The instant can be anything that a person wrote, such as the end of the year 9999, so
    /// the last instant that there is stands for everything after it.
    /// </summary>
    /// <param name="instant">The instant.</param>
    /// <param name="time">Not negative.</param>
    public static DateTimeOffset After(DateTimeOffset instant, TimeSpan time) =>
        time > DateTimeOffset.MaxValue - instant ? DateTimeOffset.MaxValue : instant + time;

    /// <inheritdoc cref="UtcText.Of"/>
    public static string Show(DateTimeOffset instant) => UtcText.Of(instant);
}
