using System.CommandLine;
using System.Globalization;

namespace CertAuthority.Terminal;

/// <summary>
/// An option for an instant, in the form in which the protocol has it. Without a zone it is UTC, like all times in the output.
/// </summary>
public sealed class TimeOption : Option<string?>
{
    private static readonly string[] WithoutZone = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss"];
    private static readonly string[] WithZone = ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Creates the option.</summary>
    /// <param name="name">The name of the option.</param>
    /// <param name="description">What the instant is; an example is added.</param>
    public TimeOption(string name, string description)
        : base(name)
    {
        Description = $"{description}, such as 2027-01-31T18:00, in UTC, or 2027-01-31T18:00:00+01:00";
        HelpName = "TIME";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Complete(text) is { } time)
                return time;
            // The parser refuses an empty value in its own words.
            if (text.Length > 0)
                result.AddError($"{name} takes a time such as 2027-01-31T18:00:00Z, not '{text}'");
            return null;
        };
    }

    /// <summary>Returns a time of RFC 3339 with the zone Z for every accepted form; null for any other text.</summary>
    public static string? Complete(string text) =>
        DateTimeOffset.TryParseExact(text, WithoutZone, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
        || (DateTimeOffset.TryParseExact(text, WithZone, CultureInfo.InvariantCulture, DateTimeStyles.None, out time)
            && (text[^1] == 'Z' || text[^6] is '+' or '-'))
            ? UtcText.Of(time)
            : null;

    /// <summary>Returns the instant that was given; null for none.</summary>
    public DateTimeOffset? Given(ParseResult parsed) =>
        parsed.GetValue(this) is { } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) : null;
}
