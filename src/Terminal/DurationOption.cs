using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// An option for a duration. The daemon interprets it, because it knows the limits; here, only its form is checked, before anything is sent
/// or waited for.
/// </summary>
public sealed class DurationOption : Option<string?>
{
    /// <summary>Creates the option.</summary>
    /// <param name="name">The name of the option.</param>
    /// <param name="description">What lasts so long.</param>
    public DurationOption(string name, string description)
        : base(name)
    {
        Description = description;
        HelpName = "DURATION";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            // The parser refuses an empty value in its own words.
            if (text.Length > 0 && !IsDuration(text))
                result.AddError(Fault(name, text));
            return text;
        };
    }

    /// <summary>Returns the error for a text that is not a duration, or not one up to a limit.</summary>
    internal static string Fault(string name, string text, TimeSpan? most = null) =>
        $"{name} takes a duration such as 90s, 15m or 1h30m{(most is { } longest ? $", up to {longest.TotalHours}h" : "")}, not '{text}'";

    /// <summary>Whether a text has the form <c>[Nd][Nh][Nm][Ns]</c>.</summary>
    public static bool IsDuration(string text)
    {
        var rest = text.AsSpan();
        foreach (var unit in "dhms")
        {
            var digits = rest.IndexOf(unit);
            if (digits < 0)
                continue;
            if (digits == 0 || rest[..digits].ContainsAnyExceptInRange('0', '9'))
                return false;
            rest = rest[(digits + 1)..];
        }
        return text.Length > 0 && rest.IsEmpty;
    }
}
